"""What the page `03-what/origins` uses alone."""
