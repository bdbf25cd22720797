"""What the page `05-inner/experiments` uses alone."""
