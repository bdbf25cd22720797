"""Part of a model run by itself: some layers, from and to the residual stream, or its upper part alone.

What lies below an intervention, or below the layers that are trained, need not be run again; the survey's rooms save
most of their time so. Layers, last norm and unembedding are found by the names that Llama and its relatives use; but
a model that has these names may do more with them: scale its embeddings or its logits, cap them, cut attention to a
window. So a model's parts are put together once and compared with its own forward pass, and a model that does more is
refused, never computed in part.
"""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from alignlab.lm.load import LM
from alignlab.lm.sites import network_of

PARTS = ("embed_tokens", "layers", "rotary_emb", "norm")
LOUD = 100.0  # the largest logit in the comparison: where caps would show

_equal: weakref.WeakSet[nn.Module] = (
    weakref.WeakSet()
)  # models that were compared


@dataclass(frozen=True)
class Stack:
    """A model's parts: embed -> layers -> norm -> head gives its logits, which was seen to be so.

    window: how many tokens back its layers attend, None for all.
    """

    name: str
    body: Any
    head: Any
    window: int | None

    def run(
        self,
        x: Tensor,
        positions: Tensor,
        mask: Tensor | None = None,
        first: int = 0,
        last: int | None = None,
    ) -> Tensor:
        """The residual stream (n, T, d_model) after layers first … last - 1, from the one that enters them.

        positions: (n, T) or (1, T). mask: added to the attention scores, (n, 1, T, T); None is a causal one.
        Raises ValueError for positions beyond the model's window.
        """
        self.check_window(int(positions.max()) + 1)
        turns = self.body.rotary_emb(x, positions)
        for layer in self.body.layers[first:last]:
            x = layer(
                x,
                attention_mask=mask,
                position_ids=positions,
                position_embeddings=turns,
                use_cache=False,
            )
            x = x[0] if isinstance(x, tuple) else x
        return x

    def logits(self, x: Tensor) -> Tensor:
        """Logits (…, vocab), float32, of residual streams (…, d_model) after the last layer."""
        logits: Tensor = self.head(self.body.norm(x))
        return logits.float()

    def check_window(self, tokens: int) -> None:
        """Raise ValueError where so many tokens exceed the window, which a mask of ours would override."""
        if self.window is not None and tokens > self.window:
            raise ValueError(
                f"{tokens} tokens exceed the window of {self.name}'s attention, {self.window}: shorten the text"
            )


def stack_of(lm: LM) -> Stack:
    """The model's parts, compared with its own forward pass the first time they are asked for.

    Raises ValueError where the model is not built like Llama, or does more than its parts would.
    """
    network = network_of(lm)[0]
    if network not in _equal:
        apart = _compare(network, lm.device)
        if apart:
            raise ValueError(
                f"{lm.name} is not built like Llama ({apart}): its layers can't be run singly, take a model of Llama's "
                "family"
            )
        _equal.add(network)
    return Stack(lm.name, network.model, network.lm_head, _window(network))


def same_stack(copied: nn.Module, of: nn.Module) -> None:
    """Note that a copy of a model whose parts were compared need not be compared again."""
    if of in _equal:
        _equal.add(copied)


@contextlib.contextmanager
def from_layer(lm: LM, first: int) -> Iterator[None]:
    """Within the block the model begins at layer `first`: what it is given as `inputs_embeds` is what that layer reads.

    Names of activations count from there: `layers.0` is layer `first`. For Llama and its relatives.
    Raises ValueError for another model, as `stack_of`.
    """
    body = stack_of(lm).body
    whole = body.layers
    if not 0 <= first <= len(whole):
        raise ValueError(
            f"layer {first} asked for, {lm.name} has {len(whole)}: give 0 to {len(whole)}"
        )
    body.layers = whole[first:]
    try:
        yield
    finally:
        body.layers = whole


def _window(network: Any) -> int | None:
    config = network.config.get_text_config()
    kinds = getattr(config, "layer_types", None)
    if kinds is not None and "sliding_attention" not in kinds:
        return None
    window: int | None = getattr(config, "sliding_window", None)
    return window


@torch.no_grad()
def _compare(network: Any, device: torch.device) -> str:
    """What sets a model apart from its parts put together, in a few words; "" where nothing does."""
    body: Any = getattr(network, "model", None)
    missing = [part for part in PARTS if not hasattr(body, part)]
    missing += [] if hasattr(network, "lm_head") else ["lm_head"]
    if missing:
        return f"it lacks {', '.join(missing)}"
    kinds = set(
        getattr(network.config.get_text_config(), "layer_types", None) or ()
    )
    if len(kinds) > 1:
        return (
            f"its layers are of {len(kinds)} kinds: {', '.join(sorted(kinds))}"
        )
    modes = {module: module.training for module in network.modules()}
    network.eval()
    try:
        vocab = body.embed_tokens.weight.shape[0]
        ids = (torch.arange(6, device=device) * (vocab // 7) + 3)[None] % vocab
        parts = Stack("", body, network.lm_head, None)
        places = torch.arange(ids.shape[1], device=device)[None]
        x = parts.run(body.embed_tokens(ids), places)
        gain = LOUD / parts.logits(x).abs().max().clamp(min=1e-30)
        hook = body.norm.register_forward_hook(
            lambda module, args, output: output * gain.to(output.dtype)
        )
        try:
            want = network(input_ids=ids, use_cache=False).logits.float()
            got = parts.logits(x)
        finally:
            hook.remove()
    except Exception as e:  # what a layer of another kind raises is its own
        return f"its parts don't fit: {(str(e) or type(e).__name__).splitlines()[0]}"
    finally:
        for module, training in modes.items():
            module.training = training
    off = float((want - got).abs().max())
    if off < (0.02 if network.dtype == torch.float32 else 5.0):
        return ""
    return f"its parts put together give other logits, by {off:.3g} of {LOUD:g}"
