"""What a model costs in energy: from counted arithmetic, or from measured time, under assumptions that are named.

A pass over a token multiplies each of N weights once and adds once, 2N operations; the way back takes about twice as
much: 6N for a token of training (Kaplan et al. 2020). From operations to energy takes the machine's speed and power.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

Array = np.ndarray
JOULES_PER_KWH = 3.6e6


class Machine(NamedTuple):
    """flops: operations a second it reaches. watts: what it draws meanwhile."""

    flops: float
    watts: float


def training_flops(parameters: float, tokens: float) -> float:
    """6 N D."""
    return 6 * parameters * tokens


def writing_flops(parameters: float, tokens: float) -> float:
    """2 N a token written or read."""
    return 2 * parameters * tokens


def kwh(flops: float, machine: Machine, pue: float = 1.2) -> float:
    """Kilowatt hours; pue: energy of the whole building over that of its computers."""
    return flops / machine.flops * machine.watts * pue / JOULES_PER_KWH


def kwh_of_seconds(seconds: float, watts: float, pue: float = 1.0) -> float:
    """Kilowatt hours of a measured time."""
    return seconds * watts * pue / JOULES_PER_KWH


def emissions(
    parameters: float,
    trained: float,
    written: Array,
    machine: Machine,
    grams: float,
    pue: float = 1.2,
) -> tuple[float, Array]:
    """Tonnes of CO2e of training on `trained` tokens, and of writing tokens (n,), both at the machine's speed.

    grams: of CO2e a kilowatt hour.
    """
    training = kwh(training_flops(parameters, trained), machine, pue)
    one = kwh(writing_flops(parameters, 1), machine, pue)
    return training * grams / 1e6, one * written * grams / 1e6


def even_at(training_tokens: float) -> float:
    """Tokens written at which writing has cost as much as training: 2 N x = 6 N D."""
    return 3 * training_tokens
