"""What a claim's record proves: how far method and controls stand apart, and what speaks against it (docs/claims.md).

Everything here is derived from a record alone, so that records stored before a field existed can still be judged, and a
stored separation is one that anybody can compute again from the stored values.
"""

import re
from collections.abc import Mapping, Sequence
from statistics import fmean, stdev
from typing import Any

Record = dict[str, Any]
Entry = Mapping[str, Any]

WEAK = 2.0
"""A separation under this is called weak."""

CAP = 99.0
"""The largest separation that is given: values that hardly spread, or don't at all, stand apart without end."""

REPEATS = "repeats the measure's own values"


def completed(record: Record) -> Record:
    """A record with every field that one written today has; `separation` always as its own values give it."""
    controls = [{"rival": False, "why": None, "could": None, **control} for control in record["controls"]]
    measures = [
        {"band_from": None, "band_history": [], "items": None, **measure, "separation": separation(measure, controls)}
        for measure in record["measures"]
    ]
    return {**record, "measures": measures, "controls": controls}


def separation(measure: Entry, controls: Sequence[Entry]) -> float | None:
    """How far a measure's nearest value and its controls' nearest value stand apart, in units of the seeds' spread.

    The distance is taken on the side that faces the band and is negative where values overlap; the unit is the pooled
    standard deviation over seeds of the measure and that control, sqrt((s² + s'²) / 2). Of several controls the
    least counts. At most CAP in size, which stands too for values without any spread. None where no control names the
    measure, or where a value is missing.
    """
    found = [apart for control in controls_of(measure, controls) if (apart := _apart(measure, control)) is not None]
    return min(found, default=None)


def distance(measure: Entry, controls: Sequence[Entry]) -> float | None:
    """The same distance to the nearest control in the measure's own unit; None where there is none."""
    found = [gap for control in controls_of(measure, controls) if (gap := _gap(measure, control)) is not None]
    return min(found, default=None)


def weakest(record: Record) -> float | None:
    """The least separation of a claim's measures, None where none has one."""
    apart = [separation(measure, record["controls"]) for measure in record["measures"]]
    return min((value for value in apart if value is not None), default=None)


def by_separation(records: Sequence[Record]) -> list[Record]:
    """Records with the least separation first, those without one before them."""
    return sorted(records, key=lambda record: -CAP - 1 if (apart := weakest(record)) is None else apart)


def controls_of(measure: Entry, controls: Sequence[Entry]) -> list[Entry]:
    """The controls that name a measure."""
    return [control for control in controls if control["of"] == measure["name"]]


def _gap(measure: Entry, control: Entry) -> float | None:
    own, other = measure["values"], control["values"]
    if not own or not other or None in (*own, *other):
        return None
    low, high = measure["band"]
    middle = fmean(own)

    def signed(value: float) -> float:
        below = value <= middle if low is not None and high is not None else low is not None
        return float(min(own) - value if below else value - max(own))

    return min(map(signed, other))


def _apart(measure: Entry, control: Entry) -> float | None:
    gap = _gap(measure, control)
    if gap is None:
        return None
    pooled = ((spread(measure) ** 2 + spread(control) ** 2) / 2) ** 0.5
    if gap == 0:
        return 0.0
    apart = gap / pooled if pooled > abs(gap) / CAP else CAP if gap > 0 else -CAP
    return round(apart, 2)


def spread(entry: Entry) -> float:
    """Standard deviation of a measure's or control's values over seeds; 0 where fewer than two are numbers."""
    values = [value for value in entry["values"] if value is not None]
    return stdev(values) if len(values) > 1 else 0.0


def stuck(control: Entry, measure: Entry) -> str | None:
    """Why a control seems not to depend on the run, in words; None where its values move.

    Seen are the measure's own values once more, exactly 0 on every seed, and one number on every seed.
    """
    values = control["values"]
    if len(values) < 2 or None in values:
        return None
    if values == measure["values"]:
        return REPEATS
    return f"is {values[0]:g} on every seed" if len(set(values)) == 1 else None


def idle_rivals(record: Record) -> list[str]:
    """Rivals that count for nothing since they could not have reached the band, in words."""
    return [
        f"rival {control['name']!r} {why}: by construction it can't reach the band"
        + ("" if why == REPEATS else "; where it could have, say how (could=)")
        for control, why in _stuck(record)
        if _idle(control, why)
    ]


def _idle(control: Entry, why: str) -> bool:
    return bool(control.get("rival")) and (why == REPEATS or not control.get("could"))


def faults(record: Record) -> list[str]:
    """What breaks the rule for claims, in words; empty where a claim is complete."""
    said = []
    if not any(control.get("rival") for control in record["controls"]):
        said.append("no control is the rival, the strongest other explanation (rival=True)")
    said += idle_rivals(record)
    for measure in record["measures"]:
        said += _wide_tolerances(measure, record["controls"])
        seeds = set(measure["seeds"])
        if shared := sorted(seeds & piloted(measure.get("band_from") or "")):
            said.append(f"the band of {measure['name']!r} comes from a pilot on seeds of the claim itself: {shared}")
    return said


def _wide_tolerances(measure: Entry, controls: Sequence[Entry]) -> list[str]:
    """Tolerances by which a value could come more than half the way to the nearest control."""
    said = []
    gap = distance(measure, controls)
    if gap is not None and measure["tol"] > max(gap, 0.0) / 2:
        said.append(
            f"the tolerance of {measure['name']!r}, {measure['tol']:g}, is wider than half of {gap:.3g}, "
            "the distance to the nearest control"
        )
    for control in controls_of(measure, controls):
        own, gap = control.get("tol"), _gap(measure, control)
        if own is not None and gap is not None and own > max(gap, 0.0) / 2:
            said.append(
                f"the tolerance of control {control['name']!r}, {own:g}, is wider than half of {gap:.3g}, "
                f"its distance to {measure['name']!r}"
            )
    return said


def piloted(origin: str) -> set[int]:
    """The seeds that a band's origin names as its pilot's: "pilot on seeds 100-104" -> {100, …, 104}."""
    found = re.search(r"\bpilot\b.*?\bseeds?\b ([\d,\s\u2013-]+(?:and \d+)?)", origin)
    seeds: set[int] = set()
    for first, last in re.findall(r"(\d+)(?:\s*[-\u2013]\s*(\d+))?", found[1] if found else ""):
        seeds |= set(range(int(first), int(last or first) + 1))
    return seeds


def notes(record: Record) -> list[str]:
    """What a reader of a claim should know and the rule does not forbid, in words."""
    said = []
    apart = weakest(record)
    if apart is not None and apart < WEAK:
        said.append(f"weak: the separation is {apart:g}, under {WEAK:g}")
    for control, why in _stuck(record):
        if not _idle(control, why):
            told = f": {control['could']}" if control.get("could") else ", so it may not depend on the run"
            said.append(f"control {control['name']!r} {why}{told}")
    for measure in record["measures"]:
        if not controls_of(measure, record["controls"]):
            said.append(f"no control names {measure['name']!r}")
    if unstated := [repr(measure["name"]) for measure in record["measures"] if not measure.get("band_from")]:
        said.append(f"not stated where the band comes from (band_from=): {', '.join(unstated)}")
    return said


def _stuck(record: Record) -> list[tuple[Entry, str]]:
    measures = {measure["name"]: measure for measure in record["measures"]}
    pairs = ((control, stuck(control, measures[control["of"]])) for control in record["controls"])
    return [(control, why) for control, why in pairs if why is not None]


def separation_text(apart: float | None) -> str:
    """A separation as a reader sees it: "3.21", "1.14, weak", "99 or more", "none"."""
    if apart is None:
        return "none"
    text = f"{CAP:g} or more" if apart >= CAP else f"{apart:.{2 if abs(apart) < 10 else 1}f}".replace("-", "\u2212")
    return f"{text}, weak" if apart < WEAK else text


def band_width_text(measure: Entry) -> str:
    """How wide a band is against the spread of the values over seeds.

    Of an open band it is the room between its bound and the nearest value.
    """
    low, high = measure["band"]
    values = [value for value in measure["values"] if value is not None]
    own = spread(measure)
    if not values or own == 0:
        return "values without spread"
    if low is not None and high is not None:
        return f"band {(high - low) / own:.1f} spreads wide"
    room = min(values) - low if low is not None else high - max(values)
    return f"{room / own:.1f} spreads from the bound to the nearest value"


def report(records: Sequence[Record]) -> list[Record]:
    """Completed records, each with its `faults` and `notes`, those that separate least first."""
    return [{**completed(r), "faults": faults(r), "notes": notes(r)} for r in by_separation(records)]
