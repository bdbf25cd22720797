"""Do a cell's outputs say what the stored ones say?

Records (claims, numbers, tables) are compared within the tolerance they carry, and what is printed of a record must be
what its record prints. Everything else is compared exactly, but for what carries no statement or may differ in its last
digit: the inside of pictures, weights, styles and scripts, addresses of the repository and of objects, elapsed times,
and what is marked as drawn by a search or a trained model.
Of pictures the words are compared, and pictures and weights must be those that the stored output's seal was made of.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from alignlab.book.page import card, claims, evidence, explorers, fragments, links, numbers, tables

Output = Mapping[str, Any]
Bundle = Mapping[str, Any]

# How each record prints itself, by mime type.
PRINTED: dict[str, Callable[[dict[str, Any]], dict[str, str]]] = {
    claims.MIME: lambda r: {"text/html": card.card_html(r), "text/plain": card.card_text(r)},
    numbers.MIME: lambda r: {f"{numbers.GLUE}text/plain": numbers.number_text(r)},
    tables.MIME: lambda r: {"text/html": tables.table_html(r), "text/plain": tables.table_text(r)},
}

_IGNORED_TYPES = ("image/png", "image/jpeg", "application/vnd.jupyter.widget-view+json")
_LIVE_PARTS = [
    (re.compile(r'(<svg role="img" aria-label="[^"]*")[^>]*>.*?</svg>', re.DOTALL), r"\1/>"),
    (re.compile(r"<svg(?! role).*?</svg>", re.DOTALL), "<svg/>"),
    (re.compile(r'<(style|script) data-al="([a-z -]+)">.*?</\1>', re.DOTALL), r"<\1 \2/>"),
    (re.compile(r'data-weights="[^"]*"'), 'data-weights=""'),
    (re.compile(r'data-text="[^"]*" data-drawn'), "data-drawn"),
    (re.compile(r"data:image/[a-z+]+;base64,[A-Za-z0-9+/=\s]+"), "data:image"),
    (re.compile(r"\b0x[0-9a-fA-F]{6,}\b"), "ADDRESS"),
    (re.compile(r"\b\d+(\.\d+)? ?(s|ms|µs|seconds|minutes)\b(?= elapsed)"), "TIME"),
]


def sanitize(text: str) -> str:
    """Text without the parts that carry no statement."""
    for pattern, replacement in _LIVE_PARTS:
        text = pattern.sub(replacement, text)
    return links.neutral(text)


def outputs_differ(stored: Sequence[Output], fresh: Sequence[Output]) -> list[str]:
    """What differs between a cell's stored and fresh outputs, in words; empty where nothing does."""
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
            problems += bundles_differ(before["data"], after["data"])
            problems += stored_is_printed(before["data"])
            problems += stored_is_sealed(before)
    return problems


def bundles_differ(stored: Bundle, fresh: Bundle) -> list[str]:
    """What differs between two mime bundles."""
    if set(stored) != set(fresh):
        return [f"stored types are {sorted(stored)}, the run gives {sorted(fresh)}"]
    mine = next((mime for mime in PRINTED if mime in stored), None)
    problems: list[str] = []
    if mine is not None:
        problems += records_differ(mine, stored[mine], fresh[mine])
    skipped = {*_IGNORED_TYPES, *([mine, *PRINTED[mine](stored[mine])] if mine is not None and not problems else [])}
    tol, drawn = _tolerance(fresh), _is_drawn(fresh)
    for mime in sorted(set(stored) - skipped):
        before, after = _joined(stored[mime]), _joined(fresh[mime])
        if isinstance(before, str) and isinstance(after, str):
            if drawn:
                before, after = (_undrawn(mime, text) for text in (before, after))
            problems += _pictures_differ(before, after)
            if tol is None or not _sentences_near(before, after, tol):
                problems += _text_differs(mime, before, after)
        elif before != after and mime != mine:
            problems.append(f"{mime}: stored {before!r}, the run gives {after!r}")
    return problems


def records_differ(mime: str, stored: dict[str, Any], fresh: dict[str, Any]) -> list[str]:
    """What differs between two records beyond the tolerance of the stored one."""
    if mime == claims.MIME:
        return _claims_differ(stored, fresh)
    tol = stored.get("tol")
    if mime == numbers.MIME:
        before, after = ({k: v for k, v in r.items() if k not in ("value", "tol", "digest")} for r in (stored, fresh))
        same = before == after and _near(stored["value"], fresh["value"], fresh["tol"])
        return [] if same else [f"number {stored.get('name')!r}: stored {stored}, the run gives {fresh}"]
    head = {**stored, "rows": None} == {**fresh, "rows": None}
    rows = [[*row] for row in stored["rows"]], [[*row] for row in fresh["rows"]]
    shapes = [list(map(len, part)) for part in rows]
    if not head or shapes[0] != shapes[1]:
        return [f"table {stored.get('caption')!r}: its head or shape is not what the run gives"]
    kept = [column not in stored.get("drawn", ()) for column in stored["columns"]]
    cells = [
        (b, a)
        for before, after in zip(*rows)
        for b, a, compared in zip(before, after, kept)
        if compared and not _near(b, a, tol)
    ]
    return [f"table {stored['caption']!r}: stored {b!r}, the run gives {a!r}" for b, a in cells]


def _claims_differ(stored: dict[str, Any], fresh: dict[str, Any]) -> list[str]:
    problems = []
    tolerance: dict[str, float] = {}
    for measure in stored.get("measures", []):
        apart = evidence.separation(measure, stored.get("controls", []))
        if measure.get("separation", apart) != apart:
            problems.append(
                f"claim {stored.get('id')!r}: separation {measure['separation']} of {measure['name']} is stored, "
                f"its stored values give {apart}"
            )
    stored, fresh = evidence.completed(stored), evidence.completed(fresh)  # one stored earlier may lack fields
    for kind in ("measures", "controls"):
        before, after = stored.get(kind, []), fresh.get(kind, [])
        bare = [
            [{k: v for k, v in entry.items() if k not in ("values", "tol", "separation")} for entry in part]
            for part in (before, after)
        ]
        if bare[0] != bare[1]:
            problems.append(f"claim {stored.get('id')!r}: stored {kind} are not those that the page declares")
            continue
        for b, a in zip(before, after):
            own, declared = b.get("tol"), a.get("tol")
            tol = own if own is not None else tolerance.get(b.get("of"), 0.0)
            if kind == "measures":
                tolerance[b["name"]] = max(tol, 0.0)
            if not _near(own, declared, 0.25 * (declared or 0.0)):
                problems.append(f"claim {stored.get('id')!r}: tolerance {own} is stored, the run gives {declared}")
            if len(b["values"]) != len(a["values"]) or not all(
                _near(x, y, tol) for x, y in zip(b["values"], a["values"])
            ):
                problems.append(
                    f"claim {stored.get('id')!r}, {b['name']}: stored {b['values']}, "
                    f"the run gives {a['values']} (tolerance {tol})"
                )
    rest = [{k: v for k, v in part.items() if k not in ("measures", "controls")} for part in (stored, fresh)]
    if rest[0] != rest[1]:
        changed = sorted(k for k in {*rest[0], *rest[1]} if rest[0].get(k) != rest[1].get(k))
        problems.append(
            f"claim {stored.get('id')!r}: {', '.join(changed)} differ(s) from what the page declares or finds"
        )
    return problems


def stored_is_printed(bundle: Bundle) -> list[str]:
    """Whether what is stored beside a record is what the record prints."""
    problems = []
    if _tolerance(bundle) is not None:
        html, text = _joined(bundle["text/html"]), _joined(bundle.get("text/plain", ""))
        if explorers.told(html, text) != _TOLERANT.search(html)[2]:  # type: ignore[index]
            problems.append("a digit or word of the explorer's stored sentences was changed after the run")
    for mime, printed in PRINTED.items():
        if mime not in bundle:
            continue
        try:
            expected = printed(bundle[mime])
        except (KeyError, TypeError, ValueError, IndexError) as error:
            return [f"the stored record cannot be printed: {type(error).__name__}: {error}"]
        if mime == numbers.MIME and bundle[mime].get("digest") != fragments.digest(bundle[mime]):
            problems.append(f"a digit or word of the stored {mime} was changed after the run")
        for kind, text in expected.items():
            stored = _joined(bundle.get(kind))
            if _with_strips(stored) != _with_strips(text):
                problems.append(f"the stored {kind} is not what its own record prints")
    return problems


def stored_is_sealed(output: Output) -> list[str]:
    """Whether the pictures and weights of a stored output are those that its seal was made of."""
    data = output.get("data", {})
    html = _joined(data.get("text/html", ""))
    if any(mime in data for mime in PRINTED) or not isinstance(html, str):
        return []
    found = output.get("metadata", {}).get("alignlab", {}).get("seal")
    if found is None and any(mark in html for mark in _SEALED):
        return ["a stored picture or model has no seal: refresh the page, or `alignlab.book.files.pages.restyle(root)`"]
    if found is not None and found != fragments.seal(html):
        return ["a digit, word or line of a stored picture or model was changed after the run"]
    return []


_SEALED = ("<svg", 'data-weights="', "data:image/")
_PICTURE = re.compile(r'<svg role="img".*?</svg>', re.DOTALL)
_WRITTEN = re.compile(r"<text[^>]*>(.*?)</text>", re.DOTALL)


def words_drawn(html: str) -> list[list[str]]:
    """What is written in each picture, numbers apart: titles, names of axes and lines, not what a tick says."""
    pictures = []
    for picture in _PICTURE.findall(html):
        texts = (_NUMBER.sub("#", re.sub(r"<[^>]+>", "", text)).strip() for text in _WRITTEN.findall(picture))
        pictures.append(sorted(text for text in texts if re.search(r"[^\W\d_]", text)))
    return pictures


def _pictures_differ(stored: str, fresh: str) -> list[str]:
    before, after = words_drawn(stored), words_drawn(fresh)
    if len(before) != len(after):
        return [f"{len(before)} pictures are stored, the run draws {len(after)}"]
    return [f"a stored picture says {b}, the run's says {a}" for b, a in zip(before, after) if b != a]


_TOLERANT = re.compile(r' data-tol="([\d.]+)" data-told="(\w*)"')
_DRAWN = re.compile(r'class="al-explorer"[^>]* data-drawn>')
_NUMBER = re.compile(r"[-\u2212]?\d+(?:\.\d+)?")


def _tolerance(bundle: Bundle) -> float | None:
    """The share by which an explorer's numbers may move, None where its sentences are compared exactly."""
    html = _joined(bundle.get("text/html", ""))
    found = _TOLERANT.search(html) if isinstance(html, str) and 'class="al-explorer"' in html else None
    return float(found[1]) if found else None


def _is_drawn(bundle: Bundle) -> bool:
    """Whether words of an explorer were chosen by a search or a trained model, which may choose others elsewhere."""
    html = _joined(bundle.get("text/html", ""))
    return isinstance(html, str) and bool(_DRAWN.search(html))


def _undrawn(mime: str, text: str) -> str:
    """An explorer without its sentences and what is written in its pictures; of plain text the title is left."""
    if mime == "text/plain":
        return text.partition("\n")[0]
    text = re.sub(r'((?:data-say|<svg role="img" aria-label)=)"[^"]*"', r'\1""', text)
    return re.sub(r'(class="al-say"[^>]*>)[^<]*<', r"\1<", _WRITTEN.sub("<text/>", text))


def _sentences_near(stored: str, fresh: str, tol: float) -> bool:
    """Whether two texts differ only in numbers, by the share `tol` or two units of the last digit shown."""
    before, after = (re.sub(r' data-told="\w*"', "", sanitize(text)) for text in (stored, fresh))
    if _NUMBER.sub("#", before) != _NUMBER.sub("#", after):
        return False
    for b, a in zip(_NUMBER.findall(before), _NUMBER.findall(after)):
        x, y = (float(text.replace("\u2212", "-")) for text in (b, a))
        unit = 10.0 ** -len(b.partition(".")[2])
        if abs(x - y) > max(tol * abs(x), 2 * unit) + 1e-9:
            return False
    return True


def _with_strips(text: Any) -> Any:
    """Like `sanitize`, but drawings made by us from a record are compared too."""
    if not isinstance(text, str):
        return text
    return links.neutral(re.sub(r'<(style|script) data-al="([a-z -]+)">.*?</\1>', r"<\1 \2/>", text, flags=re.DOTALL))


def _near(stored: Any, fresh: Any, tol: float | None) -> bool:
    numeric = all(isinstance(v, int | float) and not isinstance(v, bool) for v in (stored, fresh))
    return abs(stored - fresh) <= tol + 1e-12 if numeric and tol is not None else bool(stored == fresh)


def _text_differs(what: str, stored: Any, fresh: Any) -> list[str]:
    before, after = sanitize(_joined(stored)), sanitize(_joined(fresh))
    if before == after:
        return []
    at = next((i for i, (b, a) in enumerate(zip(before, after)) if b != a), min(len(before), len(after)))
    here = slice(max(0, at - 60), at + 60)
    return [f"{what}: stored …{before[here]!r}…, the run gives …{after[here]!r}…"]


def _joined(value: Any) -> Any:
    return "".join(value) if isinstance(value, list) and all(isinstance(v, str) for v in value) else value


def _streams_joined(outputs: Sequence[Output]) -> list[dict[str, Any]]:
    """Outputs with the pieces of each stream put together, as front ends show them."""
    joined: list[dict[str, Any]] = []
    for output in outputs:
        piece = dict(output)
        if piece["output_type"] == "stream":
            piece["text"] = _joined(piece["text"])
            same = next((o for o in joined if o["output_type"] == "stream" and o["name"] == piece["name"]), None)
            if same is not None:
                same["text"] += piece["text"]
                continue
        joined.append(piece)
    return joined


def _title(output: Output) -> str:
    if output["output_type"] == "stream":
        return f"{output['name']} {str(output['text'])[:80]!r}"
    data = output.get("data", {})
    return f"{output['output_type']} {str(_joined(data.get('text/plain', sorted(data))))[:80]!r}"
