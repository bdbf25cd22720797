"""What the page `07-attacks/backdoor` uses alone."""
