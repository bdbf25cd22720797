"""What the page `08-evaluation/ethics` uses alone."""
