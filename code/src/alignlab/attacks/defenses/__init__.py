"""What the page `07-attacks/defenses` uses alone."""
