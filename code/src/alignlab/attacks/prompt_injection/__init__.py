"""What the page `07-attacks/prompt-injection` uses alone."""
