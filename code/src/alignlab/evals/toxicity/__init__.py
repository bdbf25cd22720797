"""What the page `08-evaluation/toxicity` uses alone."""
