"""What the page `02-why/unfaithful-content` uses alone."""
