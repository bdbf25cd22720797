"""What the page `04-outer/goals` uses alone."""
