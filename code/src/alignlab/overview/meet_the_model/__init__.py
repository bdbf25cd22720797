"""What the page `01-introduction/meet-the-model` uses alone."""
