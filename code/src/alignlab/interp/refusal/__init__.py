"""What the page `06-interpretability/refusal` uses alone."""
