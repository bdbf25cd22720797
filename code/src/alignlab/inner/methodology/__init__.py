"""What the page `05-inner/methodology` uses alone."""
