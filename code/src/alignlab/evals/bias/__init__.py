"""What the page `08-evaluation/bias` uses alone."""
