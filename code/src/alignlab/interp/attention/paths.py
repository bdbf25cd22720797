"""What reaches the last token, through which heads and from which places: path, head and attribution patching.

Serves the survey's section 6.1. Two runs of a model differ somewhere before their common last token. Whatever the last
token learns of the difference, it learns through attention, from the keys and values of earlier places. So the last
token is run again by itself, with the earlier places' keys and values at hand, and one thing at a time is taken from
the other run: what is read at some places in some layers (`read_from`), or what some heads hand on (`put_heads`),
with other heads held where one asks what passes through them.

`read_from` is path patching (Wang et al. 2022, "Interpretability in the wild"; Goldowsky-Dill et al. 2023, "Localizing
model behavior with path patching") of the edges from places to the last token: what other places make of the
difference is left out. Wang et al. patch from a head to a head; here all heads of a layer read alike, since heads of
SmolLM2 share keys and values. `attributions` is attribution patching (Nanda 2023; Syed et al. 2023, "Attribution
patching outperforms automated circuit discovery"): the first-order estimate of `put_heads` for each head, all heads
from one gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from alignlab.interp.attention.heads import Head
from alignlab.lm import LM, patch
from alignlab.lm.masks import check_shapes
from alignlab.lm.scoring import Past, _cache


@dataclass(frozen=True)
class Run:
    """A model's run on prompts of one length, as its last token sees it.

    tokens: (prompt, pos). past: keys and values of each layer before the last
    token, (prompt, kv head, pos - 1, d_head). logits: of the next token,
    (prompt, vocab). z: the heads' outputs at the last token, (layer, prompt,
    d_model).
    """

    tokens: Tensor
    past: Past
    logits: Tensor
    z: Tensor

    def take(self, rows: list[int]) -> Run:
        """The same run with its prompts in another order."""
        past = [(keys[rows], values[rows]) for keys, values in self.past]
        return Run(self.tokens[rows], past, self.logits[rows], self.z[:, rows])


@dataclass(frozen=True)
class Edges:
    """What the last token is to read of another run: places (counted from 0),
    in these layers, as they were in `source`.
    """

    source: Run
    places: Collection[int]
    layers: Collection[int]

    def check(self, run: Run) -> None:
        """Raise IndexError for a place or a layer that a run doesn't have,
        ValueError where the source has another number of prompts.
        """
        _check_pair(run, self.source)
        width = min(run.tokens.shape[1], self.source.tokens.shape[1])
        last, n_layers = width - 1, len(run.past)
        wrong = [p for p in self.places if not 0 <= p < last]
        wrong += [layer for layer in self.layers if not 0 <= layer < n_layers]
        if wrong:
            raise IndexError(
                f"{wrong}: places are 0 to {last - 1}, layers 0 to "
                f"{n_layers - 1}"
            )

    def mixed(
        self, own: tuple[Tensor, Tensor], layer: int
    ) -> tuple[Tensor, Tensor]:
        """A layer's keys and values with these places taken from the source."""
        at = list(self.places)
        keys, values = (part.clone() for part in own)
        keys[:, :, at] = self.source.past[layer][0][:, :, at]
        values[:, :, at] = self.source.past[layer][1][:, :, at]
        return keys, values


@torch.no_grad()
def run_prompts(lm: LM, tokens: Tensor) -> Run:
    """Run token ids (prompt, pos) of prompts of one length, two tokens or more.

    Raises ValueError for shorter ones.
    """
    if tokens.ndim != 2 or tokens.shape[1] < 2:
        raise ValueError(
            f"tokens of shape {tuple(tokens.shape)}: give (prompt, pos), and "
            "two tokens at least, since the last one has to read something"
        )
    tokens = tokens.to(lm.device)
    out = lm.model(input_ids=tokens[:, :-1], use_cache=True, logits_to_keep=1)
    past = [(layer.keys, layer.values) for layer in out.past_key_values.layers]
    seen: dict[int, Tensor] = {}

    def keep(layer: int) -> Callable[[Tensor], Tensor]:
        def look(z: Tensor) -> Tensor:
            seen[layer] = z[:, -1]
            return z

        return look

    with patch(lm, _at_each(range(lm.n_layers), keep)):
        logits = _last(lm, tokens, past)
    z = torch.stack([seen[layer] for layer in range(lm.n_layers)])
    return Run(tokens, past, logits, z)


@torch.no_grad()
def read_from(lm: LM, run: Run, edges: Sequence[Edges]) -> Tensor:
    """Logits of the next token, (edges, prompt, vocab), where the last token
    reads some places, in some layers, as they were in another run.

    edges: what to read of which run; each is tried by itself. The last token
    alone reads the source; what stands between sees the prompt. Raises
    IndexError for a place or a layer that isn't there, ValueError for no edges
    or a source with another number of prompts.
    """
    if not edges:
        raise ValueError("no edges: give one at least")
    mixed: Past = []
    for edge in edges:
        edge.check(run)
    for layer, own in enumerate(run.past):
        rows = [
            edge.mixed(own, layer) if layer in edge.layers else own
            for edge in edges
        ]
        keys = torch.cat([row[0] for row in rows])
        mixed.append((keys, torch.cat([row[1] for row in rows])))
    logits = _last(lm, run.tokens.repeat(len(edges), 1), mixed)
    return logits.unflatten(0, (len(edges), -1))


@torch.no_grad()
def put_heads(
    lm: LM,
    run: Run,
    source: Run,
    sets: Sequence[Collection[Head]],
    held: Sequence[Collection[Head]] | None = None,
) -> Tensor:
    """Logits of the next token, (sets, prompt, vocab), with the outputs of a
    set of heads (layer, head) at the last token taken from the source's run.

    held: for each set, heads that give at the last token what they gave in the
    run itself, so that nothing of the patch can pass through them; by default
    none. A head in both is taken from the source. Raises ValueError for no
    sets, another number of held sets than of sets, or a source with another
    number of prompts; IndexError for a head that isn't there.
    """
    if not sets:
        raise ValueError("no sets of heads: give one at least, it may be empty")
    _check_pair(run, source)
    held = [[] for _ in sets] if held is None else held
    if len(held) != len(sets):
        raise ValueError(f"{len(sets)} sets of heads, {len(held)} to be held")
    n_heads = lm.model.config.num_attention_heads
    for layer, head in {head for heads in (*sets, *held) for head in heads}:
        if not (0 <= layer < lm.n_layers and 0 <= head < n_heads):
            raise IndexError(
                f"head {(layer, head)} isn't there: layers are 0 to "
                f"{lm.n_layers - 1}, heads 0 to {n_heads - 1}"
            )
    n = len(run.tokens)

    def put(layer: int) -> Callable[[Tensor], Tensor]:
        new = source.z[layer].unflatten(-1, (n_heads, -1))
        old = run.z[layer].unflatten(-1, (n_heads, -1))

        def place(z: Tensor) -> Tensor:
            parts = z[:, -1].unflatten(-1, (n_heads, -1)).clone()
            for i, (heads, kept) in enumerate(zip(sets, held)):
                rows = slice(i * n, (i + 1) * n)
                for values, group in ((old, kept), (new, heads)):
                    chosen = [head for at, head in group if at == layer]
                    parts[rows, chosen] = values[:, chosen]
            return parts.flatten(1)[:, None]

        return place

    touched = sorted({at for heads in (*sets, *held) for at, _ in heads})
    past = [
        (keys.repeat(len(sets), 1, 1, 1), values.repeat(len(sets), 1, 1, 1))
        for keys, values in run.past
    ]
    with patch(lm, _at_each(touched, put)):
        logits = _last(lm, run.tokens.repeat(len(sets), 1), past)
    return logits.unflatten(0, (len(sets), -1))


def attributions(
    lm: LM, run: Run, source: Run, right: Tensor, wrong: Tensor
) -> Tensor:
    """By how much putting a head's output from the source would change the
    logit difference right - wrong, to first order; (layer, prompt, head).

    right, wrong: token ids (prompt,). The gradient of the difference with
    respect to each head's output at the last token, times how much that output
    differs in the source: one forward and one backward pass for all heads.
    Raises ValueError where the source, `right` or `wrong` are not as many as
    the run's prompts.
    """
    _check_pair(run, source)
    check_shapes(run.tokens.shape[:1], right=right, wrong=wrong)
    n_heads = lm.model.config.num_attention_heads
    shift = torch.zeros_like(run.z, requires_grad=True)

    def add(layer: int) -> Callable[[Tensor], Tensor]:
        return lambda z: z + shift[layer][:, None]

    with (
        torch.enable_grad(),
        patch(lm, _at_each(range(lm.n_layers), add)),
    ):
        logits = _last(lm, run.tokens, run.past)
        rows = torch.arange(len(logits), device=lm.device)
        difference = logits[rows, right] - logits[rows, wrong]
        (slope,) = torch.autograd.grad(difference.sum(), shift)
    change = slope * (source.z - run.z)
    return change.unflatten(-1, (n_heads, -1)).sum(-1).detach()


def _check_pair(run: Run, source: Run) -> None:
    if len(run.tokens) != len(source.tokens):
        raise ValueError(
            f"{len(run.tokens)} prompts, and {len(source.tokens)} in the run "
            "to take from: give as many, in the same order"
        )


def _last(lm: LM, tokens: Tensor, past: Past) -> Tensor:
    """Logits after the last token, run by itself on what stands before it."""
    at = torch.full_like(tokens[:, -1:], tokens.shape[1] - 1)
    logits: Tensor = lm.model(
        input_ids=tokens[:, -1:],
        position_ids=at,
        past_key_values=_cache(past),
        use_cache=True,
    ).logits
    return logits[:, -1].float()


def _at_each(
    layers: Iterable[int],
    change: Callable[[int], Callable[[Tensor], Tensor]],
) -> dict[str, Callable[[Tensor], Tensor]]:
    return {f"layers.{layer}.attn.z": change(layer) for layer in layers}
