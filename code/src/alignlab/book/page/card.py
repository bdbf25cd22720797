"""The claim card: *paper says · here · control*, drawn from a claim's record and from nothing else.

Because the record is all it needs, the comparison of outputs draws each stored card again and demands the same text.
A small script (`static/claim.js`) lets the reader switch between the method, each rival and each control and see where
its values lie; without it the card shows all of them at once.
"""

import re
from collections.abc import Sequence
from typing import Any

from alignlab.book.page import claims, evidence, links
from alignlab.book.page.claims import band_text, claim, complaints
from alignlab.book.page.fragments import decimal, digest, escape, said, script, style
from alignlab.book.page.kinds import Kind, Record, changed, near, without

__all__ = ["anchor_of", "card_html", "card_text", "claim", "digits", "paper_label", "shown", "strip"]


def digits(values: Sequence[float | None]) -> int:
    """Decimals that show about three significant digits of the largest value."""
    largest = max((abs(v) for v in values if v is not None), default=0.0)
    return 0 if largest >= 100 else 1 if largest >= 10 else 2 if largest >= 0.1 or largest == 0 else 4


def shown(values: Sequence[float | None]) -> list[str]:
    """Values as the card prints them."""
    places = digits(values)
    return ["not a number" if v is None else decimal(v, places) for v in values]


def paper_label(key: str) -> str:
    """A bibliography key as a reader says it: "stiennon2020learning" -> "Stiennon 2020"."""
    found = re.match(r"([a-z_-]+?)_?(\d{4})", key)
    return f"{found.group(1).replace('_', ' ').title()} {found.group(2)}" if found else key


def card_html(record: Record) -> str:
    """The card as HTML with its own style."""
    holds = record["passed"]
    anchor = anchor_of(record["id"])
    seeds = record["measures"][0]["seeds"]
    verdict = f"Holds on all {len(seeds)} seeds" if holds else "Does not hold"
    here = "".join(_measure(measure, record["controls"]) for measure in record["measures"])
    places = {measure["name"]: place for place, measure in enumerate(record["measures"])}
    control = "".join(_control(control, places[control["of"]]) for control in _rivals_first(record["controls"]))
    failures = "".join(f"<li>{escape(text)}</li>" for text in complaints(record))
    module = record["method"].rpartition(".")[0]
    key = record["paper"]
    return (
        style("claim")
        + f'<div class="al-claim" data-record="{digest(record)}" data-holds="{"yes" if holds else "no"}" '
        + f'id="{escape(anchor)}">'
        + f'<p class="al-claim-head"><span class="al-mark" aria-hidden="true">{"✓" if holds else "✗"}</span>'
        + f'<strong>{verdict}</strong> <span class="al-claim-id">{escape(record["id"])}</span></p>'
        + '<dl class="al-claim-body">'
        + f"<div><dt>Paper says</dt><dd><p>{escape(record['says'])}</p>"
        + f'<p class="al-soft"><cite data-key="{escape(key)}">{escape(paper_label(key))}</cite></p></dd></div>'
        + f"<div><dt>Here</dt><dd>{here}</dd></div>"
        + f"<div><dt>Control</dt><dd>{control}</dd></div></dl>"
        + (f'<ul class="al-claim-why">{failures}</ul>' if failures else "")
        + _origin(record)
        + '<p class="al-claim-foot">'
        + f'<a href="{escape(links.code(_file(module)))}"><code>{_breakable(record["method"])}</code></a>'
        + f'<a href="{escape(links.site("chapters/appendix/ledger.html"))}#{escape(anchor)}">'
        + f"ledger of claims</a></p></div>{script('claim')}"
    )


def anchor_of(name: str, kind: str = "claim") -> str:
    """The HTML id of a claim's card, or of another kind of thing with a name: "claim-rlhf-it-learns"."""
    return f"{kind}-" + re.sub(r"[^\w]+", "-", name)


def _origin(record: Record) -> str:
    """Where a recipe's values come from; nothing for what ran on the page."""
    if record["source"] != "recipe":
        return ""
    live, name = escape(record["miniature"]), escape(record["recipe"])
    return (
        f'<p class="al-soft al-claim-origin">Values from the record of the recipe <code>{name}</code>, not run on this '
        f'page; live miniature: <a href="#{anchor_of(record["miniature"])}">{live}</a></p>'
    )


def _breakable(name: str) -> str:
    """A dotted name that a narrow screen breaks at its dots."""
    return escape(name).replace(".", ".<wbr>")


def _file(module: str) -> str:
    """The file of a module, from the repository's root."""
    return "code/src/" + module.replace(".", "/") + ".py"


def _rivals_first(controls: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(controls, key=lambda control: not control.get("rival"))


def _measure(measure: dict[str, Any], controls: list[dict[str, Any]]) -> str:
    mine = [control for control in controls if control["of"] == measure["name"]]
    values = ", ".join(shown(measure["values"]))
    unit = f' <span class="al-soft">{escape(measure["unit"])}</span>' if measure["unit"] else ""
    items = f'<p class="al-soft">{measure["items"]} items a seed</p>' if measure.get("items") else ""
    return (
        f'<div class="al-measure" data-values="{_plain(measure["values"])}" data-band="{_plain(measure["band"])}">'
        f"<p>{escape(measure['name'])}</p>"
        f'<p class="al-values">{values}{unit}</p>'
        f"{strip(measure, mine)}"
        f'<p class="al-soft">holds when {band_text(measure["band"])}</p>'
        f"{items}{separation_html(evidence.separation(measure, mine))}{band_origin(measure)}</div>"
    )


def _plain(values: Sequence[float | None]) -> str:
    """Numbers as the card's script reads them, a hyphen for none."""
    return " ".join("-" if value is None else f"{value:g}" for value in values)


def separation_html(apart: float | None) -> str:
    """A separation as a line of its own, the word weak set off; nothing where there is none."""
    if apart is None:
        return ""
    text = evidence.separation_text(apart).replace("weak", '<strong class="al-weak">weak</strong>')
    return f'<p class="al-soft al-apart">separation {text}</p>'


def band_origin(measure: dict[str, Any]) -> str:
    """Where a measure's band comes from and how it moved, folded; nothing where neither is known."""
    origin, moves = measure.get("band_from"), measure.get("band_history") or []
    if not origin and not moves:
        return ""
    moved = "" if not moves else ", moved once" if len(moves) == 1 else f", moved {len(moves)} times"
    listed = "".join(f"<li>{escape(move_text(move))}</li>" for move in moves)
    return (
        f'<details class="al-band-from"><summary>Where the band comes from{moved}</summary>'
        + (f"<p>{escape(origin)}</p>" if origin else "")
        + (f"<ol>{listed}</ol>" if moves else "")
        + "</details>"
    )


def move_text(move: dict[str, Any]) -> str:
    """A band's move in words."""
    return f"from {band_text(move['from'])} to {band_text(move['to'])}, on seeds {move['seeds']}: {move['why']}"


def _control(control: dict[str, Any], place: int) -> str:
    """A control's block; place: that of the measure it names."""
    rival = '<span class="al-rival">rival</span> ' if control.get("rival") else ""
    reasons = "".join(
        f'<p class="al-soft al-why">{said(control[key])}</p>' for key in ("why", "could") if control.get(key)
    )
    return (
        f'<div class="al-measure" data-values="{_plain(control["values"])}" data-of="{place}">'
        f"<p>{rival}{escape(control['name'])}</p>"
        f'<p class="al-values al-grey">{", ".join(shown(control["values"]))}</p>'
        f'<p class="al-soft">{escape(control["of"])} without {escape(control["removed"])}</p>{reasons}</div>'
    )


def strip(measure: dict[str, Any], controls: list[dict[str, Any]]) -> str:
    """A strip plot: the band in green, seeds as blue dots, controls as grey rings, rivals as dark ones.

    Where the band moved, its earlier edges are dashed.
    """
    low, high = measure["band"]
    before = [end for move in measure.get("band_history") or [] for end in move["from"] if end is not None]
    before = [end for end in dict.fromkeys(before) if end not in (low, high)]
    own = [v for v in measure["values"] if v is not None]
    rivals = [v for control in controls if control.get("rival") for v in control["values"] if v is not None]
    other = [v for control in controls if not control.get("rival") for v in control["values"] if v is not None]
    ends = [v for v in (low, high, *before, *own, *other, *rivals) if v is not None]
    first, last = min(ends), max(ends)
    pad = 0.08 * ((last - first) or abs(last) or 1.0)
    first, last = first - pad * (3 if low is None else 1), last + pad * (3 if high is None else 1)

    def at(value: float) -> float:
        return round(100 * (value - first) / (last - first), 2)

    left, right = at(low) if low is not None else 0.0, at(high) if high is not None else 100.0
    label = f"Strip plot: {measure['name']} {_range(own)}, {band_text(measure['band'])} demanded"
    label += f"; rival {_range(rivals)}" if rivals else ""
    label += f"; control {_range(other)}" if other else ""
    dots = "".join(f'<circle class="al-dot-control" cx="{at(v)}%" cy="13" r="4"/>' for v in other)
    dots += "".join(f'<circle class="al-dot-control al-dot-rival" cx="{at(v)}%" cy="13" r="4"/>' for v in rivals)
    dots += "".join(f'<circle class="al-dot-here" cx="{at(v)}%" cy="13" r="4.5"/>' for v in own)
    edges = "".join(
        f'<line class="al-edge" x1="{x}%" x2="{x}%" y1="2" y2="24"/>'
        for x, end in ((left, low), (right, high))
        if end is not None
    )
    edges += "".join(f'<line class="al-edge al-was" x1="{at(v)}%" x2="{at(v)}%" y1="2" y2="24"/>' for v in before)
    return (
        f'<svg class="al-strip" role="img" aria-label="{escape(label)}" width="100%" height="26" '
        f'data-axis="{_plain([first, last])}">'
        f'<line class="al-axis" x1="0" x2="100%" y1="13" y2="13"/>'
        f'<rect class="al-band" x="{left}%" width="{round(right - left, 2)}%" y="2" height="22"/>{edges}{dots}</svg>'
    )


def _range(values: Sequence[float]) -> str:
    if not values:
        return "not a number"
    texts = shown(values)
    lowest, highest = texts[values.index(min(values))], texts[values.index(max(values))]
    return f"at {lowest}" if lowest == highest else f"from {lowest} to {highest}"


def card_text(record: Record) -> str:
    """The card as plain text."""
    lines = [
        f"{'HOLDS' if record['passed'] else 'DOES NOT HOLD'}  {record['id']}",
        f"  paper says: {record['says']} [{record['paper']}]",
    ]
    if record["source"] == "recipe":
        lines.append(f"  from the record of recipe {record['recipe']}; live miniature: {record['miniature']}")
    for measure in record["measures"]:
        unit = f" {measure['unit']}" if measure["unit"] else ""
        apart = evidence.separation(measure, record["controls"])
        items = f", {measure['items']} items a seed" if measure.get("items") else ""
        values = ", ".join(shown(measure["values"]))
        lines.append(
            f"  here: {measure['name']} {values}{unit} ({band_text(measure['band'])}{items})"
            + (f", separation {evidence.separation_text(apart)}" if apart is not None else "")
        )
        if measure.get("band_from"):
            lines.append(f"    band: {measure['band_from']}")
        lines += [f"    band moved {move_text(move)}" for move in measure.get("band_history") or []]
    for control in _rivals_first(record["controls"]):
        kind = "rival" if control.get("rival") else "control"
        values = ", ".join(shown(control["values"]))
        lines.append(f"  {kind}: {control['name']} {values} ({control['of']} without {control['removed']})")
        lines += [f"    {control[key]}" for key in ("why", "could") if control.get(key)]
    return "\n".join(lines + [f"  {text}" for text in complaints(record)])


def _differ(stored: Record, fresh: Record) -> list[str]:
    """Values are compared within the stored tolerance, all else exactly."""
    name, problems = f"claim {stored.get('id')!r}", []
    for measure in stored.get("measures", []):
        apart = evidence.separation(measure, stored.get("controls", []))
        if measure.get("separation", apart) != apart:
            problems.append(
                f"{name}: separation {measure['separation']} of {measure['name']} is stored, "
                f"its stored values give {apart}"
            )
    stored, fresh = evidence.completed(stored), evidence.completed(fresh)  # one stored earlier may lack fields
    tolerance: dict[str, float] = {}
    for part in ("measures", "controls"):
        before, after = stored.get(part, []), fresh.get(part, [])
        bare = [[without(entry, "values", "tol", "separation") for entry in entries] for entries in (before, after)]
        if bare[0] != bare[1]:
            problems.append(f"{name}: stored {part} are not those that the page declares")
            continue
        for b, a in zip(before, after):
            own, declared = b.get("tol"), a.get("tol")
            tol = own if own is not None else tolerance.get(b.get("of"), 0.0)
            if part == "measures":
                tolerance[b["name"]] = max(tol, 0.0)
            if not near(own, declared, 0.25 * (declared or 0.0)):
                problems.append(f"{name}: tolerance {own} is stored, the run gives {declared}")
            if len(b["values"]) != len(a["values"]) or not all(
                near(x, y, tol) for x, y in zip(b["values"], a["values"])
            ):
                problems.append(
                    f"{name}, {b['name']}: stored {b['values']}, the run gives {a['values']} (tolerance {tol})"
                )
    if rest := changed(stored, fresh, "measures", "controls"):
        problems.append(f"{name}: {', '.join(rest)} differ(s) from what the page declares or finds")
    return problems


def _prints(record: Record, _pieces: Sequence[str]) -> dict[str, str]:
    return {"text/html": card_html(record), "text/plain": card_text(record)}


KIND = Kind("claim", _prints, _differ, sealed=False)
claims.kinds.append(KIND)
