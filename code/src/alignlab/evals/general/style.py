"""Win rates as they would be if both answers were as long and as dressed up.

A second judge likes length and lists, and longer answers hold more lists.
Arena boards control for both at once ("style control", Li et al. 2024), by
the regression of `lengths` with a slope for each feature.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr

from alignlab.evals.general.board import Floats
from alignlab.evals.general.lengths import fit_features


class Dressed(NamedTuple):
    """Verdicts against a baseline, and by how much each answer had more.

    truth: (boards, models), mean true quality. won: (boards, models, prompts),
    0 or 1. longer, lists: the same shape, differences in length (standard
    units) and in the number of lists.
    """

    truth: Floats
    won: Floats
    longer: Floats
    lists: Floats


def dressed(
    seed: int, boards: int = 40, models: int = 12, prompts: int = 300
) -> Dressed:
    """Verdicts of a judge that likes long answers and lists.

    Skill goes with a model's length (correlation 0.5) and with its habit of
    making lists (0.3); an answer of more than usual length holds more lists.
    The likings saturate and grow in close cases, and noise differs between
    prompts, so that no regression below has the judge's own form.
    """
    rng = np.random.default_rng([seed, 7])
    skill, other, third = rng.normal(size=(3, boards, models, 1))
    verbose = 0.5 * skill + np.sqrt(1 - 0.5**2) * other
    habit = 0.3 * skill + np.sqrt(1 - 0.3**2) * third
    shape = (boards, models, prompts)
    long_ = 0.6 * verbose + rng.normal(0, 0.6, shape)
    usual = rng.normal(0, 0.6, (boards, 1, prompts))
    made = rng.poisson(np.exp(0.5 * habit + 0.5 * long_))
    given = rng.poisson(np.exp(0.5 * usual))
    longer, lists = long_ - usual, (made - given).astype(float)
    gap = 0.4 * skill + rng.normal(0, 0.8, shape)
    gap = gap - rng.normal(0, 0.8, (boards, 1, prompts))
    liking = 0.8 * np.sign(longer) * np.log1p(np.abs(longer))
    liking = liking + 0.7 * np.sign(lists) * np.log1p(np.abs(lists))
    liking = liking * (0.6 + 0.8 * np.exp(-np.abs(gap)))
    noise = np.exp(rng.normal(-0.3, 0.6, (boards, 1, prompts)))
    won = rng.random(shape) < ndtr((gap + liking) / noise)
    return Dressed(0.4 * skill[..., 0], won.astype(float), longer, lists)


def style_controlled(won: Floats, features: Sequence[Floats]) -> Floats:
    """The win rate where every feature is equal, (boards, models)."""
    a, _ = fit_features(won, features)
    return np.asarray(0.5 + 0.5 * np.tanh(a / 2))
