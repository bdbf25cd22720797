"""What the page `04-outer/task-decomposition` uses alone."""
