"""Why LLM alignment? (survey section 2)."""
