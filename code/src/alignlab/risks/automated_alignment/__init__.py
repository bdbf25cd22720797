"""What the page `09-future/automated-alignment` uses alone."""
