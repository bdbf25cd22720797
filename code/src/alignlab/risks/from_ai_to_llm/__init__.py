"""What the page `03-what/from-ai-to-llm` uses alone."""
