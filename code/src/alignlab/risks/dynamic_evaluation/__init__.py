"""What the page `09-future/dynamic-evaluation` uses alone."""
