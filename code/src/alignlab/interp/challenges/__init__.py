"""What the page `06-interpretability/challenges` uses alone."""
