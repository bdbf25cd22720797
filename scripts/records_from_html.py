"""Give stored figures, explorers, models and guesses, which were HTML alone, their records; nothing runs.

A page executed before outputs had records is brought up to date with `python scripts/records_from_html.py [ROOT]`,
which renews styles too. An output is taken only where its seal is intact and its record prints the same HTML again.
"""

import hashlib
import re
import sys
from html import unescape
from pathlib import Path
from typing import Any

from alignlab.book.files import pages
from alignlab.book.page import links
from alignlab.book.page.figures import PICTURE, words
from alignlab.book.page.fragments import unstyled
from alignlab.book.page.inpage import KIND as MODEL
from alignlab.book.page.kinds import joined
from alignlab.book.page.outputs import KINDS, kind_of

_OLD = re.compile(r' data-tol="[^"]*" data-told="[^"]*"| data-drawn(?=[ >])')


def text(pattern: str, html: str) -> str:
    """What a pattern finds, as a reader sees it; "" where it finds nothing."""
    found = re.search(pattern, html, re.S)
    return unescape(found[1]) if found else ""


def record_of(html: str) -> tuple[str, dict[str, Any], list[str]] | None:
    """Name of the kind, record and pieces of an output; None for what has no record."""
    if 'class="al-explorer al-model"' in html:
        buttons = re.findall(r'<button type="button" data-text="([^"]*)"( data-drawn)?>([^<]*)<', html)
        return (
            "model",
            {
                "title": text(r'<p class="al-title">([^<]*)<', html),
                "say": text(r'<p class="al-soft">([^<]*)<', html),
                "id": text(r'<label for="([^"]*)"', html),
                "start": text(r'<input type="text" id="[^"]*" value="([^"]*)"', html),
                "presets": [
                    {"label": unescape(label), "text": unescape(said), "drawn": bool(drawn)}
                    for said, drawn, label in buttons
                ],
                "sentence": text(r'class="al-say"[^>]*>([^<]*)<', html),
                "options": text(r'data-options="([^"]*)"', html),
            },
            MODEL.pieces({"text/html": html}),
        )
    if 'class="al-explorer"' in html:
        frames = re.findall(r'<div class="al-frame" data-say="([^"]*)"( hidden)?>', html)
        pieces = PICTURE.findall(html)
        tol, drawn = text(r' data-tol="([^"]*)"', html), bool(re.search(r'class="al-explorer"[^>]* data-drawn>', html))
        uid = text(r'class="al-explorer" id="([^"]*)"', html)
        return (
            "explorer",
            {
                "title": text(r'<p class="al-title">([^<]*)<', html),
                "id": uid,
                "controls": controls(html, uid),
                "start": [hidden for _, hidden in frames].index(""),
                "sentences": [unescape(said) for said, _ in frames],
                "words": [words(piece) for piece in pieces],
                "tol": float(tol) if tol and not (drawn and float(tol) == 1.0) else None,
                "drawn": drawn,
            },
            pieces,
        )
    if 'class="al-figure' in html:
        return (
            "figure",
            {
                "title": text(r'<strong class="al-title">([^<]*)<', html),
                "subtitle": text(r'<span class="al-sub">([^<]*)<', html),
                "alt": text(r'<svg role="img" aria-label="([^"]*)"', html),
                "width": text(r'class="al-figure al-(\w+)"', html),
                "words": words(PICTURE.findall(html)[0]),
            },
            PICTURE.findall(html),
        )
    if 'class="al-predict"' in html:
        options = re.findall(r'<label><input type="radio"[^>]*><span>([^<]*)</span>', html)
        answer = int(text(r'data-answer="(\d+)"', html))
        return (
            "guess",
            {
                "key": text(r'data-key="([^"]*)"', html),
                "question": text(r"<legend>([^<]*)<", html),
                "options": [unescape(option) for option in options],
                "answer": answer,
                "because": text(r"</strong> ([^<]*)</p></details>", html),
            },
            [],
        )
    return None


def controls(html: str, uid: str) -> list[dict[str, Any]]:
    """The controls of an explorer as its record has them."""
    found: list[dict[str, Any]] = []
    part = html[html.index('<div class="al-controls">') : html.index('<div class="al-pic al-frames">')]
    for box in re.split(r'(?=<div class="al-control">|<fieldset class="al-control al-choice">)', part)[1:]:
        kind = "radio" if "<fieldset" in box else "select" if "<select" in box else "range"
        name = text(r'name="([^"]*)"' if kind == "radio" else r'<label for="([^"]*)"', box).removeprefix(f"{uid}-")
        if kind == "range":
            texts = text(r'data-texts="([^"]*)"', box).split("|")
            at = int(text(r' value="(\d+)"', box))
        else:
            pattern = r"<span>([^<]*)</span>" if kind == "radio" else r"<option[^>]*>([^<]*)<"
            texts = [unescape(option) for option in re.findall(pattern, box)]
            at = int(text(r'value="(\d+)" (?:checked|selected)', box))
        label = text(r"<legend>([^<]*)<" if kind == "radio" else r"<label[^>]*>([^<]*)<", box)
        found.append({"name": name, "label": label, "kind": kind, "texts": texts, "at": at})
    return found


def renew(output: Any, where: str) -> bool:
    """Give one stored output its record, and take away its seal; whether it changed. Raises ValueError."""
    data = output.get("data", {})
    own = output.get("metadata", {}).get("alignlab", {})
    html = joined(data.get("text/html", ""))
    stated = own.get("seal")
    if stated is not None:
        bare = links.neutral(unstyled(html))
        if hashlib.sha256(bare.encode()).hexdigest()[:12] != stated:
            raise ValueError(f"{where}: an output was changed after its run: refresh the page")
        del output.metadata["alignlab"]
    made = record_of(html) if html and kind_of(data) is None else None
    if made is None:
        return stated is not None
    name, record, pieces = made
    bundle = next(kind for kind in KINDS.values() if kind.name == name).bundle(record, pieces)
    before, after = (_OLD.sub("", unstyled(text)) for text in (html, bundle["text/html"]))
    if before != after or joined(data["text/plain"]) != bundle["text/plain"]:
        at = next((i for i, (b, a) in enumerate(zip(before, after)) if b != a), 0)
        raise ValueError(f"{where}: this {name} can't be read again: {before[at - 60 : at + 60]!r}")
    output["data"] = bundle
    return True


def main(root: Path) -> None:
    """Renew every page of a book."""
    for slug in pages.slugs(root):
        path = pages.notebook_path(root, slug)
        if path.exists():
            notebook = pages.read_notebook(path)
            outputs = [(i, o) for i, cell in enumerate(notebook.cells) for o in cell.get("outputs", [])]
            count = sum(renew(output, f"{slug}, cell {i}") for i, output in outputs)
            if count:
                pages.write(notebook, path)
            print(f"{slug}: {count} outputs")
    print("renewed:", ", ".join(pages.restyle(root)) or "nothing")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
