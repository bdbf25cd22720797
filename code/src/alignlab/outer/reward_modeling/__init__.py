"""What the page `04-outer/reward-modeling` uses alone."""
