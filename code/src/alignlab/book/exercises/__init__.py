"""Exercises of the pages, one module a page (underscores for hyphens), each with a list `EXERCISES`."""

from alignlab.book.checks import Exercise, Wrong

__all__ = ["Exercise", "Wrong"]
