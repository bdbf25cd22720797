"""What the page `05-inner/failures` uses alone."""
