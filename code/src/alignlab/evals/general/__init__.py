"""What the page `08-evaluation/general` uses alone."""
