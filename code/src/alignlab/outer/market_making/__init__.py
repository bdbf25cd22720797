"""What the page `04-outer/market-making` uses alone."""
