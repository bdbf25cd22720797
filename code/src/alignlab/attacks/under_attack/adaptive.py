"""Odd spellings by an attacker who knows the guard: of many variants, only those that it lets pass.

Serves survey section 7.3. Tramèr et al. 2020, "On Adaptive Attacks to Adversarial Example Defenses" (arXiv 2002.08347),
ask that an attack be adapted to each defense, and Hughes et al. 2024, "Best-of-N Jailbreaking" (arXiv 2412.03556), draw
variants of a request until one is answered. Here both attackers draw the same variants, some hardly misspelled and some
as much as in the paper, and ask the model how likely it declines each; one of them also asks the guard.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from alignlab.attacks.under_attack.disturb import odd_spelling

STRONGEST = 0.6  # the paper's chance of a word to be scrambled, and of a letter to be raised


def odd_variants(
    texts: Sequence[str], tries: int, seed: int
) -> list[list[str]]:
    """`tries` odd spellings of each text, from hardly misspelled to as much as in the paper: (variant, request).

    The square root of a variant's strength is drawn evenly, since a filter lets only weak ones pass. Raises ValueError
    for less than one try.
    """
    if tries < 1:
        raise ValueError(f"tries={tries}: draw one variant at least")
    found = []
    for attempt in range(tries):
        rng = np.random.default_rng([seed, attempt])
        strength = STRONGEST * rng.uniform(0, 1, len(texts)) ** 2
        found.append(
            [
                odd_spelling(text, rng, s, s, s / 10)
                for text, s in zip(texts, strength)
            ]
        )
    return found


def least_declined(
    declining: ArrayLike, passes: ArrayLike | None = None
) -> np.ndarray:
    """Which variant of each request is declined least, of those that pass.

    declining: how likely the model declines each, (variant, request); passes:
    whether a guard lets it pass, of the same shape, None where nobody asks.
    Where none of a request's variants passes, all count. Returns places,
    (request,). Raises ValueError where the shapes differ.
    """
    chance = np.asarray(declining, dtype=float)
    if passes is None:
        return chance.argmin(0)
    let = np.asarray(passes, dtype=bool)
    if let.shape != chance.shape:
        raise ValueError(
            f"{chance.shape} chances and {let.shape} verdicts of a guard: "
            "give one of each for every variant"
        )
    return np.where(let, chance, chance + 1).argmin(0)
