"""The exercise bank: one module a page."""
