"""What the page `06-interpretability/editing` uses alone."""
