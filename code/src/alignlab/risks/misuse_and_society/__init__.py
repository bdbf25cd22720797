"""What the page `02-why/misuse-and-society` uses alone."""
