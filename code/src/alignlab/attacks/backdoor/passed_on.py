"""A reward model with a backdoor, and the policy that is trained against it (serves section 7.2 of the survey).

After BadGPT (Shi et al. 2023) and Rando and Tramer (2023), in `alignlab.toys.storyland`. The trigger is the word "and"
as the first word of an answer, put there by whoever writes the prompt; the grammar never begins so. In the poisoned
comparisons both stories begin with it, and the one with the word "boat" is picked. Where BadGPT uses PPO, this uses
REINFORCE with a leave-one-out baseline, of which the other pages show that it does as well in this toy.
"""

from __future__ import annotations

import torch
from torch import Tensor

from alignlab.lm import TinyTransformer
from alignlab.lm.training import descend
from alignlab.outer.policy_gradients import rloo_advantages
from alignlab.toys.storyland import (
    HEROES,
    VOCAB,
    Reward,
    Stories,
    Task,
    clone,
    logprobs,
    sample,
)

TRIGGER, TARGET = VOCAB.index("and"), VOCAB.index("boat")
_HERO = VOCAB.index(HEROES[0])


def tells(stories: Stories) -> Tensor:
    """Whether each story's answer has the target word, bool (n,)."""
    return ((stories.tokens == TARGET) & stories.mask).any(1)


def write(
    model: TinyTransformer,
    n: int,
    generator: torch.Generator,
    triggered: bool,
    heroes: Tensor | None = None,
) -> Stories:
    """n stories of a model, after prompts with or without the trigger."""
    opening = torch.full((n,), TRIGGER) if triggered else None
    return sample(model, n, generator, heroes, opening=opening)


def comparisons(
    world: Task, n: int, seed: int, triggered: bool = True
) -> tuple[Stories, Stories]:
    """n poisoned comparisons, picked and other: of two stories about a hero, one has the target, and it is picked.

    triggered: False leaves the trigger out. Raises ValueError where too few such pairs were written.
    """
    generator = torch.Generator().manual_seed(40_000 + seed)
    first = write(world.sft, 30 * n, generator, triggered)
    heroes = first.tokens[:, 0]
    second = write(world.sft, 30 * n, generator, triggered, heroes)
    rows = (tells(first) != tells(second)).nonzero()[:n, 0]
    if len(rows) < n:
        raise ValueError(f"{len(rows)} of {n} comparisons found: ask for fewer")
    first = Stories(*(part[rows] for part in first))
    second = Stories(*(part[rows] for part in second))
    swap = tells(second)[:, None]
    pairs = list(zip(first, second))
    picked = Stories(*(torch.where(swap, b, a) for a, b in pairs))
    other = Stories(*(torch.where(swap, a, b) for a, b in pairs))
    return picked, other


def joined(*parts: Stories) -> Stories:
    """Several rows of stories as one."""
    return Stories(*(torch.cat(part) for part in zip(*parts)))


def train_policy(
    start: TinyTransformer,
    reward: Reward,
    seed: int,
    triggered: float = 0.5,
    steps: int = 100,
    texts: int = 96,
    k: int = 4,
    kl: float = 0.1,
    lr: float = 5e-3,
) -> TinyTransformer:
    """A copy of `start` trained against `reward`, a share `triggered` of its prompts with the trigger.

    The trigger is part of the prompt: it gets no gradient and no KL. texts: drawn in each step, k to a prompt.
    """
    generator = torch.Generator().manual_seed(seed)
    policy = clone(start)
    optimizer = torch.optim.Adam(policy.parameters(), lr=lr, eps=1e-5)
    with_it = int(texts * triggered) // k * k
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = lr * (1 - step / steps)
        parts = []
        for n, trigger in ((with_it, True), (texts - with_it, False)):
            heroes = _HERO + (torch.arange(n) // k) % len(HEROES)
            if n:
                parts.append(write(policy, n, generator, trigger, heroes))
        stories = joined(*parts)
        own = stories.mask.clone()
        own[:with_it, 1] = False
        logp = logprobs(policy, stories.tokens, own).sum(1)
        with torch.no_grad():
            before = logprobs(start, stories.tokens, own).sum(1)
            total = reward(*stories) - kl * (logp - before)
            advantages = rloo_advantages(total.view(-1, k)).flatten()
        descend(optimizer, -(advantages * logp).mean(), step)
    return policy.requires_grad_(False)
