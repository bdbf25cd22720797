"""What the page `06-interpretability/mlp` uses alone."""
