"""Do a cell's outputs say what the stored ones say?

An output with a record is compared by its kind (`page.kinds`): two records within the tolerance that the stored one
carries, and what is stored beside a record must be what it prints, pictures and weights those of its fingerprints.
Everything else is compared exactly, but for what carries no statement: styles and scripts, addresses of the repository
and of objects, elapsed times.

A training run takes another course on a processor of another kind, by far more than a tolerance. There (`elsewhere`) a
record's words and shape are compared and its numbers aren't: what holds its claims is that the run itself raises where
one fails.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from alignlab.book.page import links
from alignlab.book.page.fragments import unstyled
from alignlab.book.page.kinds import joined, numberless
from alignlab.book.page.outputs import kind_of

Output = Mapping[str, Any]
Bundle = dict[str, Any]

_IGNORED_TYPES = ("image/png", "image/jpeg", "application/vnd.jupyter.widget-view+json")
_UNSAID = [
    (re.compile(r"\b0x[0-9a-fA-F]{6,}\b"), "ADDRESS"),
    (re.compile(r"\b\d+(\.\d+)? ?(s|ms|µs|seconds|minutes)\b(?= elapsed)"), "TIME"),
]


def sanitize(text: str) -> str:
    """Text without the parts that carry no statement."""
    text = unstyled(text)
    for pattern, replacement in _UNSAID:
        text = pattern.sub(replacement, text)
    return links.neutral(text)


def outputs_differ(stored: Sequence[Output], fresh: Sequence[Output], elsewhere: bool = False) -> list[str]:
    """What differs between a cell's stored and fresh outputs, in words; empty where nothing does.

    elsewhere: whether the stored ones are another kind of processor's.
    """
    problems = []
    stored, fresh = _streams_joined(stored), _streams_joined(fresh)
    for output in fresh:
        if output["output_type"] == "stream" and output["name"] == "stderr":
            problems.append(f"unexpected text on stderr: {output['text']!r}")
    if len(stored) != len(fresh):
        return [*problems, f"{len(stored)} outputs are stored, the run gives {len(fresh)}: {list(map(_title, fresh))}"]
    for before, after in zip(stored, fresh):
        if before["output_type"] != after["output_type"]:
            problems.append(f"a {before['output_type']} is stored, the run gives a {after['output_type']}")
        elif before["output_type"] == "stream":
            problems += _text_differs(before["name"], before["text"], after["text"])
            if before["name"] != after["name"]:
                problems.append(f"{before['name']} is stored, the run writes to {after['name']}")
        elif before["output_type"] == "error":
            problems += _text_differs(
                "error", f"{before['ename']}: {before['evalue']}", f"{after['ename']}: {after['evalue']}"
            )
        else:
            problems += bundles_differ(before["data"], after["data"], elsewhere)
            problems += stored_is_printed(before["data"])
    return problems


def bundles_differ(stored: Bundle, fresh: Bundle, elsewhere: bool = False) -> list[str]:
    """What differs between two mime bundles; of what a record prints, the record alone is asked."""
    if set(stored) != set(fresh):
        return [f"stored types are {sorted(stored)}, the run gives {sorted(fresh)}"]
    kind, problems, printed = kind_of(fresh), [], set()
    if kind is not None:
        try:
            problems = kind.differ(stored[kind.mime], fresh[kind.mime])
            if elsewhere and _bones(stored[kind.mime]) == _bones(fresh[kind.mime]):
                problems = []
        except (KeyError, TypeError, ValueError, IndexError) as error:
            problems = [f"the stored {kind.name} has no sound record: {type(error).__name__}: {error}"]
        printed = {kind.mime, *kind.prints(fresh[kind.mime], kind.pieces(fresh))}
    for mime in sorted(set(stored) - printed - {*_IGNORED_TYPES}):
        before, after = joined(stored[mime]), joined(fresh[mime])
        if isinstance(before, str) and isinstance(after, str):
            problems += _text_differs(mime, before, after)
        elif before != after:
            problems.append(f"{mime}: stored {before!r}, the run gives {after!r}")
    return problems


def _bones(value: Any) -> Any:
    """A record without its numbers, and without what a trained model or a search may say otherwise."""
    if isinstance(value, dict):
        aside = {"digest", "pieces", "sentences", "words", "separation"} | ({"rows"} if value.get("drawn") else set())
        return {key: _bones(entry) for key, entry in value.items() if key not in aside}
    if isinstance(value, list):
        return [_bones(entry) for entry in value]
    if isinstance(value, str):
        return numberless(value)
    return 0 if isinstance(value, int | float) and not isinstance(value, bool) else value


def stored_is_printed(bundle: Bundle) -> list[str]:
    """Whether what is stored beside a record is what the record prints, and the record is the run's."""
    kind = kind_of(bundle)
    return kind.unsound(bundle) if kind else []


def _text_differs(what: str, stored: Any, fresh: Any) -> list[str]:
    before, after = sanitize(joined(stored)), sanitize(joined(fresh))
    if before == after:
        return []
    at = next((i for i, (b, a) in enumerate(zip(before, after)) if b != a), min(len(before), len(after)))
    here = slice(max(0, at - 60), at + 60)
    return [f"{what}: stored …{before[here]!r}…, the run gives …{after[here]!r}…"]


def _streams_joined(outputs: Sequence[Output]) -> list[dict[str, Any]]:
    """Outputs with the pieces of each stream put together, as front ends show them."""
    found: list[dict[str, Any]] = []
    for output in outputs:
        piece = dict(output)
        if piece["output_type"] == "stream":
            piece["text"] = joined(piece["text"])
            same = next((o for o in found if o["output_type"] == "stream" and o["name"] == piece["name"]), None)
            if same is not None:
                same["text"] += piece["text"]
                continue
        found.append(piece)
    return found


def _title(output: Output) -> str:
    if output["output_type"] == "stream":
        return f"{output['name']} {str(output['text'])[:80]!r}"
    data = output.get("data", {})
    return f"{output['output_type']} {str(joined(data.get('text/plain', sorted(data))))[:80]!r}"
