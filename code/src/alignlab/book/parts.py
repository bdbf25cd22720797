"""The parts of the site that are generated, each with the document that shows it.

A directive of the part's name stands for it on any page (`site.sphinx` makes it); a reader of the plain text is sent to
its document.
"""

HOMES = {
    "survey-map": "index",
    "survey-works": "chapters/appendix/bibliography",
    "your-guesses": "chapters/appendix/your-guesses",
    "claim-ledger": "chapters/appendix/ledger",
    "claim-summary": "chapters/appendix/ledger",
    "run-times": "chapters/appendix/run-times",
    "models-and-data": "chapters/appendix/models-and-data",
    "exercise-index": "chapters/appendix/teachers",
    "course-plan": "chapters/appendix/teachers",
    "whats-new": "chapters/appendix/whats-new",
    "bibliography": "chapters/appendix/bibliography",
}
"""Document of each part; the bibliography's directive is that of sphinxcontrib-bibtex."""

APPENDIX = (
    "play",
    "your-guesses",
    "glossary",
    "models-and-data",
    "ledger",
    "run-times",
    "statement",
    "teachers",
    "bibliography",
    "whats-new",
    "errata",
)
"""Pages of the appendix in their order."""
