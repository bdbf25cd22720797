"""All methods of preference learning on the same comparisons and the same small language model.

Serves the survey's section 4.3.2. The comparisons are those of `storyland`: pairs of stories by the SFT model and a
reader's picks. Each method gets them in the form that it takes (pairs, rankings of two, singly labeled answers, or a
reward model learned from the pairs, for RAFT's samples and for reinforcement learning) and nothing else. One asks the
readers twice, half of the comparisons each time, the second half about its own stories. What a policy became is then
read off as its gold reward and its divergence from the SFT model, the two axes of Rafailov et al. (2023, figure 2) and
Gao et al. (2023).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor, nn

from alignlab.lm import TinyTransformer, train
from alignlab.lm.masks import check_counts
from alignlab.outer.ranking_feedback.direct import (
    Pair,
    dpo_loss,
    hinge_loss,
    ipo_loss,
    kto_loss,
    mismatched_kl,
    orpo_loss,
    simpo_loss,
    slic_loss,
)
from alignlab.outer.ranking_feedback.ranked import (
    best_of,
    cringe_loss,
    pro_loss,
    rrhf_loss,
)
from alignlab.outer.story_reward import reward_model
from alignlab.toys.storyland import (
    Stories,
    Task,
    clone,
    kl_to,
    logprobs,
    sample,
)

BATCH, STEPS, RATE = 48, 80, 3e-3


@dataclass(frozen=True)
class Batch:
    """Comparisons as a loss sees them: log-probabilities summed over an answer, nats, and lengths; all of (batch,).

    mismatched: policy and reference on answers with another prompt, for KTO's baseline; made only where asked for.
    """

    policy: Pair
    reference: Pair
    lengths: Pair
    mismatched: Pair | None = None


Loss = Callable[[Batch, float], Tensor]
Fit = Callable[
    [Task, Stories, Stories, float, int], TinyTransformer
]  # world, chosen, rejected, dial, seed


def _kto(b: Batch, beta: float) -> Tensor:
    desirable = torch.cat(
        [torch.ones_like(b.policy.chosen), torch.zeros_like(b.policy.rejected)]
    ).bool()
    baseline = mismatched_kl(*b.mismatched) if b.mismatched else 0.0
    return kto_loss(
        torch.cat(b.policy), torch.cat(b.reference), desirable, baseline, beta
    )


def _ranking(b: Batch) -> tuple[Tensor, Tensor]:
    scores = torch.stack(
        [p / n for p, n in zip(b.policy, b.lengths)], 1
    )  # (batch, 2), a token
    return scores, torch.tensor([1.0, 0.0]).expand_as(scores)


def story_logprobs(model: nn.Module, stories: Stories) -> Tensor:
    """Log-probability of whole stories given their hero, nats, (n,)."""
    return logprobs(model, *stories).sum(1)


@torch.no_grad()
def story_states(model: TinyTransformer, stories: Stories) -> Tensor:
    """The hidden states from which a story's words are predicted, summed over them, (n, d): what `ches` compares."""
    kept: list[Tensor] = []
    hook = model.unembed.register_forward_pre_hook(
        lambda _, inputs: kept.append(inputs[0])
    )
    model(stories.tokens[:, :-1])
    hook.remove()
    return (kept[0] * stories.mask[:, 1:, None]).sum(1)


def fit_pairs(
    world: Task,
    chosen: Stories,
    rejected: Stories,
    dial: float,
    seed: int,
    loss: Loss,
    mismatched: bool = False,
    steps: int = STEPS,
    start: TinyTransformer | None = None,
) -> TinyTransformer:
    """The SFT model after `steps` steps of AdamW on a loss of comparisons; dial
    is what the loss is called with.

    chosen, rejected: stories about the same heroes. The reference, whose
        log-probabilities are computed once, is the SFT model, and training
        begins there unless another `start` is given.
    """
    policy = clone(start or world.sft)
    sets = [chosen, rejected]
    if mismatched:  # each hero with the story of the next row's
        turned = torch.cat(
            [chosen.tokens.roll(1, 0)[:, :1], chosen.tokens[:, 1:]], 1
        )
        sets.append(Stories(turned, chosen.mask))
    with torch.no_grad():
        reference = [story_logprobs(world.sft, s) for s in sets]
    lengths = [s.mask.sum(1) for s in sets]

    def objective(
        model: nn.Module, step: int, generator: torch.Generator
    ) -> Tensor:
        rows = torch.randint(len(chosen.tokens), (BATCH,), generator=generator)
        stacked = Stories(
            *(torch.cat([part[rows] for part in parts]) for parts in zip(*sets))
        )
        p, r = (
            story_logprobs(model, stacked).chunk(len(sets)),
            [part[rows] for part in reference],
        )
        n = [length[rows] for length in lengths]
        other = Pair(p[2], r[2]) if mismatched else None
        return loss(
            Batch(Pair(p[0], p[1]), Pair(r[0], r[1]), Pair(n[0], n[1]), other),
            dial,
        ).mean()

    train(policy, objective, steps=steps, lr=RATE, seed=seed)
    return policy


def fit_cringe(
    world: Task,
    chosen: Stories,
    rejected: Stories,
    dial: float,
    seed: int,
    steps: int = STEPS,
) -> TinyTransformer:
    """The SFT model trained with the cringe loss: chosen stories are good, rejected ones bad; dial is alpha."""
    policy = clone(world.sft)
    good = torch.arange(2 * BATCH) < BATCH

    def objective(
        model: nn.Module, step: int, generator: torch.Generator
    ) -> Tensor:
        rows = torch.randint(len(chosen.tokens), (BATCH,), generator=generator)
        tokens, mask = (
            torch.cat([a[rows], b[rows]]) for a, b in zip(chosen, rejected)
        )
        logits = model(tokens[:, :-1])
        return cringe_loss(
            logits,
            tokens[:, 1:],
            good,
            mask[:, 1:],
            generator,
            k=5,
            alpha=dial,
        ).sum() / check_counts(mask)

    train(policy, objective, steps=steps, lr=RATE, seed=seed)
    return policy


def fit_raft(
    world: Task,
    chosen: Stories,
    rejected: Stories,
    dial: float,
    seed: int,
    rounds: int = 3,
    steps: int = STEPS,
) -> TinyTransformer:
    """RAFT: a reward model learned from the pairs picks the best of n stories, and these are trained on; dial is n.

    Each of `rounds` rounds draws n stories for each of 512 heroes from the policy as it then is.
    """
    n = int(dial)
    policy, generator = clone(world.sft), torch.Generator().manual_seed(seed)
    reward = reward_model(world.sft, chosen, rejected, seed)
    for turn in range(rounds):
        drawn = sample(policy, 512, generator)
        heroes = drawn.tokens[:, 0].repeat_interleave(n)
        stories = sample(policy, 512 * n, generator, heroes=heroes)
        best = best_of(reward(*stories).view(512, n)) + n * torch.arange(512)
        kept = Stories(*(part[best] for part in stories))

        def objective(
            model: nn.Module,
            step: int,
            g: torch.Generator,
            kept: Stories = kept,
        ) -> Tensor:
            rows = torch.randint(512, (BATCH,), generator=g)
            part = Stories(*(x[rows] for x in kept))
            return -story_logprobs(model, part).sum() / check_counts(part.mask)

        train(
            policy, objective, steps=steps // rounds, lr=RATE, seed=seed + turn
        )
    return policy


def fit_chosen(
    world: Task,
    chosen: Stories,
    rejected: Stories,
    dial: float,
    seed: int,
    steps: int = STEPS,
) -> TinyTransformer:
    """Likelihood of the chosen stories alone (Preferred-FT of Rafailov et al. 2023, section 6); dial times the steps.

    The rejected stories are never looked at.
    """

    def loss(b: Batch, _: float) -> Tensor:
        return -b.policy.chosen / b.lengths.chosen

    return fit_pairs(
        world, chosen, rejected, dial, seed, loss, steps=int(dial * steps)
    )


def fit_rounds(
    world: Task,
    chosen: Stories,
    rejected: Stories,
    dial: float,
    seed: int,
    steps: int = STEPS,
) -> TinyTransformer:
    """DPO in two rounds with as many comparisons and steps as in one (iterative DPO, Xiong et al. 2023); dial is beta.

    The first half of the comparisons is learned first. Then readers compare as many stories of the policy as it then
    is, and training goes on with both halves. The reference is the SFT model throughout.
    """

    def loss(b: Batch, beta: float) -> Tensor:
        return dpo_loss(b.policy, b.reference, beta)

    half = len(chosen.tokens) // 2
    old = [
        Stories(*(part[:half] for part in side)) for side in (chosen, rejected)
    ]
    policy = fit_pairs(world, *old, dial, seed, loss, steps=steps // 2)  # type: ignore[arg-type, call-arg, misc]
    asked = replace(world, sft=policy.requires_grad_(False))
    new = asked.pairs(half, torch.Generator().manual_seed(seed + 7))
    both = [Stories(*map(torch.cat, zip(*sides))) for sides in zip(old, new)]
    return fit_pairs(  # type: ignore[call-arg, misc]
        world,
        *both,  # type: ignore[arg-type]
        dial,
        seed + 1,
        loss,
        steps=steps // 2,
        start=policy,
    )


def fit_rl(
    world: Task,
    chosen: Stories,
    rejected: Stories,
    dial: float,
    seed: int,
    steps: int = STEPS,
    clip: float = 0.2,
) -> TinyTransformer:
    """RLHF on the same comparisons: a reward model, and a policy gradient on its reward minus dial times the log-ratio.

    PPO's clipped loss (Schulman et al. 2017, equation 7), two steps on each batch of the policy's own stories. In
    place of a value network a story's advantage is its reward minus the mean of the other stories about its hero in
    the batch (Ahmadian et al. 2024, RLOO), divided by the batch's standard deviation.
    """
    policy, reward = (
        clone(world.sft),
        reward_model(world.sft, chosen, rejected, seed),
    )
    batch: dict[str, Tensor] = {}

    def objective(
        model: nn.Module, step: int, generator: torch.Generator
    ) -> Tensor:
        if step % 2 == 0:
            drawn = sample(model, BATCH, generator)
            with torch.no_grad():
                old = logprobs(model, *drawn)
                kl = old.sum(1) - story_logprobs(world.sft, drawn)
                scores = reward(*drawn) - dial * kl
            same = drawn.tokens[:, :1] == drawn.tokens[:, 0]
            others = same.float().fill_diagonal_(0)
            advantages = scores - (others @ scores) / others.sum(1)
            batch.update(
                tokens=drawn.tokens,
                mask=drawn.mask,
                old=old,
                advantages=advantages / advantages.std().clamp(min=1e-6),
            )
        stories = Stories(batch["tokens"], batch["mask"])
        ratio = (logprobs(model, *stories) - batch["old"]).exp()
        gain = batch["advantages"][:, None]
        least = torch.minimum(
            gain * ratio, gain * ratio.clamp(1 - clip, 1 + clip)
        )
        return -(least * stories.mask).sum() / check_counts(stories.mask)

    train(policy, objective, steps=steps, lr=RATE, seed=seed)
    return policy


@dataclass(frozen=True)
class Method:
    """A method and its dial: the symbol that is turned to go further from the reference, and its settings."""

    fit: Fit
    symbol: str
    dials: tuple[float, ...]


def methods() -> dict[str, Method]:
    """All methods by name, each with a dial that brackets its best setting where it has one.

    "chosen only" raises the likelihood of chosen stories and never looks at the others.
    """
    pairs: dict[str, tuple[Loss, str, tuple[float, ...]]] = {
        "DPO": (
            lambda b, d: dpo_loss(b.policy, b.reference, d),
            "β",
            (3, 1, 0.3, 0.1),
        ),
        "IPO": (
            lambda b, d: ipo_loss(b.policy, b.reference, d),
            "β",
            (0.5, 0.2, 0.1, 0.05),
        ),
        "hinge": (
            lambda b, d: hinge_loss(b.policy, b.reference, d),
            "β",
            (3, 1, 0.3, 0.1),
        ),
        "KTO": (_kto, "β", (3, 1, 0.3, 0.1, 0.03, 0.01)),
        "SLiC-HF": (
            lambda b, d: slic_loss(b.policy, b.policy.chosen, d),
            "δ",
            (0.3, 1, 3, 10, 30, 100),
        ),
        "SimPO": (
            lambda b, d: simpo_loss(b.policy, b.lengths, d, d / 2),
            "β",
            (10, 5, 2, 1),
        ),
        "ORPO": (
            lambda b, d: orpo_loss(b.policy, b.lengths, d),
            "λ",
            (0.3, 1, 3, 10, 30, 100),
        ),
        "RRHF": (
            lambda b, d: rrhf_loss(*_ranking(b), d),
            "weight",
            (1, 0.3, 0.1, 0.03),
        ),
        "PRO": (
            lambda b, d: pro_loss(*_ranking(b), d),
            "weight",
            (1, 0.3, 0.1, 0.03, 0.01, 0),
        ),
    }
    found = {
        name: Method(
            partial(fit_pairs, loss=loss, mismatched=loss is _kto),
            symbol,
            dials,
        )
        for name, (loss, symbol, dials) in pairs.items()
    }
    found["cringe"] = Method(fit_cringe, "α", (0.1, 0.3, 1, 3))
    found["RAFT"] = Method(fit_raft, "n", (2, 4, 8, 16))
    found["DPO, two rounds"] = Method(fit_rounds, "β", (3, 1, 0.3, 0.1))
    found["RL"] = Method(fit_rl, "β", (3, 1, 0.3, 0.1))
    found["chosen only"] = Method(fit_chosen, "steps ×", (1, 3))
    return found


def outcome(
    world: Task, policy: TinyTransformer, seed: int, n: int = 800
) -> tuple[float, float, float]:
    """Gold reward (SFT standard deviations), divergence from the SFT model (nats) and length (words) of n stories."""
    stories = sample(policy, n, torch.Generator().manual_seed(seed + 90_000))
    kl = kl_to(
        policy, world.sft, n, torch.Generator().manual_seed(seed + 90_000)
    )  # of the same stories
    return (
        float(world.gold(*stories).mean()),
        kl,
        float(stories.mask.sum(1).float().mean()),
    )
