"""What the page `09-future/theory` uses alone."""
