"""A step of GRPO on a real language model that reads its prompt once.

Serves the survey's section 4.3.1. Shao et al. (2024) draw a group of answers to one prompt. The plain way runs the
prompt once for every answer, when it draws and again when it trains, and a second time for the log-probabilities at
which the answers were drawn. Here the prompt is read once for the whole group, its keys and values are shared by all
answers (with gradient, where there is one), only the answers' tokens are unembedded, and since a batch used once is
on-policy, the ratio is 1 and the old log-probabilities are the new ones held constant.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn
from transformers import DynamicCache, PreTrainedConfig

from alignlab.lm.checks import check_drawable, check_numbers, tempered
from alignlab.lm.masks import masked
from alignlab.lm.training import clip_finite
from alignlab.outer.policy_gradients import grpo_advantages, grpo_loss
from alignlab.outer.ppo import response_mask

Score = Callable[
    [Tensor, Tensor], Tensor
]  # answers (k, T) and their mask (k, T) -> rewards (k,)


class Group(NamedTuple):
    """k answers to one prompt."""

    prompt: Tensor  # (P,) token ids
    tokens: Tensor  # (k, T)
    mask: Tensor  # (k, T), True up to the stop token, that included


def _cache(model: nn.Module) -> DynamicCache:
    return DynamicCache(config=cast(PreTrainedConfig, model.config))


@torch.no_grad()
def draw_group(
    model: nn.Module,
    prompt: Tensor,
    k: int,
    length: int,
    stop: int,
    generator: torch.Generator,
    temperature: float = 1.0,
) -> Group:
    """k answers of at most `length` tokens to one prompt (P,), drawn with the
    prompt's cache repeated k times.

    Answers that have ended are filled with the stop token; drawing ends when
    all have. temperature 0 takes the likeliest token each time. Raises
    ValueError for a prompt, k or length of 0, or a temperature that can't be
    used.
    """
    if not (prompt.ndim == 1 and len(prompt) and k > 0 and length > 0):
        raise ValueError(
            f"prompt of shape {tuple(prompt.shape)}, k={k}, length={length}: "
            "give token ids (P,), and at least one "
            "answer of at least one token"
        )
    out = model(
        input_ids=prompt[None], past_key_values=_cache(model), logits_to_keep=1
    )
    cache, logits = out.past_key_values, out.logits[:, -1].expand(k, -1)
    cache.batch_repeat_interleave(k)
    drawn: list[Tensor] = []
    ended = torch.zeros(k, dtype=torch.bool, device=prompt.device)
    for t in range(length):
        cumulative = (
            tempered(logits.double(), temperature).softmax(-1).cumsum(-1)
        )
        check_drawable(cumulative[:, -1])
        u = (
            torch.rand(k, 1, dtype=torch.float64, generator=generator).to(
                prompt.device
            )
            * cumulative[:, -1:]
        )
        token = torch.searchsorted(cumulative, u, right=True).clamp(
            max=cumulative.shape[1] - 1
        )[:, 0]
        drawn.append(torch.where(ended, stop, token))
        ended = ended | (token == stop)
        if t + 1 == length or ended.all():
            break
        out = model(
            input_ids=drawn[-1][:, None],
            past_key_values=cache,
            logits_to_keep=1,
        )
        logits = out.logits[:, -1]
    tokens = torch.stack(drawn, dim=1)
    return Group(prompt, tokens, response_mask(tokens, 0, stop))


def answer_logits(model: nn.Module, prompt: Tensor, tokens: Tensor) -> Tensor:
    """Logits of every answer token, (k, T, vocab), the prompt (P,) run once for
    all k answers; with gradient.
    """
    out = model(
        input_ids=prompt[None], past_key_values=_cache(model), logits_to_keep=1
    )
    cache, first = (
        out.past_key_values,
        out.logits[:, -1:].expand(len(tokens), -1, -1),
    )
    if tokens.shape[1] == 1:
        return first
    cache.batch_repeat_interleave(len(tokens))
    rest = model(input_ids=tokens[:, :-1], past_key_values=cache).logits
    return torch.cat([first, rest], dim=1)


def answer_logprobs(model: nn.Module, group: Group) -> Tensor:
    """Each answer token's log-probability, (k, T), 0 outside the mask; with
    gradient.
    """
    logits = answer_logits(model, group.prompt, group.tokens).float()
    picked = logits.gather(-1, group.tokens[..., None]).squeeze(
        -1
    ) - logits.logsumexp(-1)
    return masked(picked, group.mask)


def grpo_step(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    groups: list[Group],
    rewards: Tensor,
) -> float:
    """One on-policy update from groups just drawn; returns the loss.

    rewards: (group, k). Token-level mean as in DAPO (Yu et al. 2025), no KL
        term; the groups' gradients are summed one at a time, so that memory
        holds one group's graph. Raises ValueError where groups and rewards
        don't go together or a reward is not a finite number, FloatingPointError
        where a group's loss or the gradient is not finite; the weights are then
        as before.
    """
    sizes = [len(group.tokens) for group in groups]
    if not groups or [*map(len, rewards)] != sizes:
        raise ValueError(
            f"{len(groups)} groups of {sizes} answers, rewards of shape "
            f"{tuple(rewards.shape)}: give one reward for "
            "each answer of each group, and at least one group"
        )
    every = grpo_advantages(rewards)
    total = sum(int(group.mask.sum()) for group in groups)
    loss = 0.0
    optimizer.zero_grad()
    for number, (group, advantages) in enumerate(zip(groups, every)):
        logp = answer_logprobs(model, group)
        part = grpo_loss(
            logp, logp.detach(), advantages, group.mask, count="token"
        ) * (group.mask.sum() / total)
        check_numbers(part.detach(), f"the loss of group {number}")
        part.backward()
        loss += float(part.detach())
    norm = clip_finite(optimizer)
    if not math.isfinite(norm):
        raise FloatingPointError(
            f"the gradient's norm is {norm} in a step of {len(groups)} groups "
            f"(loss {loss:.6g}): look at their tokens "
            "and rewards, or lower the learning rate"
        )
    optimizer.step()
    return loss
