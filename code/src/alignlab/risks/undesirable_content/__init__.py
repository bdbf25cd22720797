"""What the page `02-why/undesirable-content` uses alone."""
