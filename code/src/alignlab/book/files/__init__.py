"""The book as files: pages and notebooks, the written lists, a new chapter, the bibliography."""
