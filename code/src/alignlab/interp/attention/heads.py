"""Attention heads: where they look, what they copy, and what is lost without them.

Serves the survey's section 6.1. The scores are those of Olsson et al. (2022, "In-context learning and induction
heads") and Elhage et al. (2021, "A mathematical framework for transformer circuits"); they work for a loaded `LM`,
grouped key and value heads included, and for a `TinyTransformer`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from alignlab.lm import LM, patch
from alignlab.lm.sites import network_of
from alignlab.lm.stack import stack_of

Head = tuple[int, int]  # layer and head, both counted from 0


def random_repeats(
    n: int, period: int, vocab: int, seed: int, times: int = 2
) -> Tensor:
    """n sequences of `period` random tokens, each said `times` times over: (n, times * period).

    Nothing but the repetition can predict them, so a loss that falls in the second half was learned in context.
    """
    block = torch.from_numpy(
        np.random.default_rng(seed).integers(0, vocab, (n, period))
    )
    return block.repeat(1, times)


@torch.no_grad()
def attention_patterns(model: LM | nn.Module, tokens: Tensor) -> Tensor:
    """Attention weights (layer, batch, head, query, key) on token ids (batch, pos); each row of keys sums to 1.

    A loaded model is run with its plain ("eager") attention, since the fused ones never make the weights.
    """
    if isinstance(model, LM):
        before = model.model.config._attn_implementation
        model.model.set_attn_implementation("eager")
        try:
            out = network_of(model)[0].base_model(
                input_ids=tokens.to(model.device),
                output_attentions=True,
                use_cache=False,
            )
        finally:
            model.model.set_attn_implementation(before)
        return torch.stack(out.attentions)
    network: Any = model
    found: list[Tensor] = []
    with contextlib.ExitStack() as stack:
        for layer in network.layers:
            hook = layer.attn.pattern.register_forward_hook(
                lambda module, args, weights: found.append(weights)
            )
            stack.callback(hook.remove)
        network(tokens)
    return torch.stack(found)


def prefix_matching(patterns: Tensor, tokens: Tensor) -> Tensor:
    """Each head's prefix-matching score, shape (layer, head) (Olsson et al. 2022).

    The share of attention that a token which has occurred before gives to the tokens right after its earlier
    occurrences: what an induction head does. patterns: (layer, batch, head, query, key); tokens: (batch, pos).
    Raises ValueError where no token occurs twice.
    """
    follows = F.pad(
        tokens[:, :, None] == tokens[:, None, :-1], (1, 0)
    ).tril()  # (batch, query, key)
    asked = follows.any(-1)
    if not asked.any():
        raise ValueError(
            "no token occurs twice: prefix matching needs sequences that repeat something"
        )
    on_target = (patterns * follows[None, :, None]).sum(
        -1
    )  # (layer, batch, head, query)
    return on_target.transpose(1, 2)[:, :, asked].mean(-1)


def previous_token(patterns: Tensor) -> Tensor:
    """Each head's mean attention from a token to the one right before it, shape (layer, head)."""
    return patterns.diagonal(-1, -2, -1).mean((1, 3))


def duplicate_token(patterns: Tensor, tokens: Tensor) -> Tensor:
    """Each head's attention from a token that has occurred before to its earlier occurrences, shape (layer, head).

    What a duplicate-token head does (Wang et al. 2022): it finds the match, as an induction head does, and stops there.
    Raises ValueError where no token occurs twice.
    """
    same = (tokens[:, :, None] == tokens[:, None]).tril(-1)
    asked = same.any(-1)
    if not asked.any():
        raise ValueError("no token occurs twice: there is no duplicate to find")
    on_target = (patterns * same[None, :, None]).sum(-1)
    return on_target.transpose(1, 2)[:, :, asked].mean(-1)


@torch.no_grad()
def copying(model: LM | nn.Module) -> Tensor:
    """Each head's copying score, shape (layer, head): sum of the OV circuit's eigenvalues over that of their sizes.

    The circuit token -> W_E -> W_V -> W_O -> W_U -> logits has vocab x vocab entries and rank d_head; its nonzero
    eigenvalues are those of a d_head x d_head matrix (Elhage et al. 2021). 1 raises the tokens it reads (copies), -1
    lowers them. The weights of the norms before the head and before the unembedding are folded in.
    Raises ValueError for models that are not built like Llama.
    """
    if isinstance(model, LM):
        parts = stack_of(model)
        inner, config = parts.body, parts.body.config
        embed, unembed = inner.embed_tokens.weight, parts.head.weight
        block = inner.layers[0]
        for part in ("input_layernorm", "self_attn.v_proj", "self_attn.o_proj"):
            try:
                block.get_submodule(part)
            except AttributeError:
                raise ValueError(
                    f"{model.name} is not built like Llama (its layers lack {part}): a head's circuit can't be read off"
                ) from None
        layers = [
            (layer.input_layernorm, layer.self_attn) for layer in inner.layers
        ]
        heads, groups = (
            config.num_attention_heads,
            config.num_attention_heads // config.num_key_value_heads,
        )
        final = inner.norm.weight
    else:
        network: Any = model
        embed, unembed, final = (
            network.embed.weight,
            network.unembed.weight,
            network.norm.weight,
        )
        layers = [(layer.attn_norm, layer.attn) for layer in network.layers]
        heads, groups = network.config.n_heads, 1
    through = (
        embed.T @ unembed * final
    )  # (d_model in, d_model out): sum over tokens
    scores = torch.zeros(len(layers), heads)
    for i, (norm, attention) in enumerate(layers):
        values = (
            attention.v_proj.weight.unflatten(0, (heads // groups, -1))
            * norm.weight
        )  # (kv head, d_head, d_model)
        outputs = attention.o_proj.weight.unflatten(
            1, (heads, -1)
        )  # (d_model, head, d_head)
        for head in range(heads):
            eigenvalues = torch.linalg.eigvals(
                values[head // groups] @ through @ outputs[:, head]
            )
            scores[i, head] = eigenvalues.real.sum() / eigenvalues.abs().sum()
    return scores


@contextlib.contextmanager
def ablate_heads(
    model: LM | nn.Module, heads: Iterable[Head]
) -> Iterator[None]:
    """Within the block, each of the heads gives at every token its mean output over all tokens of the batch.

    What the head says on average stays, what depends on the token is gone. Raises KeyError for an unknown layer.
    """
    n_heads = (
        model.model.config.num_attention_heads
        if isinstance(model, LM)
        else _n_heads(model)
    )
    by_layer: dict[int, list[int]] = {}
    for layer, head in heads:
        by_layer.setdefault(layer, []).append(head)

    def averaging(chosen: list[int]) -> Callable[[Tensor], Tensor]:
        def average(z: Tensor) -> Tensor:
            parts = z.unflatten(
                -1, (n_heads, -1)
            ).clone()  # (batch, pos, head, d_head)
            parts[:, :, chosen] = parts[:, :, chosen].mean((0, 1))
            return parts.flatten(2)

        return average

    with patch(
        model,
        {
            f"layers.{layer}.attn.z": averaging(chosen)
            for layer, chosen in by_layer.items()
        },
    ):
        yield


def _n_heads(model: Any) -> int:
    return int(model.config.n_heads)


def best_heads(scores: Tensor, k: int) -> list[Head]:
    """The k heads of highest score (layer, head), best first."""
    return [
        (int(i) // scores.shape[1], int(i) % scores.shape[1])
        for i in scores.flatten().topk(k).indices
    ]


def layer_mates(heads: Iterable[Head], scores: Tensor, seed: int) -> list[Head]:
    """For each of the heads another one of its layer, drawn at random among those that are not in `heads`.

    scores: (layer, head), of which only the shape counts. A layer with too few others gives all that it has.
    """
    taken = list(heads)
    rng = np.random.default_rng(seed)
    found: list[Head] = []
    for layer in sorted({layer for layer, _ in taken}):
        free = [h for h in range(scores.shape[1]) if (layer, h) not in taken]
        wanted = min(sum(at == layer for at, _ in taken), len(free))
        drawn = rng.choice(free, wanted, replace=False)
        found += [(layer, int(head)) for head in drawn]
    return found


def random_heads(
    scores: Tensor, k: int, seed: int, without: Iterable[Head] = ()
) -> list[Head]:
    """k heads drawn at random from a grid of shape `scores.shape`, none of them in `without`."""
    barred = set(without)
    grid = [
        (layer, head)
        for layer in range(scores.shape[0])
        for head in range(scores.shape[1])
    ]
    free = [head for head in grid if head not in barred]
    return [
        free[i]
        for i in np.random.default_rng(seed).choice(len(free), k, replace=False)
    ]


@torch.no_grad()
def repeat_losses(
    model: LM | nn.Module, tokens: Tensor, period: int
) -> tuple[Tensor, Tensor]:
    """Mean loss (nats a token) of each sequence where it is new and where it repeats itself, each (batch,).

    tokens: (batch, pos), every row said over after `period` tokens. The first token of a repetition can't be
    foreseen, and counts for neither.
    """
    network = model.model if isinstance(model, LM) else model
    out = (
        network(tokens.to(model.device), use_cache=False).logits
        if isinstance(model, LM)
        else network(tokens)
    )
    loss = F.cross_entropy(
        out[:, :-1].transpose(1, 2),
        tokens[:, 1:].to(out.device),
        reduction="none",
    )
    return loss[:, : period - 1].mean(1), loss[:, period:].mean(1)
