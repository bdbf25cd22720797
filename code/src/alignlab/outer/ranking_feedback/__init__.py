"""What the page `04-outer/ranking-feedback` uses alone."""
