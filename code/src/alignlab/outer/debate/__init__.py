"""What the page `04-outer/debate` uses alone."""
