"""What the page `06-interpretability/attention` uses alone."""
