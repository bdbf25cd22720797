"""The code of pages as a reader meets it: formatted and linted as the package is, and how much of it is unfolded.

A cell tagged `hide-input` is folded under the line that its metadata name: `mystnb: {code_prompt_show: "…"}`.
"""

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from alignlab.book.files import pages

COLUMNS = 80
MOST_UNFOLDED = 120  # lines, on the median page
LONGEST_CELL = 25  # lines, of an unfolded cell

_FENCE = re.compile(r"^(```\{code-cell\}[^\n]*\n)((?::[^\n]*\n)*\n?)(.*?)^```$", re.S | re.M)
_SOLUTION = re.compile(r"^([`~]{3}python\n)()(.*?)^[`~]{3}$", re.S | re.M)
_STUB = re.compile(r"^( *)(def [^\n]*:) \.\.\.$", re.M)
_SCAFFOLDING = {
    "claim": "claims",
    "figure": "figures",
    "table": "tables",
    "number": "tables",
    "explore": "explorers",
    "explore_model": "explorers",
    "predict": "explorers",
    "setup": "imports",
}
_PLOTS = {"plt", "fig", "ax", "axes"}


@dataclass(frozen=True)
class Snippet:
    """Code on a page: of a cell, or of a solution; `line` is where it begins in the page's text."""

    code: str
    line: int
    cell: bool = True


def snippets(text: str) -> list[Snippet]:
    """A page's cells and its other Python, in order."""
    found = [
        Snippet(match[3], text.count("\n", 0, match.start(3)) + 1, pattern is _FENCE)
        for pattern in (_FENCE, _SOLUTION)
        for match in pattern.finditer(text)
    ]
    return sorted(found, key=lambda snippet: snippet.line)


def formatted(text: str, folder: Path) -> str:
    """A page's text with all its Python formatted by the settings that hold in `folder`.

    Raises PageError where a cell is no Python.
    """

    def renew(match: re.Match[str]) -> str:
        try:
            code = _ruff(["format", "--stdin-filename", str(folder / "cell.py"), "-"], match[3])
        except ValueError as error:
            raise pages.PageError(f"line {text.count(chr(10), 0, match.start(3)) + 1}: {error}") from None
        code = _STUB.sub(r"\1\2\n\1    ...", code)  # a learner's function stays open
        return f"{match[1]}{match[2]}{code}{match[0][match[0].rindex(chr(10)) + 1 :]}"

    return _SOLUTION.sub(renew, _FENCE.sub(renew, text))


def format_pages(root: Path, chapters: Sequence[str] = (), check: bool = False) -> list[str]:
    """Format the code of pages; names of those that changed, or with `check` would have.

    Raises PageError where a cell is no Python or a page is unknown.
    """
    changed = []
    for slug in _chosen(root, chapters):
        path = pages.text_path(root, slug)
        before = path.read_text(encoding="utf-8")
        try:
            after = formatted(before, path.parent)
        except pages.PageError as error:
            raise pages.PageError(f"{slug}, {error}") from None
        if after != before:
            changed.append(slug)
            if not check:
                path.write_text(after, encoding="utf-8")
    return changed


def complaints(root: Path, chapters: Sequence[str] = ()) -> list[str]:
    """What the linter finds in the code of pages, lines too wide included: "page:line:column: rule and reason"."""
    found = []
    for slug in _chosen(root, chapters):
        path = pages.text_path(root, slug)
        text = path.read_text(encoding="utf-8")
        lines = [""] * (text.count("\n") + 1)
        aside = set()  # lines that nothing runs: what they leave out, they may
        for snippet in snippets(text):
            code = snippet.code.splitlines()
            lines[snippet.line - 1 : snippet.line - 1 + len(code)] = code
            if not snippet.cell:
                aside |= set(range(snippet.line, snippet.line + len(code)))
        name = str(path.with_suffix(".py"))
        command = ["check", "--exit-zero", "--quiet", "--output-format", "concise", "--stdin-filename", name, "-"]
        for line in _ruff(command, "\n".join(lines) + "\n").splitlines():
            said = re.sub(r"^.*?\.py:", f"{slug}:", line)
            if not (" F821 " in said and int(said.split(":")[1]) in aside):
                found.append(said)
    return found


def measure(root: Path, slug: str) -> dict[str, Any]:
    """What a reader of a page sees of its code.

    Returns counts of lines that aren't blank: `unfolded`, of these `scaffolding` by kind (`claims`, `figures`,
    `tables`, `explorers`, `imports`), `longest` unfolded cell, `folded`; and `wide`, lines over 80 columns anywhere.
    """
    text = pages.text_path(root, slug).read_text(encoding="utf-8")
    kinds = dict.fromkeys(dict.fromkeys(_SCAFFOLDING.values()), 0)
    unfolded, folded, longest = 0, 0, 0
    for cell in pages.from_text(pages.text_path(root, slug)).cells:
        if cell.cell_type != "code":
            continue
        size = _size(cell.source)
        if "hide-input" in cell.metadata.get("tags", []):
            folded += size
            continue
        unfolded, longest = unfolded + size, max(longest, size)
        for kind, lines in _scaffolding(cell.source):
            kinds[kind] += lines
    return {
        "page": slug,
        "unfolded": unfolded,
        "scaffolding": sum(kinds.values()),
        **kinds,
        "longest": longest,
        "folded": folded,
        "wide": sum(len(line) > COLUMNS for snippet in snippets(text) for line in snippet.code.splitlines()),
    }


def report(root: Path) -> list[dict[str, Any]]:
    """`measure` of every page, and a last row: the median of what is unfolded, the sums of the rest."""
    rows = [measure(root, slug) for slug in pages.slugs(root)]
    if not rows:
        return []
    last: dict[str, Any] = {key: sum(row[key] for row in rows) for key in rows[0] if key != "page"}
    last["longest"] = max(row["longest"] for row in rows)
    return [*rows, {"page": "all", **last, "median unfolded": median(row["unfolded"] for row in rows)}]


def _scaffolding(source: str) -> Iterator[tuple[str, int]]:
    """Kind and lines of each statement of a cell that isn't the method or its use."""
    tree = ast.parse(source)
    drawn = {
        name.id
        for node in tree.body
        if _called(node) == "explore"
        for name in ast.walk(node)
        if isinstance(name, ast.Name)
    }
    for node in tree.body:
        used = {name.id for name in ast.walk(node) if isinstance(name, ast.Name)}
        kind = _SCAFFOLDING.get(_called(node))
        if isinstance(node, ast.Import | ast.ImportFrom):
            kind = "imports"
        elif isinstance(node, ast.FunctionDef) and node.name in drawn:
            kind = "explorers"
        elif kind is None and used & _PLOTS:
            kind = "figures"
        elif kind is None and "pd" in used:
            kind = "tables"
        if kind:
            yield kind, _size(ast.get_source_segment(source, node) or "")


def _called(node: ast.stmt) -> str:
    call = node.value if isinstance(node, ast.Expr) else None
    return call.func.id if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) else ""


def _size(source: str) -> int:
    return sum(bool(line.strip()) for line in source.splitlines())


def _chosen(root: Path, chapters: Sequence[str]) -> list[str]:
    return [pages.resolve(root, name) for name in chapters] or pages.slugs(root)


def _ruff(arguments: list[str], code: str) -> str:
    """What the tool prints. Raises PageError where it is missing, ValueError where the code is no Python."""
    beside = Path(sys.executable).with_name("ruff")
    tool = str(beside) if beside.exists() else shutil.which("ruff")
    if tool is None:
        raise pages.PageError("ruff is not installed; install it: pip install ruff")
    run = subprocess.run([tool, *arguments], input=code, capture_output=True, text=True, check=False)
    if run.returncode:
        raise ValueError(next(iter(run.stderr.strip().splitlines()), "ruff failed"))
    return run.stdout
