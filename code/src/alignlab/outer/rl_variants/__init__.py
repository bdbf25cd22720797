"""What the page `04-outer/rl-variants` uses alone."""
