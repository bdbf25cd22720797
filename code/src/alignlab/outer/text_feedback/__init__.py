"""What the page `04-outer/text-feedback` uses alone."""
