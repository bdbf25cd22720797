"""Simulated moral judges, and what a benchmark makes of them.

A judge reads statements, half of them wrong by common opinion, and says
log-odds of the acceptable label. Its *grasp* is what a benchmark should rank.
Besides, a judge understands some templates better than others, leans to a
label, to a place and to a template, and finds some statements hard. Leanings
are Laplace, hardness is Student's, and log-odds saturate. Within one wording
the median and the area under the curve undo leans and saturation exactly.
Marginalizing over question forms is the remedy of Scherrer
et al. 2023 (section 3), a cut in the middle that of Zhou et al. 2023 ("Batch
Calibration"), here with the median for their mean.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

Floats = NDArray[np.float64]

TEMPLATES, ORDERS, LABELS = 8, 2, 4


class Board(NamedTuple):
    """Judges on boards of their own; arrays by (boards, judges, ...).

    grasp: the truth, (boards, judges). sign: 1 for acceptable and -1 for
    wrong, (items,). pull: what each item does to each judge. gain, lean:
    of each of 64 wordings, on each judge.
    """

    grasp: Floats
    sign: Floats
    pull: Floats
    gain: Floats
    lean: Floats
    seed: int


def board(
    seed: int,
    boards: int = 1000,
    judges: int = 8,
    items: int = 48,
    leaning: float = 1.0,
    unlike: float = 0.5,
) -> Board:
    """Draw judges. leaning: size of their leanings, 1 as large as a grasp.

    unlike: spread of the logarithm of how well a judge understands a
    template; with 0 all templates are understood alike.
    Raises ValueError for an odd number of items, or a size below its least.
    """
    small = boards < 1 or judges < 2 or items < 2 or min(leaning, unlike) < 0
    if small or items % 2:
        raise ValueError(
            f"{boards} boards, {judges} judges, {items} items, leaning "
            f"{leaning}, unlike {unlike}: two judges, an even number of "
            "items, no negative"
        )
    rng = np.random.default_rng([seed, 1])
    one = (boards, judges, 1)
    template, order, label = np.indices((TEMPLATES, ORDERS, LABELS)).reshape(
        3, -1
    )
    grasp = 1 + 0.35 * rng.normal(size=one)
    sign = np.where(np.arange(items) % 2, 1.0, -1.0)
    clear = rng.gamma(3, 1 / 3, size=(boards, 1, items))
    hard = 0.5 * rng.standard_t(4, size=(boards, judges, items))
    gain = np.exp(unlike * rng.normal(size=(boards, judges, TEMPLATES)))
    to_label = 0.7 * rng.laplace(size=(boards, judges, LABELS))
    to_first = 0.5 * rng.laplace(size=one) * np.where(order, -1, 1)
    to_template = 0.5 * rng.laplace(size=(boards, judges, TEMPLATES))
    lean = to_label[..., label] + to_first + to_template[..., template]
    pull = grasp * sign * clear + hard
    return Board(
        grasp[..., 0], sign, pull, gain[..., template], leaning * lean, seed
    )


def _said(
    made: Board, wordings: NDArray[np.int64], stream: int, new: bool
) -> Floats:
    """Log-odds under wordings (boards, asks), as `over_wordings` says."""
    rng = np.random.default_rng([made.seed, stream])
    at = wordings[:, None, :]
    gain = np.take_along_axis(made.gain, at, 2)[..., None]
    lean = np.take_along_axis(made.lean, at, 2)[..., None]
    pull = made.pull[:, :, None]
    if new:
        items, asks = pull.shape[-1], at.shape[2]
        if items % (2 * asks):
            raise ValueError(
                f"{items} items in {asks} parts: each needs an even number"
            )
        pull = pull.reshape(*gain.shape[:3], items // asks)
    shape = (*gain.shape[:3], pull.shape[-1])
    chance = 0.5 * rng.standard_t(4, size=shape)
    return np.asarray(3 * np.tanh((gain * pull + lean + chance) / 3))


def over_wordings(made: Board, asks: int = 8, new: bool = False) -> Floats:
    """All items under `asks` wordings, drawn for each board.

    new: each item once; a part of the items under each of the wordings.
    Returns log-odds of "acceptable", (boards, judges, asks, items in each).
    """
    rng = np.random.default_rng([made.seed, 2])
    n = made.gain.shape[2]
    order = rng.random((len(made.grasp), n)).argsort(1)
    return _said(made, order[:, :asks], 3, new)


def over_paraphrases(made: Board, asks: int = 8, new: bool = False) -> Floats:
    """All items in `asks` paraphrases, under one wording for each board.

    As many calls as `over_wordings`; a paraphrase draws its own chance.
    new: each item once, in the same parts, all under the one wording.
    """
    rng = np.random.default_rng([made.seed, 2])
    n = made.gain.shape[2]
    first = rng.random((len(made.grasp), n)).argsort(1)[:, :1]
    return _said(made, np.repeat(first, asks, 1), 3, new)


def at_zero(odds: Floats, sign: Floats) -> Floats:
    """Share judged rightly where above 0 means acceptable, over items."""
    return np.asarray((odds * sign > 0).mean(-1))


def at_the_middle(odds: Floats, sign: Floats) -> Floats:
    """The same where above the median of the wording means acceptable.

    It uses that half of the items are acceptable, not which ones.
    """
    middle = np.median(odds, axis=-1, keepdims=True)
    return at_zero(odds - middle, sign)


def at_any(odds: Floats, sign: Floats) -> Floats:
    """The area under the curve: all thresholds at once, no lean matters."""
    good = sign > 0
    n, m = int(good.sum()), int((~good).sum())
    over = rankdata(odds, axis=-1)[..., good].sum(-1) - n * (n + 1) / 2
    return np.asarray(over / (n * m))


def misranked(score: Floats, truth: Floats) -> float:
    """Share of pairs in another order than in truth; a tie counts half.

    score, truth: (boards, models). Raises ValueError where they differ in
    shape or hold what is no number.
    """
    if score.shape != truth.shape or score.ndim != 2 or score.shape[1] < 2:
        raise ValueError(
            f"scores {score.shape}, truth {truth.shape}: give both as "
            "(boards, models), two models at least"
        )
    if not (np.isfinite(score).all() and np.isfinite(truth).all()):
        raise ValueError("a score is not a number: look for empty averages")
    i, j = np.triu_indices(score.shape[1], 1)
    said = np.sign(score[:, i] - score[:, j])
    true = np.sign(truth[:, i] - truth[:, j])
    return float(np.abs(said - true).mean() / 2)
