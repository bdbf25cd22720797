"""What the page `07-attacks/under-attack` uses alone."""
