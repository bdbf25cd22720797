"""Alignment evaluation (survey section 8): measuring what a model prefers, says and declines."""
