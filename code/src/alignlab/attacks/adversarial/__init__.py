"""What the page `07-attacks/adversarial` uses alone."""
