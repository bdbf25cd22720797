"""The site: what the build reads from the pages, and the fragments it draws from that (used by `alignlab.book.sphinx`)."""
