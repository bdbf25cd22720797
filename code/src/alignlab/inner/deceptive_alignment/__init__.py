"""What the page `05-inner/deceptive-alignment` uses alone."""
