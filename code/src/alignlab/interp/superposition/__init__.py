"""What the page `06-interpretability/superposition` uses alone."""
