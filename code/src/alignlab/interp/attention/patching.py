"""Activation patching: put an activation of one run into another, and see how far the answer follows.

Serves the survey's section 6.1, and the causal tracing of its section 6.3 (Meng et al. 2022; Wang et al. 2022,
"Interpretability in the wild"). A sweep over layers and positions asks for one forward pass a site. Most of that is
work done over: below the patched layer, and before the patched position, nothing has changed. So a sweep starts at the
patched layer, runs only the tokens from the patched position on, and puts the positions' branches side by side into one
row, whose mask lets a branch see itself and what stands before it in the unpatched run. Equal to one pass a site, up to
rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Literal

import torch
from torch import Tensor

from alignlab.lm import LM, capture, encode, patch
from alignlab.lm.checks import place_of
from alignlab.lm.generation import keep_logits
from alignlab.lm.scoring import Past, _cache
from alignlab.lm.stack import from_layer, stack_of

Part = Literal["resid", "attn.out", "mlp.out"]

ROW_TOKENS = 512  # tokens of branches that are run in one row


@torch.no_grad()
def patch_sweep(
    lm: LM,
    prompt: str | Sequence[int],
    source: str | Sequence[int],
    layers: Sequence[int] | None = None,
    positions: Sequence[int] | None = None,
    part: Part = "resid",
) -> Tensor:
    """Logits of the next token of `prompt` with one activation replaced by that of `source`, for each site.

    prompt, source: texts, or token ids, of equally many tokens.
    layers, positions: the sites, all of them by default; both may be negative, from the end.
    part: the residual stream after the layer, or what its attention or its MLP adds to it.
    Returns (layer, position, vocab) in float32. For models of Llama's family (a stack `model.layers` that reads
    `inputs_embeds` as they are). Raises ValueError where the two have different lengths, no site is asked for, or for
    another family; IndexError for a site that isn't there.
    """
    into, out_of = (
        list(encode(lm, text)) if isinstance(text, str) else list(text)
        for text in (prompt, source)
    )
    if len(into) != len(out_of):
        raise ValueError(
            f"the prompt has {len(into)} tokens, the source {len(out_of)}: a position must mean the same"
        )
    stack_of(lm).check_window(len(into) + 1)  # the cache keeps one less
    chosen = [
        place_of(layer, lm.n_layers, "layer")
        for layer in (range(lm.n_layers) if layers is None else layers)
    ]
    places = [
        place_of(p, len(into), "position")
        for p in (range(len(into)) if positions is None else positions)
    ]
    if not chosen or not places:
        raise ValueError(
            f"{len(chosen)} layers and {len(places)} positions: give at least one of each"
        )
    names = {layer: f"layers.{layer}.{part}" for layer in chosen}
    streams = {
        layer: "embed" if layer == 0 else f"layers.{layer - 1}.resid"
        for layer in chosen
    }
    new = capture(lm, [out_of], list(names.values()), positions="all")
    below = capture(
        lm, [into], list(dict.fromkeys(streams.values())), positions="all"
    )
    past = _keys_and_values(lm, into)
    rows = []
    for batch in _rows(places, len(into)):
        branch = torch.tensor(
            [(i, q) for i, p in enumerate(batch) for q in range(p, len(into))],
            device=lm.device,
        )
        owner, where = branch.T  # each token's branch and position
        starts = torch.tensor(batch, device=lm.device)
        heads = (where == starts[owner]).nonzero()[
            :, 0
        ]  # the patched token of each branch
        mask = _mask(owner, where, starts, len(into), lm.model.dtype)
        keep = keep_logits(lm, (where == len(into) - 1).nonzero()[:, 0])
        logits = []
        for layer in chosen:
            values = new[names[layer]][0, starts]  # (branch, d_model)
            with (
                patch(lm, {names[layer]: _placing(values, heads)}),
                from_layer(lm, layer),
            ):
                out = lm.model(
                    inputs_embeds=below[streams[layer]][:, where],
                    position_ids=where[None],
                    attention_mask=mask,
                    past_key_values=_cache(past),
                    use_cache=True,
                    **keep,
                )
            logits.append(out.logits[0].float())
        rows.append(torch.stack(logits))
    return torch.cat(rows, dim=1)


@torch.no_grad()
def patch_each(
    lm: LM,
    prompt: Sequence[int],
    source: Sequence[int],
    layers: Sequence[int],
    positions: Sequence[int],
    part: Part = "resid",
) -> Tensor:
    """What `patch_sweep` gives, in the plain way: one whole forward pass a site. Slow; the tests hold the two equal."""
    ids = torch.tensor([list(prompt)], device=lm.device)
    found = []
    for layer in layers:
        name = f"layers.{layer}.{part}"
        new = capture(lm, [list(source)], [name], positions="all")[name][0]
        for position in positions:
            place = place_of(position, ids.shape[1], "position")
            at = torch.tensor([place], device=lm.device)
            with patch(lm, {name: _placing(new[at], at)}):
                found.append(
                    lm.model(
                        input_ids=ids, use_cache=False, **keep_logits(lm, 1)
                    )
                    .logits[0, -1]
                    .float()
                )
    return torch.stack(found).unflatten(0, (len(layers), len(positions)))


def recovered(
    logits: Tensor, right: int, wrong: int, base: Tensor, goal: Tensor
) -> Tensor:
    """How far a patch moves the logit difference right - wrong, from that of the run it is made in to the source's.

    logits: (..., vocab); base, goal: (vocab,), the two runs without a patch. 0: nothing moved; 1: all of it.
    Raises ValueError where the two runs do not differ.
    """
    difference = logits[..., right] - logits[..., wrong]
    start, end = base[right] - base[wrong], goal[right] - goal[wrong]
    if start == end:
        raise ValueError(
            f"both runs have the logit difference {float(start)}: between them there is nothing to recover"
        )
    return (difference - start) / (end - start)


@torch.no_grad()
def next_logits(lm: LM, prompt: str | Sequence[int]) -> Tensor:
    """Logits of the next token, (vocab,), float32."""
    ids = encode(lm, prompt) if isinstance(prompt, str) else list(prompt)
    out = lm.model(
        input_ids=torch.tensor([ids], device=lm.device),
        use_cache=False,
        **keep_logits(lm, 1),
    )
    return out.logits[0, -1].float()


def _placing(values: Tensor, at: Tensor) -> Callable[[Tensor], Tensor]:
    """A patch that puts values (i, d_model) at the positions `at` (i,) of the one row of an activation."""

    def place(activation: Tensor) -> Tensor:
        activation = activation.clone()
        activation[0, at] = values
        return activation

    return place


def _rows(places: Sequence[int], length: int) -> Iterator[list[int]]:
    """The positions in batches whose branches, each from its position to the end, fit into one row."""
    batch: list[int] = []
    for place in places:
        if (
            batch
            and sum(length - p for p in batch) + length - place > ROW_TOKENS
        ):
            yield batch
            batch = []
        batch.append(place)
    yield batch


def _mask(
    owner: Tensor,
    where: Tensor,
    starts: Tensor,
    length: int,
    dtype: torch.dtype,
) -> Tensor:
    """Additive mask (1, 1, tokens, length + tokens): a token sees what stands before its branch, and its branch."""
    before = (
        torch.arange(length, device=where.device)[None] < starts[owner][:, None]
    )
    own = (owner[:, None] == owner[None]) & (where[None] <= where[:, None])
    visible = torch.cat([before, own], dim=1)
    mask = torch.zeros(visible.shape, dtype=dtype, device=where.device)
    return mask.masked_fill_(~visible, torch.finfo(dtype).min)[None, None]


def _keys_and_values(lm: LM, ids: Sequence[int]) -> Past:
    """Keys and values of each layer, (1, head, pos, d_head)."""
    out = lm.model(
        input_ids=torch.tensor([list(ids)], device=lm.device),
        use_cache=True,
        **keep_logits(lm, 1),
    )
    return [(layer.keys, layer.values) for layer in out.past_key_values.layers]
