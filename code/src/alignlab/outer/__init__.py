"""Outer alignment (survey section 4): from feedback to an objective."""
