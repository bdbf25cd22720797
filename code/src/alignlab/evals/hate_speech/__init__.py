"""What the page `08-evaluation/hate-speech` uses alone."""
