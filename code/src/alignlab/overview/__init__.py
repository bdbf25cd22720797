"""The first and last pages (survey sections 1 and 10), which draw on all rooms."""
