"""Recipes: runs too long for a page's minute, whose small results are shipped.

A recipe is a module of this room (`recipes/grokking.py`) that holds a `RECIPE`; `alignlab recipe run grokking` runs it
and writes `records/grokking.json`, from which a page reads with `record("grokking")`. A record says by which code and
which settings it was made, so that one whose code has changed since is known to be stale.
"""

from alignlab.recipes._recipe import Recipe, RecipeError, lookup, names
from alignlab.recipes._records import Record, describe, record
from alignlab.recipes._restamp import restamp
from alignlab.recipes._running import report, run_recipe, workdir

__all__ = [
    "Recipe",
    "RecipeError",
    "Record",
    "describe",
    "lookup",
    "names",
    "record",
    "report",
    "restamp",
    "run_recipe",
    "workdir",
]
