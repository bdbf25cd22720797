"""Attacks on aligned models (survey section 7), each with a defense beside it."""
