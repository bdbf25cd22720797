"""Best-of-n: the answer that a reward likes best among n, how far that goes from the start, and what it gains.

Serves the survey's section 4.3.3, and 4.3.2 as the yardstick of a frontier (Stiennon et al. 2020; Gao et al. 2023,
"Scaling laws for reward model overoptimization").
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from alignlab.lm.checks import check_numbers
from alignlab.lm.masks import check_shapes


class Path(NamedTuple):
    """What optimization did: distance from the start, and both rewards, each of
    shape (points,).
    """

    distance: np.ndarray  # root of KL(policy || start), nats
    proxy: np.ndarray
    gold: np.ndarray


def best_of_n_kl(n: int | np.ndarray) -> np.ndarray:
    """KL of best-of-n from the start, nats: log n - (n - 1)/n, exact without
    ties (Stiennon et al. 2020). Raises ValueError for an n below 1.
    """
    if not (np.asarray(n) >= 1).all():
        raise ValueError(f"best of {n}: n is 1 or more")
    return np.log(n) - (np.asarray(n) - 1) / n


def best_of_n(proxy: Tensor, gold: Tensor, ns: Sequence[int]) -> Path:
    """Expected rewards of the answer that the proxy likes best among n, from
    one large sample of the start.

    proxy, gold: rewards of the same m answers, shape (m,). The answer of rank i
        (1 = lowest) is the best of n with probability (i/m)^n - ((i-1)/m)^n.
        Raises ValueError where an n is too large for the sample to say or
        below 1, for numbers of answers that differ, and for a reward that is
        not a number.
    """
    _check(proxy, gold, ns)
    m = len(proxy)
    order = proxy.argsort()
    r, y, rank = (
        proxy[order].double(),
        gold[order].double(),
        torch.arange(1, m + 1, dtype=torch.float64) / m,
    )
    weights = [rank**n - (rank - 1 / m) ** n for n in ns]
    distance = np.sqrt(np.maximum(best_of_n_kl(np.array(ns)), 0))
    return Path(
        distance,
        np.array([float(w @ r) for w in weights]),
        np.array([float(w @ y) for w in weights]),
    )


def _check(proxy: Tensor, gold: Tensor, ns: Sequence[int]) -> None:
    check_shapes(proxy.shape, gold=gold)
    for name, rewards in {"proxy": proxy, "gold": gold}.items():
        check_numbers(rewards, f"the {name} reward of answer ")
    if not len(ns) or any(n != int(n) or n < 1 for n in ns):
        raise ValueError(f"ns={ns}: give whole numbers of 1 or more")
    if max(ns) > len(proxy) / 4:
        raise ValueError(
            f"best of {max(ns)} cannot be estimated from {len(proxy)} "
            f"answers: take at least {4 * max(ns)}"
        )
