"""What serves a page: claims, explorers, figures, exercises, the site.

Everything that a page uses is importable from here and loaded when first used:
`from alignlab.book import setup, claim, Measure, Control, memo, seeds, number, figure, COLORS, explore, ...`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alignlab.book.page.checks import check
    from alignlab.book.page.claims import ClaimFailed, Control, Measure, Moved, claim
    from alignlab.book.page.explorers import explore
    from alignlab.book.page.figures import figure
    from alignlab.book.page.guesses import predict
    from alignlab.book.page.inpage import explore_model
    from alignlab.book.page.memory import memo, seeds
    from alignlab.book.page.numbers import number
    from alignlab.book.page.session import setup
    from alignlab.book.page.source import show
    from alignlab.book.page.style import COLORS, DIVERGING, SEQUENTIAL
    from alignlab.book.page.tables import table

_HOME = {
    "setup": "session",
    "claim": "card",  # which is loaded with it
    "Measure": "claims",
    "Control": "claims",
    "Moved": "claims",
    "ClaimFailed": "claims",
    "memo": "memory",
    "seeds": "memory",
    "number": "numbers",
    "figure": "figures",
    "COLORS": "style",
    "SEQUENTIAL": "style",
    "DIVERGING": "style",
    "explore": "explorers",
    "explore_model": "inpage",
    "predict": "guesses",
    "show": "source",
    "check": "checks",
    "table": "tables",
}

__all__ = [
    "COLORS",
    "DIVERGING",
    "SEQUENTIAL",
    "ClaimFailed",
    "Control",
    "Measure",
    "Moved",
    "check",
    "claim",
    "explore",
    "explore_model",
    "figure",
    "memo",
    "number",
    "predict",
    "seeds",
    "setup",
    "show",
    "table",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'alignlab.book' has no attribute {name!r}")
    return getattr(import_module(f"alignlab.book.page.{_HOME[name]}"), name)
