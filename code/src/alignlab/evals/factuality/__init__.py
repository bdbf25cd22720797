"""What the page `08-evaluation/factuality` uses alone."""
