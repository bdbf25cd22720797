"""Exercises of the page `09-future/field-building`, and inert methods."""

from collections.abc import Callable
from typing import Any

import numpy as np

from alignlab.exercises import Exercise, Wrong
from alignlab.risks.field_building import headings, mixing


def _citations(rng: np.random.Generator) -> tuple[Any, ...]:
    """Citations in three years with all four kinds in each."""
    parts = []
    for year, share in zip((2019, 2021, 2023), (0.15, 0.5, 0.8)):
        citing = (rng.random(60) < share).astype(int)
        cited = np.where(rng.random(60) < 0.65, citing, 1 - citing)
        citing[:4], cited[:4] = [0, 0, 1, 1], [0, 1, 0, 1]
        parts.append((citing, cited, np.full(60, year)))
    order = rng.permutation(180)[:170]
    return tuple(np.concatenate(part)[order] for part in zip(*parts))


def _preference(citing: Any, cited: Any, year: Any) -> float:
    return mixing.preference(citing, cited, year)


def _all_years(citing: Any, cited: Any, year: Any) -> float:
    return mixing.preference(citing, cited, 0 * year)


def _no_root(citing: Any, cited: Any, year: Any) -> float:
    return mixing.preference(citing, cited, year) ** 2


def _unweighted(citing: Any, cited: Any, year: Any) -> float:
    """The products of the counts, not divided by the year's total."""
    home = away = 0.0
    for one in np.unique(year):
        a, b = citing[year == one], cited[year == one]
        home += float(np.sum((a == 0) & (b == 0)) * np.sum((a == 1) & (b == 1)))
        away += float(np.sum((a == 0) & (b == 1)) * np.sum((a == 1) & (b == 0)))
    return float(np.sqrt(home / away))


def _crowds(rng: np.random.Generator) -> tuple[Any, ...]:
    """Papers that can be cited, and citing papers, by community and year."""
    there = rng.integers(5, 60, size=(6, 2)).astype(float)
    citing = rng.integers(5, 60, size=(6, 2)).astype(float)
    return there, citing


def _expected_home(there: Any, citing: Any) -> float:
    share = there / there.sum(1, keepdims=True)
    return float((share * citing).sum() / citing.sum())


def _pooled_home(there: Any, citing: Any) -> float:
    share = there.sum(0) / there.sum()
    return float((share * citing.sum(0)).sum() / citing.sum())


def _year_mean(there: Any, citing: Any) -> float:
    share = there / there.sum(1, keepdims=True)
    return float(((share * citing).sum(1) / citing.sum(1)).mean())


def _half(there: Any, citing: Any) -> float:
    return 0.5


EXERCISES = [
    Exercise(
        name="field_building_preference",
        reference=_preference,
        inputs=_citations,
        wrong=[
            Wrong(
                _all_years,
                "this compares citations of all years with one another: "
                "count within each year, then add up.",
            ),
            Wrong(
                _no_root,
                "this is the odds ratio, the product of both preferences: "
                "take its root.",
            ),
            Wrong(
                _unweighted,
                "divide both products by the year's number of citations "
                "before you add them up, or large years weigh too much.",
            ),
        ],
    ),
    Exercise(
        name="field_building_home",
        reference=_expected_home,
        inputs=_crowds,
        wrong=[
            Wrong(
                _pooled_home,
                "this adds up the years first: a paper can choose only among "
                "what its own row offers.",
            ),
            Wrong(
                _year_mean,
                "this is the mean over years: years with more citations "
                "count for more.",
            ),
            Wrong(
                _half,
                "the communities have different sizes in each year: the "
                "share at home depends on them.",
            ),
        ],
    ),
]


def _ignoring_strata(citing: Any, cited: Any, strata: Any) -> float:
    """The odds ratio over all citations, whatever their year."""
    count = np.zeros((2, 2))
    np.add.at(count, (citing, cited), 1)
    odds = count[0, 0] * count[1, 1] / (count[0, 1] * count[1, 0])
    return float(np.sqrt(odds))


def _dealt_first(under: Any, kind: Any, year: Any, rng: Any) -> float:
    """The ratio of works whose kinds were dealt out anew."""
    mixed = headings.dealt(kind, year, rng)
    chance = headings.by_chance(under, kind, year, rng, 100)
    return headings.meetings(under, mixed) / float(chance.mean())


INERT: dict[str, Callable[..., Any]] = {
    "alignlab.risks.field_building.mixing.preference": _ignoring_strata,
    "alignlab.risks.field_building.headings.meeting_ratio": _dealt_first,
}
