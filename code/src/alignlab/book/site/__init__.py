"""The site: what the build reads from the pages, and what `alignlab.book.site.sphinx` draws from that."""
