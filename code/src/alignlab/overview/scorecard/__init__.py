"""What the page `10-conclusion/scorecard` uses alone."""
