"""What the page `06-interpretability/probing` uses alone."""
