"""What the page `03-what/ingredients` uses alone."""
