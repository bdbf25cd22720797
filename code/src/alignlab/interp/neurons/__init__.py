"""What the page `06-interpretability/neurons` uses alone."""
