"""Mechanistic interpretability (survey section 6): what happens inside."""
