"""What the page `04-outer/rlhf` uses alone."""
