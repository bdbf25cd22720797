"""The same attack where input is continuous: the words of a suffix are moved a little, in any direction.

Serves survey section 7.3. An image enters a chat model as vectors, and a vector has a gradient. Carlini et al. 2023
(arXiv 2306.15447) and Qi et al. 2023 (arXiv 2306.13213) break aligned models through images by projected gradient
descent, where attacks on text had failed. The guide has no eyes: its suffix's embeddings stand in for an image's.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from alignlab.lm import TinyTransformer
from alignlab.toys.museum import ID, SUFFIX_WORDS, Requests, ask


def word_distance(model: TinyTransformer) -> float:
    """Mean distance from a word's embedding to the nearest other word's: the unit for a suffix's displacement."""
    table = model.embed.weight.detach()[SUFFIX_WORDS]
    apart = torch.cdist(table, table).fill_diagonal_(float("inf"))
    return apart.min(1).values.mean().item()


def soft_suffix(
    model: TinyTransformer,
    requests: Requests,
    suffix: Tensor,
    radius: float,
    steps: int = 10,
    shared: bool = False,
) -> Tensor:
    """Displacements of the suffix's embeddings that make the guide begin
    `sure ROOM`, one set for each request.

    Projected gradient descent: normalized steps of a quarter of the radius,
    each word kept within `radius` of where it was. suffix: token ids (length,).
    radius: Euclidean, in units of the embedding. shared: one set for all
    requests, as Qi et al. search one image for a few sentences.
    Returns shape (requests, length, d_model), with shared=True (1, ...).
    """
    length = len(suffix)
    sets = 1 if shared else len(requests)
    moved = torch.zeros(sets, length, model.config.d_model, requires_grad=True)
    for _ in range(steps):
        losses = F.cross_entropy(
            _logits(model, requests, suffix, moved).transpose(1, 2),
            _targets(requests),
        )
        slope = torch.autograd.grad(losses, moved)[0]
        with torch.no_grad():
            ahead = moved - radius / 4 * slope / slope.norm(
                dim=-1, keepdim=True
            ).clamp_min(1e-12)
            moved = ahead * (
                radius / ahead.norm(dim=-1, keepdim=True).clamp_min(1e-12)
            ).clamp_max(1)
        moved.requires_grad_()
    return moved.detach()


@torch.no_grad()
def random_nudges(
    model: TinyTransformer,
    requests: Requests,
    suffix: Tensor,
    radius: float,
    tries: int,
    generator: torch.Generator,
) -> Tensor:
    """The best of `tries` random displacements for each request, every word
    moved by `radius`: what `soft_suffix` does, without a gradient.

    Returns shape (requests, length, d_model).
    """
    shape = (len(requests), len(suffix), model.config.d_model)
    best, lowest = torch.zeros(shape), torch.full(shape[:1], torch.inf)
    for _ in range(tries):
        drawn = torch.randn(shape, generator=generator)
        drawn = drawn * radius / drawn.norm(dim=-1, keepdim=True)
        logits = _logits(model, requests, suffix, drawn).transpose(1, 2)
        losses = F.cross_entropy(logits, _targets(requests), reduction="none")
        better = losses.sum(1) < lowest
        best[better], lowest[better] = drawn[better], losses.sum(1)[better]
    return best


@torch.no_grad()
def complies_softly(
    model: TinyTransformer, requests: Requests, suffix: Tensor, moved: Tensor
) -> Tensor:
    """Whether the guide's greedy answer is `sure` and the right room after the displaced suffix: bool (requests,)."""
    return (
        _logits(model, requests, suffix, moved).argmax(-1) == _targets(requests)
    ).all(1)


@torch.no_grad()
def nearest_words(
    model: TinyTransformer, suffix: Tensor, moved: Tensor
) -> Tensor:
    """The words that a displaced suffix is nearest to: token ids (requests, length)."""
    at = model.embed(suffix) + moved
    return SUFFIX_WORDS[
        torch.cdist(
            at, model.embed.weight[SUFFIX_WORDS].expand(len(at), -1, -1)
        ).argmin(-1)
    ]


def _targets(requests: Requests) -> Tensor:
    """`sure ROOM` for each request, (requests, 2)."""
    return torch.stack(
        [torch.full_like(requests.answers, ID["sure"]), requests.answers], 1
    )


def _logits(
    model: TinyTransformer, requests: Requests, suffix: Tensor, moved: Tensor
) -> Tensor:
    """Logits at the answer's two tokens, (requests, 2, vocabulary)."""
    prompts = torch.cat(
        [ask(requests, suffix[None])[0], _targets(requests)[:, :1]], 1
    )
    x = model.embed(prompts)
    first = requests.tokens.shape[1]
    x = torch.cat(
        [
            x[:, :first],
            x[:, first : first + len(suffix)] + moved,
            x[:, first + len(suffix) :],
        ],
        1,
    )
    for layer in model.layers:
        x = layer(x)
    return model.unembed(model.norm(x[:, -2:]))
