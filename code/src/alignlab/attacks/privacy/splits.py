"""Three pairs of sets of lines to test membership inference on: an honest one, one by date, one without members.

Serves survey section 7.1. The middle one imitates sets that were collected by date (Shi et al. 2023, arXiv 2310.16789),
and the last one the control that Duan et al. 2024 (arXiv 2402.07841) and Das et al. 2024 (arXiv 2406.16201) ask for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from alignlab.attacks.privacy import membership
from alignlab.attacks.privacy.mailbox import Mailbox, decode
from alignlab.attacks.privacy.window_lm import Weights, token_losses

ATTACKS = ("loss", "zlib", "min-k", "reference")
NO_MODEL = ("words", "overlap")


@dataclass(frozen=True)
class Split:
    """Two sets of lines, token ids (lines, LENGTH), none in both; `inside` is
    the one that an evaluation would call members.
    """

    inside: np.ndarray
    outside: np.ndarray


def splits(box: Mailbox, seed: int, n: int = 700) -> dict[str, Split]:
    """known: lines trained on, against others of the same time. dates: lines
    trained on, against later ones. no members: lines of the time of training
    that were not trained on, against later ones.

    Boilerplate and codes are left out, each line counts once, and what the
    training set holds as well is no non-member. Raises ValueError where fewer
    than n lines are left.
    """
    told = {tuple(line) for line in box.lines}
    rng = np.random.default_rng([seed, 78])

    def some(lines: np.ndarray, trained: bool) -> np.ndarray:
        kept = [
            line
            for line in np.unique(lines, axis=0)
            if _varied(line) and (tuple(line) in told) == trained
        ]
        if len(kept) < n:
            raise ValueError(f"{len(kept)} lines are left, n={n}: ask for less")
        return np.stack(kept)[rng.permutation(len(kept))[:n]]

    members = some(box.lines, True)
    same = some(box.held_out, False)
    later = some(box.later, False)
    return {
        "known": Split(members, same),
        "dates": Split(members, later),
        "no members": Split(same, later),
    }


def aucs(
    split: Split, model: Weights, other: Weights, box: Mailbox, seed: int
) -> dict[str, float]:
    """AUC of each attack and of what asks no model."""
    sides = _sides(split)
    own = [_nats(model, side) for side in sides]
    ref = [_nats(other, side) for side in sides]
    texts = [[decode(line) for line in side] for side in sides]
    corpus = [decode(line) for line in box.lines]
    scores = {
        "loss": [membership.loss(x) for x in own],
        "zlib": [membership.zlib_ratio(x, t) for x, t in zip(own, texts)],
        "min-k": [membership.min_k(x) for x in own],
        "reference": [
            membership.reference_gain(x, y) for x, y in zip(own, ref)
        ],
        "overlap": [membership.overlap(t, corpus) for t in texts],
    }
    found = {name: membership.auc(*pair) for name, pair in scores.items()}
    return found | {"words": membership.blind(texts[0], texts[1], seed)}


def by_loss(split: Split, model: Weights) -> float:
    """AUC of the attack by loss, whichever model it asks."""
    told = [membership.loss(_nats(model, x)) for x in _sides(split)]
    return membership.auc(*told)


def by_reference(split: Split, model: Weights, other: Weights) -> float:
    """AUC of the attack by loss against a reference model's."""
    told = [
        membership.reference_gain(_nats(model, x), _nats(other, x))
        for x in _sides(split)
    ]
    return membership.auc(*told)


def _sides(split: Split) -> tuple[np.ndarray, np.ndarray]:
    return split.inside, split.outside


def _nats(model: Weights, lines: np.ndarray) -> np.ndarray:
    return token_losses(model, lines)[0].numpy()


def _varied(line: np.ndarray) -> bool:
    """Whether a line is neither boilerplate nor a code line."""
    text = decode(line)
    return not text.startswith(("this", "dear all", "the code"))
