"""Models and data: where they are from, their licenses, fetched once, verified, kept."""
