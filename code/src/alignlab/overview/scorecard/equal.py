"""Boards of states that are equal, made of the results of states that aren't.

Were two states equal, each unit's results might as well have been the other's.
So each unit's results are dealt anew among the states, all measures of that
unit together: what a unit's measures have in common stays, and so do skew,
ties and items that nothing changes (Fisher 1935, "The Design of Experiments").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy import stats

from alignlab.overview.scorecard.board import (
    Floats,
    Measured,
    differences,
    stacked,
    tested,
)


def dealt(
    board: Sequence[Measured],
    boards: int,
    seed: int,
    shift: Floats | None = None,
    normal: bool = False,
) -> Floats:
    """p-values of boards on which all states are equal, or planted ones not.

    shift: (boards, measures, states - 1), what is added to each unit of a
    state, in standard errors of its difference. normal: p-values by the
    normal curve, not by Student's t. Returns p-values of the same shape.
    """
    rng = np.random.default_rng([seed, 10])
    states = board[0].values.shape[0]
    found = np.empty((boards, len(board), states - 1))
    for places, values in stacked(board):
        units = values.shape[2]
        order = rng.permuted(
            np.broadcast_to(np.arange(states), (boards, units, states)), axis=2
        )
        for place, own in zip(places, values):
            mixed = own.T[
                np.arange(units)[:, None], order
            ]  # boards, units, states
            change = differences(mixed.transpose(0, 2, 1))
            if shift is not None:
                error = tested(change)[1]
                change = change + (shift[:, place] * error)[..., None]
            mean, error, told = tested(change)
            if normal:
                some = error >= 1e-12
                z = np.abs(mean) / np.where(some, error, 1.0)
                told = np.where(some, 2 * stats.norm.sf(z), told)
            found[:, place] = told
    return found


def planted(
    boards: int,
    measures: int,
    states: int,
    seed: int,
    share: float = 0.1,
    size: float = 4.0,
) -> Floats:
    """Shifts for `dealt`: a share of cells is shifted, up or down."""
    rng = np.random.default_rng([seed, 11])
    shape = (boards, measures, states)
    chosen = rng.random(shape) < share
    return np.asarray(chosen * size * rng.choice((-1.0, 1.0), shape))


def same_mean(board: Sequence[Measured], boards: int, seed: int) -> Floats:
    """p-values where only means are equal: differences less their own mean.

    Units are drawn with replacement; what is skew in the differences stays,
    which dealing takes away. Returns (boards, measures, states - 1).
    """
    rng = np.random.default_rng([seed, 16])
    found = []
    for measure in board:
        change = differences(measure.values)
        change = change - change.mean(-1, keepdims=True)
        units = change.shape[-1]
        drawn = rng.integers(0, units, (boards, units))
        found.append(tested(change[:, drawn])[2].T)
    return np.stack(found, 1)


def one_board(board: Sequence[Measured], seed: int) -> list[Measured]:
    """A board of equal states: every unit's results dealt anew."""
    rng = np.random.default_rng([seed, 15])
    found = list(board)
    for places, values in stacked(board):
        units = np.arange(values.shape[2])
        start = np.tile(np.arange(values.shape[1]), (len(units), 1))
        order = rng.permuted(start, axis=1)
        for place, own in zip(places, values):
            mixed = own.T[units[:, None], order].T
            found[place] = replace(board[place], values=mixed)
    return found
