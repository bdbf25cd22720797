"""What pages cost, in reference seconds, against their budget; their dearest cells. Read from stored notebooks."""

from pathlib import Path
from typing import Any

from alignlab.book.files import pages

PAGE = 60.0  # reference seconds that a page may cost
BOOK, CHAPTERS = 1250.0, 47  # all pages together, once all are written: so much may a page cost on average
SHARE = BOOK / CHAPTERS


def costs(root: Path) -> dict[str, float]:
    """Reference seconds of every stored page; the seconds of a measurement that knows no reference."""
    found = {}
    for slug in pages.slugs(root):
        measured = _measured(root, slug)[1]
        if "seconds" in measured:
            found[slug] = float(measured.get("cost", measured["seconds"]))
    return found


def over(found: dict[str, float]) -> list[str]:
    """The fewest pages without which the others cost their share at most on average, the dearest first."""
    left = sorted(found, key=lambda slug: found[slug])
    out = []
    while left and sum(found[slug] for slug in left) > SHARE * len(left):
        out.append(left.pop())
    return out


def cells(root: Path) -> list[dict[str, Any]]:
    """Cells of half a reference second or more, the dearest first: page, number of the cell, cost, its first lines."""
    found = []
    for slug in pages.slugs(root):
        notebook, measured = _measured(root, slug)
        for number, cell in enumerate(notebook.cells):
            if cell.id in measured.get("cells", {}):
                lines = [line for line in cell.source.splitlines() if line.strip()]
                cost = float(measured["cells"][cell.id])
                found.append({"page": slug, "cell": number, "cost": cost, "first": " ".join(lines[:1])})
    return sorted(found, key=lambda cell: -cell["cost"])


def table(root: Path, shown: int) -> str:
    """Pages and their dearest cells as text, with what is over the budget."""
    found = costs(root)
    late = over(found)
    lines = []
    for slug in sorted(found, key=lambda slug: -found[slug]):
        mark = "  over a page's budget" if found[slug] > PAGE else "  among the dearest" if slug in late else ""
        lines.append(f"{found[slug]:7.1f}  {slug}{mark}")
    total = sum(found.values())
    lines.append(f"{total:7.1f}  all {len(found)}; {SHARE * len(found):.0f} is their share of {BOOK:.0f}")
    dear = cells(root)[:shown]
    lines += ["", "dearest cells:", *(f"{c['cost']:7.1f}  {c['page']}, cell {c['cell']}: {c['first']}" for c in dear)]
    return "\n".join(lines if dear else lines[: len(found) + 1])


def _measured(root: Path, slug: str) -> tuple[Any, dict[str, Any]]:
    notebook = pages.read_notebook(pages.notebook_path(root, slug))
    return notebook, notebook.metadata.get("alignlab", {}).get("measured") or {}
