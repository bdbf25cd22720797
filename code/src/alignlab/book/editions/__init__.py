"""Other editions of a page, made from its text and stored outputs: for Colab, and as slides."""
