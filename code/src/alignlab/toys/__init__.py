"""Toys with known truth that several rooms use: a language of stories, a museum guide, a tiny language of requests."""
