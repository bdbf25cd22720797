"""What the page `04-outer/overoptimization` uses alone."""
