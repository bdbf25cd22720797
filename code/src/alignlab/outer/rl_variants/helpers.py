"""Small models that help a frozen one, learned by reinforcement: hints before it writes, critiques after.

Serves the survey's section 4.3.1. In directional stimulus prompting (Li et al. 2023) a small policy writes keywords
that steer a large model nobody can train; in RL4F (Akyurek et al. 2023) a small critic learns what to say about a draft
so that the large model's revision is better. Only the small model learns, from the reward of what the large one wrote.
Here both are categorical policies over words. And `rank_by_source` is the synthetic feedback of Kim et al. (2023,
ALMoST): answers are ranked by who wrote them, and nobody is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from alignlab.lm.checks import check_drawable
from alignlab.lm.training import descend
from alignlab.outer.policy_gradients import rloo_advantages
from alignlab.toys.storyland import (
    FEELINGS,
    HEROES,
    THINGS,
    VERBS,
    VOCAB,
    Stories,
    answer_mask,
    word_counts,
)

HINTS = (*VERBS, *FEELINGS)  # a story may begin with any of these
CRITIQUES = (
    *VERBS,
    *THINGS,
    *FEELINGS,
    "fine",
)  # "better with this word", or nothing to say
KINDS = (VERBS, THINGS, FEELINGS)


def learn_helper(
    choices: int,
    situation: Callable[[int, torch.Generator], Tensor],
    reward: Callable[[Tensor, torch.Generator], Tensor],
    seed: int,
    steps: int = 60,
    k: int = 4,
    n: int = 32,
    lr: float = 0.1,
) -> nn.Linear:
    """A linear softmax policy over `choices`, learned by RLOO with k choices
    tried in each situation.

    situation(step, generator): features of n cases, (n, d). reward(choice,
    generator): (n * k,) choices, each case's k side by side -> (n * k,)
    rewards. Starts uniform. Returns the policy: features -> logits.
    """
    generator = torch.Generator().manual_seed(seed)
    policy: nn.Linear | None = None
    optimizer: torch.optim.Optimizer | None = None
    for step in range(steps):
        features = situation(step, generator)
        if policy is None or optimizer is None:
            policy = nn.Linear(features.shape[1], choices)
            nn.init.zeros_(policy.weight)
            nn.init.zeros_(policy.bias)
            optimizer = torch.optim.Adam(policy.parameters(), lr=lr)
        logp = policy(features).log_softmax(-1)
        choice = draw(logp, k, generator)
        advantages = rloo_advantages(
            reward(choice.flatten(), generator).view(-1, k)
        )
        loss = -(advantages * logp.gather(1, choice)).mean()
        descend(optimizer, loss, step)
    if policy is None:
        raise ValueError(f"steps must be at least 1, not {steps}")
    return policy.requires_grad_(False)


def draw(logits: Tensor, k: int, generator: torch.Generator) -> Tensor:
    """k choices a row, with replacement: (n, choices) -> (n, k)."""
    p = logits.detach().double().softmax(-1).cumsum(-1)
    check_drawable(p[:, -1])
    u = torch.rand(len(p), k, dtype=torch.float64, generator=generator)
    return (p[:, None] < u[..., None] * p[:, None, -1:]).sum(-1)


def hero_features(tokens: Tensor) -> Tensor:
    """Which hero a story is about, one-hot (n, 4)."""
    return nn.functional.one_hot(
        tokens[:, 0] - VOCAB.index(HEROES[0]), len(HEROES)
    ).float()


def story_features(stories: Stories) -> Tensor:
    """What a critic sees of a draft: its hero and which words it holds, (n, 4 +
    vocab).
    """
    return torch.cat(
        [hero_features(stories.tokens), word_counts(*stories).clamp(max=1)],
        dim=1,
    )


def revise(stories: Stories, critique: Tensor) -> Stories:
    """The frozen editor: a critique's word replaces the draft's first word of
    the same kind, if it has one.

    critique: (n,) indices into CRITIQUES.
    """
    kind = torch.full((len(VOCAB),), -1)
    for i, words in enumerate(KINDS):
        kind[[VOCAB.index(word) for word in words]] = i
    word = torch.tensor(
        [VOCAB.index(c) if c in VOCAB else -1 for c in CRITIQUES]
    )[critique]
    same = (
        (kind[stories.tokens] == kind[word.clamp(min=0)][:, None])
        & stories.mask
        & (word >= 0)[:, None]
    )
    first = same & (same.long().cumsum(1) == 1)
    tokens = torch.where(first, word.clamp(min=0)[:, None], stories.tokens)
    return Stories(tokens, answer_mask(tokens))


def rank_by_source(answers: Sequence[Stories]) -> Tensor:
    """Synthetic rankings: of answers to the same prompt, that of the source
    named earlier is taken as the better one.

    answers: one `Stories` a source, row i of each to the same prompt; the best
        source first (in Kim et al. the larger model, with more and better
        demonstrations). Returns word counts (n, source, vocab), best first, as
        `fit_reward` takes them. Raises ValueError where the prompts differ.
    """
    heroes = answers[0].tokens[:, 0]
    if any(not torch.equal(a.tokens[:, 0], heroes) for a in answers):
        raise ValueError("row i of every source must answer the same prompt")
    return torch.stack([word_counts(*a) for a in answers], dim=1)
