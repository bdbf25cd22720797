"""Declared claims: what a paper says, what is measured here on several seeds, and a control that must not show it.

A claim holds when *every* seed's value of every measure lies in its band and *every* control value lies outside the
band of the measure it names. It shows a card and a plain table, keeps a machine-readable record in the cell, and raises
`ClaimFailed` where it does not hold, so that a page cannot say what its run did not show. One control at least is the
rival, the strongest other explanation; what a claim must be besides is in docs/claims.md and judged by `evidence`.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from alignlab.book.page import evidence, session
from alignlab.book.page.kinds import Kind, Record, mime

if TYPE_CHECKING:
    from alignlab import recipes

MIME = mime("claim")

Band = tuple[float | None, float | None]


class ClaimFailed(AssertionError):
    """A claim whose values are not where it says."""


@dataclass(frozen=True)
class Moved:
    """A band that was another one before: from where to where, why, and on which seeds that was seen."""

    from_: Band
    to: Band
    why: str
    seeds: str


@dataclass(frozen=True)
class Measure:
    """What is measured, once a seed.

    name: what the card calls it. run: seed -> value. unit: "fraction", "nats", "tokens", …
    band: (low, high), bounds included; None for an open end, not for both.
    tol: the absolute difference by which a stored value may move on another processor; default 2 % of the value,
        at least 0.005. At most half the distance to the nearest control.
    band_from: where the band comes from, "paper: …" or "pilot on seeds 100-104", seeds that the claim does not use.
    history: how the band moved, oldest first; the last one's `to` is the band.
    n: how many items one value rests on, where seeds are draws of data.
    """

    name: str
    run: Callable[[int], float]
    unit: str
    band: Band
    tol: float | None = None
    band_from: str | None = None
    history: Sequence[Moved] = ()
    n: int | None = None


@dataclass(frozen=True)
class Control:
    """The same pipeline with one named ingredient removed; its values must miss the band of the measure `of`.

    tol: as of a measure, where a run without the ingredient wanders further than one with it; default the measure's.
    rival: the strongest other explanation of what the measure shows, which each claim has; why: what makes it that,
        one sentence. A rival that is the same number on every seed counts for nothing, unless could= says how it
        could have reached the band all the same ("each of 40 prompts may succeed").
    """

    name: str
    run: Callable[[int], float]
    of: str
    removed: str
    tol: float | None = None
    rival: bool = False
    why: str | None = None
    could: str | None = None


@dataclass(frozen=True)
class Claim:
    """A claim as declared by a page."""

    id: str
    paper: str
    says: str
    method: Callable[..., Any]
    measures: tuple[Measure, ...]
    controls: tuple[Control, ...]
    seeds: tuple[int, ...]
    source: "recipes.Record | None" = None
    miniature: str | None = None


# How a record is shown: the card, which reads records and enters itself here.
kinds: list[Kind] = []

# Called with each claim after it has been shown; the tests look on from here.
observers: list[Callable[[Claim, Record], None]] = []


def claim(
    id: str,
    *,
    paper: str,
    says: str,
    method: Callable[..., Any],
    measures: Sequence[Measure],
    controls: Sequence[Control],
    seeds: Sequence[int],
    source: "recipes.Record | None" = None,
    miniature: str | None = None,
) -> None:
    """Declare a claim, run it on its seeds, show its card, and raise where it does not hold.

    id: "page-name/claim-name". paper: key of the bibliography. says: what the paper says, one plain sentence.
    method: the package's function that carries the effect; the tests replace it by an inert version.
    source: the record of a recipe, where the values come from that instead of the page's own run (`seeds` then are the
    record's); miniature: the id of the page's live claim of the same method, which the tests demand beside it.
    Raises ClaimFailed where a value is out of place (on another model than the book's a sentence says so instead),
    ValueError or TypeError where the declaration is not sound.
    """
    numbers = tuple(int(seed) for seed in seeds)
    declared = Claim(id, paper, says, method, tuple(measures), tuple(controls), numbers, source, miniature)
    validate(declared)
    record = run(declared)
    kinds[0].show(record)
    for observer in observers:
        observer(declared, record)
    if record["passed"]:
        return
    missed = f"{id}: " + "; ".join(complaints(record))
    if (other := session.other_model()) is None:
        raise ClaimFailed(missed)
    print(f"This claim is about the book's model, and does not hold on {other}. {missed}")


def validate(claim: Claim) -> None:
    """Raise ValueError or TypeError where a declaration could not be checked or could not fail."""
    where = f"claim {claim.id!r}"
    if claim.id.count("/") != 1 or not all(claim.id.split("/")):
        raise ValueError(f"{where}: an id has the form 'page-name/claim-name'")
    if not claim.paper or not claim.says:
        raise ValueError(f"{where}: paper and says are required")
    if len(set(claim.seeds)) < 3:
        raise ValueError(f"{where}: at least three different seeds, not {list(claim.seeds)}")
    if not claim.measures:
        raise ValueError(f"{where}: at least one measure")
    if not claim.controls:
        raise ValueError(f"{where}: at least one control, the same pipeline with one ingredient removed")
    names = [measure.name for measure in claim.measures]
    if len(set(names)) < len(names):
        raise ValueError(f"{where}: two measures share a name: {names}")
    for measure in claim.measures:
        low, high = measure.band
        if low is None and high is None:
            raise ValueError(f"{where}: the band of {measure.name!r} is open at both ends, so nothing could miss it")
        if any(bound is not None and not math.isfinite(bound) for bound in measure.band):
            raise ValueError(f"{where}: the band of {measure.name!r} is {measure.band}; write None for an open end")
        if low is not None and high is not None and low > high:
            raise ValueError(f"{where}: the band of {measure.name!r} is empty: {low} > {high}")
        if measure.tol is not None and not measure.tol > 0:
            raise ValueError(f"{where}: the tolerance of {measure.name!r} must be positive, not {measure.tol}")
        if measure.n is not None and not measure.n > 0:
            raise ValueError(f"{where}: n= of {measure.name!r} counts items, one at least, not {measure.n}")
        _validate_history(where, measure)
    for control in claim.controls:
        if control.of not in names:
            raise ValueError(f"{where}: control {control.name!r} names {control.of!r}, which is none of {names}")
        if not control.removed:
            raise ValueError(f"{where}: say what control {control.name!r} leaves out (removed=)")
        if control.tol is not None and not control.tol > 0:
            raise ValueError(f"{where}: the tolerance of {control.name!r} must be positive, not {control.tol}")
        if control.rival and not control.why:
            raise ValueError(f"{where}: say why {control.name!r} is the strongest other explanation (why=)")
    method_name(claim.method)
    if (claim.source is None) != (claim.miniature is None):
        raise ValueError(f"{where}: source= (a recipe's record) and miniature= (the live claim beside it) go together")
    if claim.source is not None and claim.miniature is not None:
        if unknown := sorted(set(claim.seeds) - set(claim.source.seeds)):
            raise ValueError(f"{where}: the record holds the seeds {list(claim.source.seeds)}, not {unknown}")
        page, live = claim.id.split("/")[0], claim.miniature
        if live == claim.id or live.count("/") != 1 or live.split("/")[0] != page:
            raise ValueError(f"{where}: miniature= is the id of a live claim of this page, '{page}/…', not {live!r}")


def _validate_history(where: str, measure: Measure) -> None:
    """Raise ValueError where the moves of a band don't lead to the band it has."""
    if measure.band_from is not None and not measure.band_from.strip():
        raise ValueError(f"{where}: say where the band of {measure.name!r} comes from, or leave band_from= out")
    bands = [tuple(move.from_) for move in measure.history[1:]] + [tuple(measure.band)]
    for move, following in zip(measure.history, bands):
        if not move.why or not move.seeds:
            raise ValueError(f"{where}: say why the band of {measure.name!r} moved, and on which seeds")
        if tuple(move.from_) == tuple(move.to):
            raise ValueError(f"{where}: the band of {measure.name!r} did not move from {move.from_}")
        if tuple(move.to) != following:
            raise ValueError(f"{where}: the band of {measure.name!r} moved to {move.to}, and next it is {following}")


def method_name(method: Callable[..., Any]) -> str:
    """The qualified name of a package function, such as "alignlab.outer.preferences.fit_bradley_terry".

    Raises TypeError where it is not a function, class or method that the package defines under that name.
    """
    module, name = getattr(method, "__module__", None), getattr(method, "__qualname__", None)
    if not callable(method) or not module or not name or module.split(".")[0] != "alignlab" or "<" in name:
        raise TypeError(f"method= must be a named function of the package alignlab, not {method!r}")
    if module.startswith("alignlab.book"):
        raise TypeError(
            f"method= must be the function that carries the effect, not a part of the page's machinery: {name}"
        )
    return f"{module}.{name}"


def run(claim: Claim) -> Record:
    """Measure a claim on its seeds; its record."""
    measures: list[dict[str, Any]] = [
        {
            "name": measure.name,
            "unit": measure.unit,
            "seeds": list(claim.seeds),
            "values": [value(measure.run, seed) for seed in claim.seeds],
            "band": list(measure.band),
            "band_from": measure.band_from,
            "band_history": [
                {"from": list(move.from_), "to": list(move.to), "why": move.why, "seeds": move.seeds}
                for move in measure.history
            ],
            "items": measure.n,
        }
        for measure in claim.measures
    ]
    for entry, measure in zip(measures, claim.measures):
        entry["tol"] = measure.tol if measure.tol is not None else default_tolerance(entry["values"])
    controls: list[dict[str, Any]] = [
        {
            "name": control.name,
            "of": control.of,
            "removed": control.removed,
            "rival": control.rival,
            "why": control.why,
            "could": control.could,
            "values": [value(control.run, seed) for seed in claim.seeds],
        }
        for control in claim.controls
    ]
    for entry, control in zip(controls, claim.controls):
        if control.tol is not None:
            entry["tol"] = control.tol
    for entry in measures:
        entry["separation"] = evidence.separation(entry, controls)
    record: Record = {
        "chapter": session.page(),
        "id": claim.id,
        "paper": claim.paper,
        "says": claim.says,
        "method": method_name(claim.method),
        "source": "live",
        "measures": measures,
        "controls": controls,
    }
    if claim.source is not None:
        record |= {"source": "recipe", "recipe": claim.source.name, "miniature": claim.miniature}
    record["passed"] = not complaints(record)
    return record


def value(run: Callable[[int], float], seed: int) -> float | None:
    """One measured value, to six significant digits; None where it is not a number, which no band holds."""
    number = float(run(seed))
    return float(f"{number:.6g}") if math.isfinite(number) else None


def default_tolerance(values: Sequence[float | None]) -> float:
    """2 % of the largest value, at least 0.005."""
    largest = max((abs(v) for v in values if v is not None), default=0.0)
    return float(f"{max(0.005, 0.02 * largest):.3g}")


def inside(value: float | None, band: Sequence[float | None]) -> bool:
    """Whether a value lies in a band, bounds included."""
    low, high = band
    return value is not None and (low is None or value >= low) and (high is None or value <= high)


def complaints(record: Record) -> list[str]:
    """What is out of place in a record, in words; empty where the claim holds."""
    said = []
    bands = {measure["name"]: measure["band"] for measure in record["measures"]}
    for measure in record["measures"]:
        for seed, value in zip(measure["seeds"], measure["values"]):
            if value is None:
                said.append(f"{measure['name']} is not a number on seed {seed}")
            elif not inside(value, measure["band"]):
                said.append(f"{measure['name']} is {value:g} on seed {seed}, outside {band_text(measure['band'])}")
    seeds = record["measures"][0]["seeds"]
    for control in record["controls"]:
        for seed, value in zip(seeds, control["values"]):
            if value is None:
                said.append(f"control {control['name']!r} is not a number on seed {seed}")
            elif inside(value, bands[control["of"]]):
                said.append(
                    f"control {control['name']!r} is {value:g} on seed {seed}, "
                    f"inside {band_text(bands[control['of']])} of {control['of']}"
                )
    return said + evidence.idle_rivals(record)


def band_text(band: Sequence[float | None]) -> str:
    """A band in words: "at least 0.8", "0.4 to 0.6"."""
    low, high = (f"{bound:g}".replace("-", "\u2212") if bound is not None else None for bound in band)
    if low is None:
        return f"at most {high}"
    return f"at least {low}" if high is None else f"{low} to {high}"
