"""What the page `04-outer/proxy-tasks` uses alone."""
