"""MyST text as plain Markdown, for readers that know no directive and no role (Colab, GitHub).

Directives become quoted notes, headings, pictures or folded parts; roles become links, numbers or plain text. What
`plain` does not know is an error, so that nothing raw slips through.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from alignlab.book.editions.myst import Block, PlainError, blocks
from alignlab.book.parts import HOMES

Solutions = Literal["folded", "open", "left out"]
Named = tuple[str, str]
"""A name and the address it leads to."""


@dataclass(frozen=True)
class Meanings:
    """What a page's references mean, asked for one by one. Each raises PlainError where there is no such thing.

    work: key -> people, year, address. number: name -> text. page: path as the page writes it -> title, address.
    label: name -> title, address. term: glossary entry -> address. part: generated part -> title, address.
    file: path as the page writes it -> address. solutions: whether those of exercises are folded, open, or left out.
    """

    work: Callable[[str], tuple[str, str, str]]
    number: Callable[[str], str]
    page: Callable[[str], Named]
    label: Callable[[str], Named]
    term: Callable[[str], str]
    part: Callable[[str], Named]
    file: Callable[[str], str]
    solutions: Solutions = "folded"


_NOTES = {
    "note": "Note",
    "tip": "Tip",
    "hint": "Hint",
    "important": "Important",
    "warning": "Warning",
    "caution": "Caution",
    "attention": "Attention",
    "danger": "Danger",
    "error": "Error",
    "seealso": "See also",
    "margin": "",
    "sidebar": "",
    "aside": "",
    "epigraph": "",
    "admonition": "",
    "card": "",
    "topic": "",
}
_RAW = re.compile(r"^[ \t>]*(?:`{3,}|~{3,}|:{3,})\{|^:::|^\+\+\+|\{[a-z][\w:-]*\}`|\]\(\)", re.M)


def plain(text: str, meanings: Meanings) -> str:
    """A Markdown cell's text without directives and roles.

    Raises PlainError naming the first directive, role or target that has no plain form.
    """
    parts = [_block(block, meanings) for block in blocks(text)]
    told = re.sub(r"\n{3,}", "\n\n", "\n".join(part for part in parts if part is not None)).strip("\n")
    outside = "\n".join("\n".join(b.lines) for b in blocks(told) if b.kind == "text")
    left = _RAW.search(re.sub(r"(`+)(?!`).+?(?<!`)\1(?!`)", "code", outside) if "`" in outside else outside)
    if left:
        raise PlainError(f"{left[0].strip()!r} has no plain form here: {outside[left.start() :][:60]!r}")
    return told


def _block(block: Block, means: Meanings) -> str | None:
    if block.kind == "code":
        return "\n".join(block.lines)
    if block.kind == "text":
        paragraphs = re.split(r"(\n[ \t]*\n)", "\n".join(block.lines))
        return "".join(_inline(_paragraph(part), means) if i % 2 == 0 else part for i, part in enumerate(paragraphs))
    told = _directive(block, means)
    return None if told is None else f"\n{textwrap.indent(told, block.indent)}\n"


def _directive(block: Block, means: Meanings) -> str | None:
    kind, argument, body = block.kind, block.argument, "\n".join(block.lines).strip("\n")

    def inside() -> str:
        return plain(body, means)

    title = _inline(argument, means)
    if kind == "dropdown" or (kind in _NOTES and "dropdown" in block.options.get("class", "")):
        return folded(title or _NOTES.get(kind) or "More", inside())
    if kind in _NOTES:
        takes_title = kind in ("admonition", "card", "topic", "sidebar")
        head = title if takes_title else _NOTES[kind]
        text = inside() if takes_title or not argument else f"{title}\n\n{inside()}".strip()
        return quoted(f"**{head}**\n\n{text}" if head else text)
    if kind == "exercise":
        return f"### Exercise: {title}\n\n{inside()}" if title else f"### Exercise\n\n{inside()}"
    if kind == "solution":
        title = f"Solution: {means.label(argument)[0]}"
        if means.solutions == "left out":
            return None
        return folded(title, inside()) if means.solutions == "folded" else f"**{title}**\n\n{inside()}"
    if kind.startswith("prf:"):
        head = kind[4:].capitalize() + (f" ({title})" if title else "")
        return quoted(f"**{head}.**\n\n{inside()}")
    if kind in ("figure", "image"):
        picture = f"![{block.options.get('alt', '')}]({means.file(argument)})"
        return f"{picture}\n\n*{inside()}*" if body else picture
    if kind == "math":
        return _display(body, block.options.get("label", ""), means)
    if kind == "table":
        return f"**{title}**\n\n{inside()}" if title else inside()
    if kind == "list-table":
        return "\n\n".join(part for part in (f"**{title}**" if title else "", _grid(body, means)) if part)
    if kind in ("code", "code-block", "sourcecode"):
        return f"```{argument}\n{body}\n```"
    if kind in ("tab-set", "grid"):
        return inside()
    if kind in ("tab-item", "grid-item-card", "grid-item"):
        return f"**{title}**\n\n{inside()}" if title else inside()
    if kind == "play":
        return f"{inside()}\n\n*In the book, SmolLM2 runs here in the reader's browser.*".strip()
    if kind == "watermark":
        return "*In the book, a reader pastes a text here and sees its green words counted, as by `marks.z_of_text`.*"
    if kind in HOMES:
        name, address = means.part(kind)
        return f"*See [{name}]({address}) in the book.*"
    if kind in ("contents", "tableofcontents", "comment"):
        return None
    raise PlainError(f"the directive {{{kind}}} has no plain form")


def quoted(text: str) -> str:
    """Markdown as a quotation."""
    return "\n".join(f"> {line}".rstrip() for line in text.strip("\n").split("\n"))


def folded(title: str, text: str) -> str:
    """Markdown that opens when its title is clicked."""
    return f"<details>\n<summary>{title}</summary>\n\n{text.strip(chr(10))}\n\n</details>"


def _grid(body: str, means: Meanings) -> str:
    """A list of lists as a table, its first row the head."""
    rows: list[list[str]] = []
    for line in body.split("\n"):
        if found := re.match(r"^([*-]) ([*-]) ?(.*)$", line):
            rows.append([found[3]])
        elif found := re.match(r"^  [*-] ?(.*)$", line):
            rows[-1].append(found[1])
        elif line.strip() and rows:
            rows[-1][-1] += " " + line.strip()
    cells = [[_inline(cell.strip(), means) for cell in row] for row in rows]
    if not cells:
        raise PlainError("a list-table without rows")
    lines = [f"| {' | '.join(row)} |" for row in cells]
    return "\n".join([lines[0], "|" + " --- |" * len(cells[0]), *lines[1:]])


def _display(formula: str, label: str, means: Meanings) -> str:
    """A displayed formula, numbered where it has a label."""
    tag = rf" \tag{{{means.label(label)[0]}}}" if label else ""
    return f"$$\n{formula.strip()}{tag}\n$$"


def _paragraph(text: str) -> str:
    """A paragraph without what only MyST reads: comments, breaks, targets, attributes, definition lists."""
    text = re.sub(r"^(?:%.*|\+\+\+.*|\([^)\s]+\)=[ \t]*|\{[.#][^}\n]*\}[ \t]*)(?:\n|$)", "", text, flags=re.M)
    if re.match(r"\\begin\{(?:equation|align|alignat|gather|eqnarray|mult)[a-z]*\*?\}", text):
        text = f"$$\n{text}\n$$"
    return re.sub(
        r"^(\S.*)\n:[ ]+(.*(?:\n[ ]{2,}\S.*)*)",
        lambda m: f"**{m[1]}**: " + " ".join(line.strip() for line in m[2].split("\n")),
        text,
        flags=re.M,
    )


_TOKEN = re.compile(
    r"""
      \{(?P<role>[a-zA-Z][\w:-]*)\}(?P<ticks>`+)(?P<inner>.+?)(?P=ticks)(?!`)
    | (?P<code>(?P<fence>`+)(?!`).+?(?<!`)(?P=fence)(?!`))
    | (?P<display>\$\$(?P<formula>.+?)\$\$(?:[ ]*\((?P<name>[\w:-]+)\))?)
    | (?P<math>(?<!\\)\$(?!\s)[^$]+?(?<!\s)\$(?!\d))
    | (?P<bang>!?)\[(?P<words>(?:[^\[\]]|\[[^\]]*\])*)\]\((?P<target>[^()\s]*)\)(?:\{[.#:\w][^}\n]*\})?
    | \[\^(?P<note>[\w-]+)\](?P<colon>:?)
    | \[(?P<span>[^\[\]]+)\]\{[.#][^}\n]*\}
    """,
    re.X | re.S,
)


def _inline(text: str, means: Meanings) -> str:
    """A paragraph's roles, links and labels made plain; code and formulas stay as they are."""

    def one(found: re.Match[str]) -> str:
        if found["role"]:
            return _role(found["role"], re.sub(r"\s+", " ", found["inner"]).strip(), means)
        if found["display"]:
            return _display(found["formula"], found["name"], means) if found["name"] else found[0]
        if found["target"] is not None:
            return _link(found["bang"], found["words"], found["target"], means)
        if found["note"]:
            return f"<sup>{found['note']}</sup>"
        return _inline(found["span"], means) if found["span"] else found[0]

    return _TOKEN.sub(one, text)


def _link(bang: str, words: str, target: str, means: Meanings) -> str:
    if not target:
        raise PlainError(f"the link [{words}]() leads nowhere, so it has no plain form")
    if re.match(r"[a-z][\w+.-]*:", target) and words:
        return f"{bang}[{words if bang else _inline(words, means)}]({target})"
    if bang:
        return f"![{words}]({means.file(target)})"
    path, _, mark = target.partition("#")
    if path:
        title, address = means.page(path)
        address += f"#{mark}" if mark else ""
    else:
        title, address = means.label(mark)
    return f"[{_inline(words, means) or title}]({address})"


def _role(role: str, inner: str, means: Meanings) -> str:
    named = re.fullmatch(r"(.*?)\s*<([^<>]+)>", inner)
    words, target = (named[1], named[2]) if named else ("", inner)
    if role.split(":")[0] == "cite":
        return _citation(role.partition(":")[2] or "p", inner, means)
    if role in ("glue", "glue:text"):
        return means.number(inner)
    if role == "doc":
        title, address = means.page(target)
    elif role in ("ref", "numref", "prf:ref", "numref:"):
        title, address = means.label(target)
    elif role == "eq":
        title, address = means.label(target)
        return f"({title})"
    elif role == "term":
        title, address = target, means.term(target)
    elif role == "download":
        title, address = target.rpartition("/")[2], means.file(target)
    elif role == "math":
        return f"${inner}$"
    elif role == "abbr":
        return re.sub(r"\s*\([^)]*\)$", "", inner)
    elif role in ("sub", "sup", "kbd"):
        return f"<{role}>{inner}</{role}>"
    elif role in ("code", "samp", "file", "command", "program"):
        return f"`{inner}`"
    else:
        raise PlainError(f"the role {{{role}}} has no plain form")
    return f"[{words or title}]({address})"


def _citation(kind: str, keys: str, means: Meanings) -> str:
    """Works as a sentence or as brackets name them, each a link."""
    works = [means.work(key.strip()) for key in keys.split(",")]
    if kind in ("t", "ct", "ts"):
        return "; ".join(f"[{people} ({year})]({address})" for people, year, address in works)
    told = {"author": "{0}", "year": "{1}", "yearpar": "{1}"}.get(kind.rstrip("s"), "{0}, {1}")
    inside = "; ".join(f"[{told.format(people, year)}]({address})" for people, year, address in works)
    return f"({inside})" if kind in ("p", "ps", "yearpar") else inside
