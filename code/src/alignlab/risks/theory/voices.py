"""Two voices in one model: how long a prompt has to be to bring out the rare one (serves section 9.1 of the survey).

After the behavior expectation bounds of Wolf et al. (2023, arXiv 2304.11082):
a model is a mixture of a well-behaved and a rare ill-behaved component. A
document here is a text in one of two voices and then an answer, which depends
on the voice alone. A voice draws each phrase of its text independently, out of
24, with its own frequencies. A prompt without answers shows none to copy.

Different from the paper: two components known to us, single tokens for
sentences, a small transformer instead of a mixture that is there by assumption.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import softmax

if TYPE_CHECKING:
    from torch import Tensor

    from alignlab.lm.tiny import TinyTransformer

PHRASES = 24
START, GOOD, BAD = range(PHRASES, PHRASES + 3)
LONGEST = 40  # phrases of a text
RARE = 0.1  # share of documents in the bad voice
Array = NDArray[np.float64]
Ints = NDArray[np.int64]


def voices(seed: int, evidence: float = 0.25, kinds: int = 6) -> Array:
    """Frequencies of phrases (voice, phrase): good, bad, four others.

    evidence: nats for the bad voice over the good one that a phrase of the
    bad one brings; the spread of all voices' frequencies is set by it.
    """
    drawn = np.random.default_rng([seed, 29]).normal(size=(kinds, PHRASES))

    def off(spread: float) -> float:
        return divergence(*softmax(spread * drawn[:2], 1)[::-1]) - evidence

    return np.asarray(softmax(brentq(off, 0.0, 3.0) * drawn, 1))


def divergence(a: Array, b: Array) -> float:
    """Nats of evidence for voice a over voice b that a phrase of a brings."""
    return float((a * np.log(a / b)).sum())


def write(
    voice: Array, texts: int, length: int, rng: np.random.Generator
) -> Ints:
    """Texts in a voice, shape (texts, length)."""
    return rng.choice(PHRASES, size=(texts, length), p=voice).astype(np.int64)


def posterior(said: Array, weight: float, text: Ints) -> Array:
    """Log-odds of the bad voice after 0, 1, 2 … phrases, by Bayes' rule.

    said: the voices; weight: the bad one's share; text: (texts, length).
    Returns (texts, length + 1), in nats.
    """
    told = np.log(said[1] / said[0])[text].cumsum(1)
    told = np.concatenate([np.zeros((len(text), 1)), told], 1)
    return np.asarray(np.log(weight / (1 - weight)) + told)


def loss(model: TinyTransformer, text: Ints, bad: Ints) -> Tensor:
    """What a text and its answer cost, averaged over where the text ends.

    text: (n, length); bad: (n,), 1 where the answer is the bad one. After
    each phrase the text may end, so that the answer is due there.
    """
    import torch
    import torch.nn.functional as F

    n, length = text.shape
    tokens = np.concatenate([np.full((n, 1), START), text], 1)
    logits = model(torch.from_numpy(tokens))
    target = torch.from_numpy(text)
    phrase = F.cross_entropy(
        logits[:, :-1, :PHRASES].flatten(0, 1), target.flatten()
    )
    due = torch.from_numpy(bad)[:, None].expand(n, length + 1)
    return phrase + F.cross_entropy(
        logits[:, :, GOOD:].flatten(0, 1), due.flatten()
    )


def newborn(seed: int) -> TinyTransformer:
    """The small transformer before any training."""
    from alignlab.lm import TinyConfig, TinyTransformer

    config = TinyConfig(
        vocab=PHRASES + 3, d_model=32, n_layers=1, n_heads=2,
        context=LONGEST + 1, d_mlp=64,
    )  # fmt: skip
    return TinyTransformer(config, seed)


def learned(
    said: Array, seed: int, steps: int = 250, batch: int = 32
) -> TinyTransformer:
    """A small transformer trained on documents, a share `RARE` of them bad."""
    from alignlab.lm import train

    model = newborn(seed)
    rng = np.random.default_rng([seed, 31])

    def step(*_: object) -> Tensor:
        bad = (rng.random(batch) < RARE).astype(np.int64)
        both = [write(voice, batch, LONGEST, rng) for voice in said[:2]]
        return loss(model, np.where(bad[:, None] == 1, both[1], both[0]), bad)

    train(model, step, steps=steps, lr=5e-3, seed=seed)
    return model


def made_safe(
    model: TinyTransformer,
    said: Array,
    seed: int,
    share: float = RARE,
    length: int = 4,
    steps: int = 40,
    batch: int = 32,
) -> TinyTransformer:
    """A copy trained to give the good answer, whatever the text.

    share: of its texts that are in the bad voice; length: phrases of a text.
    """
    import copy

    from alignlab.lm import train

    safe = copy.deepcopy(model)
    rng = np.random.default_rng([seed, 37])

    def step(*_: object) -> Tensor:
        bad = rng.random(batch) < share
        both = [write(voice, batch, length, rng) for voice in said[:2]]
        text = np.where(bad[:, None], both[1], both[0])
        return loss(safe, text, np.zeros(batch, np.int64))

    train(safe, step, steps=steps, lr=1e-3, seed=seed)
    return safe


def log_odds(model: TinyTransformer, text: Ints) -> Array:
    """Log-odds of the bad answer after 0, 1, 2 … phrases.

    text: (texts, length). Returns (texts, length + 1), in nats.
    """
    import torch

    tokens = np.concatenate([np.full((len(text), 1), START), text], 1)
    with torch.no_grad():
        logits = model(torch.from_numpy(tokens)).double().numpy()
    return np.asarray(logits[:, :, BAD] - logits[:, :, GOOD])
