"""What the page `07-attacks/privacy` uses alone."""
