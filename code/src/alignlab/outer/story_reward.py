"""A reward model of stories, learned from people's picks.

Serves the survey's section 4.3: what reinforcement learning and best-of-n are run against in `alignlab.toys.storyland`
(Stiennon et al. 2020, "Learning to summarize from human feedback").
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from alignlab.lm import TinyTransformer, train
from alignlab.outer.reward import bradley_terry_loss
from alignlab.toys.storyland import Reward, Stories, clone


def reward_model(
    start: TinyTransformer,
    chosen: Stories,
    rejected: Stories,
    seed: int,
    steps: int = 100,
) -> Reward:
    """A reward model learned from picks: the start's network, its unembedding
    replaced by one number at the last word.

    Returns rewards (n,) as a function of (tokens, mask), without gradient
    (Stiennon et al. 2020, section 3.4).
    """
    network = clone(start)
    network.unembed = nn.Linear(start.config.d_model, 1, bias=False)
    nn.init.zeros_(network.unembed.weight)

    def score(tokens: Tensor, mask: Tensor) -> Tensor:
        last = mask.long().cumsum(1).argmax(1)
        return network(tokens)[torch.arange(len(tokens)), last, 0]

    def loss(_: nn.Module, step: int, generator: torch.Generator) -> Tensor:
        rows = torch.randint(len(chosen.tokens), (128,), generator=generator)
        return bradley_terry_loss(
            *(
                score(*(part[rows] for part in side))
                for side in (chosen, rejected)
            )
        ).mean()

    train(network, loss, steps=steps, lr=3e-3, seed=seed, weight_decay=0.01)
    network.requires_grad_(False)
    return score
