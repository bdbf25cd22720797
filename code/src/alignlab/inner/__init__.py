"""Inner alignment (survey section 5)."""
