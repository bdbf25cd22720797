"""A small simulated society: agents draft, neighbors rate and advise, agents revise, and the best-rated is imitated.

Serves the survey's section 4.3.2. Liu et al. (2023, "Training Socially Aligned Language Models in Simulated Human
Society") let language-model agents on a grid answer a question, collect ratings and feedback from their neighbors, and
revise; the recorded interactions then train a model ("Stable Alignment"). Our agents are rules: each rates a story by
the readers' taste plus a whim of its own. The paper's contrastive loss on badly rated drafts is left out.
"""

from __future__ import annotations

import torch
from torch import Tensor

from alignlab.lm import TinyTransformer
from alignlab.outer.text_feedback.textfeedback import imitate, rewrite
from alignlab.toys import storyland
from alignlab.toys.storyland import Stories, Task


def ratings(
    world: Task,
    stories: Stories,
    neighbors: int,
    generator: torch.Generator,
    whim: float = 1.5,
) -> Tensor:
    """The mean rating of each story by some neighbors, shape (n,): the gold reward, and a whim of each neighbor added.

    whim: standard deviation of what a neighbor adds at random. neighbors=0 leaves the whim of one and no taste.
    """
    noise = (
        torch.randn(
            len(stories.tokens),
            max(neighbors, 1),
            dtype=torch.float64,
            generator=generator,
        )
        .float()
        .mean(1)
    )
    return whim * noise + (world.gold(*stories) if neighbors else 0.0)


def live(
    world: Task,
    seed: int,
    neighbors: int = 4,
    rounds: int = 2,
    agents: int = 512,
    revisions: int = 4,
) -> tuple[TinyTransformer, list[float]]:
    """A model raised in the society, and the mean gold reward of what the
    agents kept in each round.

    In a round every agent drafts a story, rewrites it from a place of its
    choice a few times, and keeps the version that its neighbors rate highest;
    then the shared model imitates what the better-rated half of the agents
    kept.
    """
    generator = torch.Generator().manual_seed(seed)
    model, kept = world.sft, []
    for i in range(rounds):
        best = storyland.sample(model, agents, generator)
        score = ratings(world, best, neighbors, generator)
        for _ in range(revisions):
            length = best.mask.sum(1)
            start = (
                1 + (torch.rand(agents, generator=generator) * length).long()
            )
            tokens = rewrite(model, best.tokens, start, generator)
            version = Stories(tokens, storyland.answer_mask(tokens))
            rated = ratings(world, version, neighbors, generator)
            better = rated > score
            best = Stories(
                *(
                    torch.where(better[:, None], new, old)
                    for new, old in zip(version, best)
                )
            )
            score = torch.maximum(score, rated)
        top = score.argsort(descending=True)[: agents // 2]
        chosen = Stories(*(part[top] for part in best))
        kept.append(float(world.gold(*chosen).mean()))
        model = imitate(model, chosen, seed=1000 * i + seed)
    return model, kept
