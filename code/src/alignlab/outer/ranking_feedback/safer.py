"""From SmolLM2 to SmolLM2-safer: a supervised warm-up, then DPO, on a low-rank adapter of the upper layers.

Serves the survey's sections 4.3.1 and 4.3.2: the stages of Ouyang et al. (2022), with direct preference optimization
(Rafailov et al. 2023) in the place of a reward model and reinforcement learning. A preference pair is made of a refusal
and the model's own answer: for a harmful request the refusal is chosen, for a harmless one the answer. So the model
learns *when* to refuse and little else; what it says otherwise is its own.

The layers below `first` are frozen, so what they give is computed once (`alignlab.outer.ranking_feedback.cached`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from alignlab.lm.generation import chat_prompt, generate
from alignlab.lm.load import LM, encode
from alignlab.lm.low_rank import with_adapter
from alignlab.lm.training import descend
from alignlab.outer.ranking_feedback.cached import (
    Cached,
    answer_logits,
    answer_logprobs,
    answer_sums,
    run_lower,
    run_upper,
)
from alignlab.outer.ranking_feedback.direct import Pair, dpo_loss
from alignlab.outer.safety_data import OPENINGS, REFUSALS, Request

Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class Duel:
    """A request with the answer to learn and the answer to leave, as token ids."""

    prompt: list[int]
    chosen: list[int]
    rejected: list[int]


def duels(
    lm: LM, requests: Sequence[Request], answers: Sequence[str], seed: int
) -> list[Duel]:
    """Preference pairs: a refusal, drawn from `REFUSALS`, against the model's own answer to the same request.

    answers: how the model itself began to answer each request; it goes on, so no end token follows. A refusal ends.
    """
    rng = np.random.default_rng([seed, 2])
    end = lm.tokenizer.eos_token_id
    found = []
    for request, answer in zip(requests, answers):
        refusal = [
            *encode_plain(lm, REFUSALS[rng.integers(len(REFUSALS))]),
            end,
        ]
        own = encode_plain(lm, answer) or [end]
        good, bad = (
            (refusal, own) if request.kind == "harmful" else (own, refusal)
        )
        found.append(Duel(encode(lm, chat_prompt(lm, request.text)), good, bad))
    return found


def encode_plain(lm: LM, text: str) -> list[int]:
    """Token ids of a text that goes on from another: nothing added."""
    return list(
        lm.tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
    )


def own_answers(lm: LM, requests: Sequence[str], tokens: int) -> list[str]:
    """How the model begins to answer each request, likeliest token each time."""
    return generate(
        lm, [chat_prompt(lm, text) for text in requests], max_new_tokens=tokens
    )


def plain_texts(lm: LM, tokens: int, seed: int) -> list[str]:
    """Texts that the model itself writes after plain openings, drawn at temperature 1; each with its opening."""
    return [
        o + t
        for o, t in zip(
            OPENINGS,
            generate(
                lm, OPENINGS, max_new_tokens=tokens, temperature=1.0, seed=seed
            ),
        )
    ]


def stages(
    lm: LM,
    requests: Sequence[Request],
    answers: Sequence[str],
    texts: Sequence[str],
    settings: Mapping[str, Any],
    seed: int,
) -> tuple[LM, dict[str, Callable[[Progress], list[float]]]]:
    """The model with a fresh adapter, and its stages "warm" and "safer", to be called in this order.

    Everything that the frozen layers below `settings["first"]` have to say is computed here. answers: the model's own,
    one for each request. texts: plain ones to stay as it was on. A stage trains the adapter and returns its losses.
    """
    first, pairs = settings["first"], duels(lm, requests, answers, seed)
    prompts, harmful = (
        [pair.prompt for pair in pairs],
        [request.kind == "harmful" for request in requests],
    )
    chosen = run_lower(lm, prompts, [pair.chosen for pair in pairs], first)
    rejected = run_lower(lm, prompts, [pair.rejected for pair in pairs], first)
    answered = chosen[[i for i, bad in enumerate(harmful) if not bad]]
    refusals = chosen[[i for i, bad in enumerate(harmful) if bad]]
    own, ids = (
        Anchor(answered, final_states(lm, answered)),
        [encode(lm, text) for text in texts],
    )
    plain = anchor(
        lm, [row[:1] for row in ids], [row[1:] for row in ids], first
    )
    lm = with_adapter(lm, first, settings["rank"], seed)
    return lm, {
        "warm": lambda progress: warm_up(
            lm, refusals, own, plain, settings, seed, progress
        ),
        "safer": lambda progress: prefer(
            lm, chosen, rejected, plain, settings, seed, progress
        ),
    }


def anchor(
    lm: LM,
    prompts: Sequence[Sequence[int]],
    answers: Sequence[Sequence[int]],
    first: int,
) -> Anchor:
    """Texts to stay close on, seen by the model before any training."""
    texts = run_lower(lm, prompts, answers, first)
    return Anchor(texts, final_states(lm, texts))


@dataclass(frozen=True)
class Anchor:
    """Texts on which the model shall stay as it is: cached, with its final states before any training."""

    texts: Cached
    before: Tensor

    def divergence(self, lm: LM, rows: Tensor) -> Tensor:
        """KL(model as it was || model as it is) of each answer token's distribution, nats, (tokens,)."""
        batch = self.texts[rows]
        old = answer_logits(lm, self.before[rows], batch).log_softmax(-1)
        return (
            old.exp()
            * (
                old
                - answer_logits(lm, run_upper(lm, batch), batch).log_softmax(-1)
            )
        ).sum(-1)


def warm_up(
    lm: LM,
    refusals: Cached,
    own: Anchor,
    plain: Anchor,
    settings: Mapping[str, Any],
    seed: int,
    progress: Progress,
) -> list[float]:
    """Supervised fine-tuning on refusals, beside staying as it was on its own answers and on plain text.

    A step takes `batch` texts, refusals and own answers mixed, and some plain ones. Tokens of refusals cost their
    negative log-probability, all others the divergence from the model as it was. Returns each step's loss, nats.
    """
    n = len(refusals)

    def loss(rows: Tensor, generator: torch.Generator) -> Tensor:
        parts = []
        if (taught := rows[rows < n]).numel():
            parts.append(-answer_logprobs(lm, refusals[taught])[0])
        if (kept := rows[rows >= n] - n).numel():
            parts.append(own.divergence(lm, kept))
        return torch.cat(parts).sum() / len(rows) + settings[
            "sft_stay"
        ] * _plain(lm, plain, generator)

    return _fit(
        lm,
        loss,
        n + len(own.texts),
        settings["sft_epochs"],
        settings["sft_lr"],
        settings,
        seed,
        progress,
    )


def prefer(
    lm: LM,
    chosen: Cached,
    rejected: Cached,
    plain: Anchor,
    settings: Mapping[str, Any],
    seed: int,
    progress: Progress,
) -> list[float]:
    """DPO against the model as it comes in (Rafailov et al. 2023, eq. 7), beside staying as it was on plain text.

    DPO only asks that the chosen answer gain on the rejected one. Alone it taught the model a third thing to say, "I'm
    glad …", which is near a refusal and was in no pair. So the chosen answer's own negative log-probability is added,
    times `nll` (Pang et al. 2024). Returns each step's loss.
    """
    reference = Pair(reference_sums(lm, chosen), reference_sums(lm, rejected))

    def loss(rows: Tensor, generator: torch.Generator) -> Tensor:
        policy = Pair(
            answer_sums(lm, chosen[rows]), answer_sums(lm, rejected[rows])
        )
        before = Pair(reference.chosen[rows], reference.rejected[rows])
        pull = (
            dpo_loss(policy, before, settings["beta"])
            - settings["nll"] * policy.chosen
        )
        return pull.mean() + settings["dpo_stay"] * _plain(lm, plain, generator)

    return _fit(
        lm,
        loss,
        len(chosen),
        settings["dpo_epochs"],
        settings["dpo_lr"],
        settings,
        seed,
        progress,
    )


def _plain(
    lm: LM, plain: Anchor, generator: torch.Generator, n: int = 2
) -> Tensor:
    """Mean divergence on a few plain texts."""
    return plain.divergence(
        lm, torch.randint(len(plain.texts), (n,), generator=generator)
    ).mean()


@torch.no_grad()
def final_states(lm: LM, texts: Cached, batch: int = 32) -> Tensor:
    """The final residual stream (text, pos, d_model) under the model as it is, without gradient."""
    found = torch.zeros_like(texts.hidden)
    for rows in torch.arange(len(texts)).split(batch):
        part = run_upper(lm, texts[rows])
        found[rows, : part.shape[1]] = part
    return found


@torch.no_grad()
def reference_sums(lm: LM, texts: Cached, batch: int = 32) -> Tensor:
    """Summed log-probability of each answer under the model as it is, shape (text,), without gradient."""
    rows = torch.arange(len(texts)).split(batch)
    return torch.cat([answer_sums(lm, texts[part]) for part in rows])


def _fit(
    lm: LM,
    loss_fn: Callable[[Tensor, torch.Generator], Tensor],
    n: int,
    epochs: int,
    lr: float,
    settings: Mapping[str, Any],
    seed: int,
    progress: Progress,
) -> list[float]:
    """AdamW over whole epochs, batches drawn without replacement, the rate falling linearly to a tenth.

    loss_fn(rows, generator): a scalar loss of the texts of one batch.
    """
    parameters = [p for p in lm.model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(
        parameters, lr=lr, weight_decay=0.0, fused=True
    )
    generator = torch.Generator().manual_seed(seed)
    batches = [
        rows
        for _ in range(epochs)
        for rows in torch.randperm(n, generator=generator).split(
            settings["batch"]
        )
    ]
    losses = []
    for step, rows in enumerate(batches):
        for group in optimizer.param_groups:
            group["lr"] = lr * (1 - 0.9 * step / len(batches))
        loss = loss_fn(rows, generator)
        losses.append(descend(optimizer, loss, step, clip=1.0))
        progress((step + 1) / len(batches), f"loss {losses[-1]:.3f}")
    return losses
