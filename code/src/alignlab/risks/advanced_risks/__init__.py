"""What the page `02-why/advanced-risks` uses alone."""
