"""alignlab: the methods of the companion to "Large Language Model Alignment: A Survey" (arXiv 2309.15025)."""

__version__ = "0.1.0"
