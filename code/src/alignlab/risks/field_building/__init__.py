"""What the page `09-future/field-building` uses alone."""
