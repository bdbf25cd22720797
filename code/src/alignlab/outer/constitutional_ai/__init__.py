"""What the page `04-outer/constitutional-ai` uses alone."""
