"""What a policy is compared with: the model it started from, only sharper.

Serves the survey's section 4.3.1. Reinforcement learning makes a language model surer of itself (Ouyang et al. 2022 and
Zheng et al. 2023 watch its entropy), and a surer model makes fewer blunders whatever it was rewarded for. A lower
temperature does that without any reward, so a policy has to be better than its own start at a lower temperature: at
the same entropy, or as far from the start.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from alignlab.lm import TinyTransformer
from alignlab.toys.storyland import clone, entropy, kl_to


def sharpened(start: TinyTransformer, temperature: float) -> TinyTransformer:
    """The model that draws at temperature 1 as `start` does at `temperature`.

    Its logits are those of `start`, divided by the temperature. Raises
    ValueError for a temperature that is not above 0.
    """
    if not temperature > 0:
        raise ValueError(
            f"the temperature must be above 0, not {temperature:g}"
        )
    model = clone(start).requires_grad_(False)
    model.unembed.weight.div_(temperature)
    return model


def match_entropy(
    start: TinyTransformer,
    nats: float,
    seed: int,
    stories: int = 400,
    halvings: int = 12,
) -> TinyTransformer:
    """`start`, sharpened until its entropy is `nats` a word (bisection).

    Entropy is that of `storyland.entropy`, always over the draws of one seed. The temperature is sought between 0.02
    and 2; where `nats` lies outside what these give, the nearer end is returned.
    """

    def too_sharp(model: TinyTransformer) -> bool:
        generator = torch.Generator().manual_seed(seed)
        return entropy(model, stories, generator) < nats

    return _sharpened_until(start, too_sharp, 2.0, halvings)


def match_kl(
    start: TinyTransformer,
    nats: float,
    seed: int,
    stories: int = 400,
    halvings: int = 9,
) -> TinyTransformer:
    """`start`, sharpened until its divergence from `start` is `nats` a story (bisection).

    The divergence is that of `storyland.kl_to`, always over the draws of one seed. The temperature is sought between
    0.02 and 1; where `nats` is more than the former gives, the sharpest model is returned.
    """

    def too_sharp(model: TinyTransformer) -> bool:
        generator = torch.Generator().manual_seed(seed)
        return kl_to(model, start, stories, generator) > nats

    return _sharpened_until(start, too_sharp, 1.0, halvings)


def _sharpened_until(
    start: TinyTransformer,
    too_sharp: Callable[[TinyTransformer], bool],
    highest: float,
    halvings: int,
) -> TinyTransformer:
    """Bisection of the temperature on a logarithmic scale, from 0.02 to `highest`."""
    low, high = 0.02, highest
    for _ in range(halvings):
        middle = (low * high) ** 0.5
        if too_sharp(sharpened(start, middle)):
            low = middle
        else:
            high = middle
    return sharpened(start, (low * high) ** 0.5)
