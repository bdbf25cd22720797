"""What the page `09-future/transparency` uses alone."""
