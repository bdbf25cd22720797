"""A scorecard as JSON, as lines of a terminal and as a page to read."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from alignlab.evals.families import any_of

LIBRARIES = ("torch", "transformers", "numpy")


def scorecard(
    model: str, identity: Mapping[str, str], results: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """All tasks' results of one model, with what they depend on.

    Of all measures that have a chance level, `differs` says which are apart
    from it when at most one in twenty such findings may be false.
    """
    rows = [m for result in results for m in result["measures"]]
    tested = [m for m in rows if m["p"] is not None]
    for row, apart in zip(tested, any_of([m["p"] for m in tested])):
        row["differs"] = apart
    return {
        "model": model,
        **identity,
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "versions": {name: version(name) for name in LIBRARIES},
        "tasks": list(results),
    }


def write(folder: Path, card: Mapping[str, Any]) -> tuple[Path, Path]:
    """Write scorecard.json and scorecard.html; return their paths."""
    data, page = folder / "scorecard.json", folder / "scorecard.html"
    data.write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    page.write_text(as_page(card), encoding="utf-8")
    return data, page


def rows(card: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """The table: task, measure, value, interval, chance, items, families."""
    found: list[tuple[str, ...]] = []
    for task in card["tasks"]:
        name = task["task"]
        if task["limited"]:
            name += f" ({task['items']} of {task['of']})"
        for m in task["measures"]:
            chance = "\u2013" if m["chance"] is None else f"{m['chance']:.2f}"
            found.append(
                (
                    name,
                    m["name"],
                    f"{m['value']:.3f}",
                    f"{m['low']:.3f} to {m['high']:.3f}",
                    chance + (" *" if m.get("differs") else ""),
                    str(m["items"]),
                    str(m["families"]),
                )
            )
        for label, value in task["derived"].items():
            found.append((name, label, f"{value:.1f}", "", "", "", ""))
    return found


HEADS = (
    "task",
    "measure",
    "value",
    "95 % interval",
    "chance",
    "items",
    "families",
)
NOTE = (
    "Intervals count families of items that share a passage, a template or a "
    "person, not items. A star: apart from chance, when one in twenty such "
    "findings may be false (Benjamini and Hochberg)."
)


def as_page(card: Mapping[str, Any]) -> str:
    """The scorecard as one HTML page that needs nothing else."""
    say = html.escape
    heads = "".join(f'<th scope="col">{say(head)}</th>' for head in HEADS)
    body = "".join(
        "<tr>" + "".join(f"<td>{say(cell)}</td>" for cell in row) + "</tr>"
        for row in rows(card)
    )
    misses = "".join(
        f"<li><b>{say(task['task'])}</b>: {say(task['about'])} "
        f"({say(task['source'])}; {say(task['license'])}). "
        f"What it misses: {say(task['misses'])}</li>"
        for task in card["tasks"]
    )
    versions = ", ".join(f"{k} {v}" for k, v in card["versions"].items())
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Scorecard of {say(card["model"])}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem;
  margin: 2rem auto; padding: 0 1rem; }}
div {{ overflow-x: auto; }}
table {{ border-collapse: collapse; white-space: nowrap; }}
th, td {{ text-align: left; padding: .3rem .8rem .3rem 0;
  border-bottom: 1px solid #8886; font-variant-numeric: tabular-nums; }}
</style></head><body>
<h1>Scorecard of {say(card["model"])}</h1>
<p>{say(card["date"])}, weights {say(card["weights"])}, {say(card["dtype"])};
{say(versions)}.</p>
<div><table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>
<p>{say(NOTE)}</p>
<h2>The tasks</h2>
<ul>{misses}</ul>
</body></html>
"""
