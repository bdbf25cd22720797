"""The site: what the build reads from the pages, and what `alignlab.book.sphinx` draws from that."""
