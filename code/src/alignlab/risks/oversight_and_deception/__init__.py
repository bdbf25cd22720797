"""What the page `09-future/oversight-and-deception` uses alone."""
