"""MyST text cut into runs of text, fenced code and directives."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field


class PlainError(ValueError):
    """Something in a page's text that cannot be read, or has no plain form; the message names it."""


@dataclass(frozen=True)
class Block:
    """A run of lines: "text", "code" (left as it is), or a directive with its argument, options and body."""

    kind: str
    lines: list[str]
    indent: str = ""
    argument: str = ""
    options: dict[str, str] = field(default_factory=dict)


_OPEN = re.compile(r"^([ \t]*)(`{3,}|~{3,}|:{3,})(\{[\w:-]+\})?[ \t]*(.*)$")
_OPTION = re.compile(r"^:([\w-]+):[ \t]*(.*)$")


def blocks(text: str) -> Iterator[Block]:
    """A text cut into runs of text, fenced code and directives. Raises PlainError where a fence stays open."""
    lines, run, at = text.split("\n"), [], 0
    while at < len(lines):
        opened = _OPEN.match(lines[at])
        if not opened or (opened[2][0] == ":" and not opened[3]) or (opened[2][0] == "`" and "`" in opened[4]):
            run.append(lines[at])
            at += 1
            continue
        fence = opened[2]
        close = re.compile(rf"^[ \t]*{re.escape(fence[0])}{{{len(fence)},}}[ \t]*$")
        end = next((i for i in range(at + 1, len(lines)) if close.match(lines[i])), None)
        if end is None:
            raise PlainError(f"{lines[at].strip()!r} is never closed")
        if run:
            yield Block("text", run)
            run = []
        if opened[3]:
            body = textwrap.dedent("\n".join(lines[at + 1 : end])).split("\n")
            options, body = _options(body)
            yield Block(opened[3][1:-1], body, opened[1], opened[4].strip(), options)
        else:
            yield Block("code", lines[at : end + 1])
        at = end + 1
    if run:
        yield Block("text", run)


def _options(body: list[str]) -> tuple[dict[str, str], list[str]]:
    """The `:key: value` lines (or the block between `---`) that a directive starts with, and what follows them."""
    options = {}
    if body and body[0].strip() == "---":
        end = next((i for i, line in enumerate(body[1:], 1) if line.strip() == "---"), len(body))
        for line in body[1:end]:
            key, _, value = line.partition(":")
            options[key.strip()] = value.strip().strip("\"'")
        return options, body[end + 1 :]
    while body and (found := _OPTION.match(body[0])):
        options[found[1]] = found[2].strip()
        body = body[1:]
    return options, body


def walk(text: str) -> Iterator[Block]:
    """Every run of text and every directive, in order, those inside directives included."""
    for block in blocks(text):
        if block.kind != "code":
            yield block
        if block.kind not in ("code", "text", "math", "code-block", "code-cell"):
            yield from walk("\n".join(block.lines))
