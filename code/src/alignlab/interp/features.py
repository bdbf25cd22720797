"""A dictionary on a layer of a language model: activations to learn from, what it restores, and what its features mean.

Serves section 6.3. Loss recovered compares the model's loss with a layer replaced by its reconstruction with the loss
where the layer is replaced by its mean (Bricken et al. 2023; Cunningham et al. 2023). A feature is read by the
places in a text where it is most active.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from alignlab.interp.dictionary import Dictionary
from alignlab.lm import LM, capture, patch

SKIP = 4  # first tokens of a window, left out: the very first holds an activation some hundred times as long


class Example(NamedTuple):
    """A place where a feature is active: the text before, the token, the text after, and how active."""

    before: str
    token: str
    after: str
    activity: float


def windows(
    lm: LM, texts: Sequence[str], length: int = 128, most: int | None = None
) -> Tensor:
    """Token ids (window, length) of consecutive stretches of each text, the rest at its end left out.

    most: how many windows at most, taken evenly from all. Raises ValueError where no text is long enough.
    """
    rows: list[list[int]] = []
    for text in texts:
        ids = lm.tokenizer(text, add_special_tokens=False, verbose=False)[
            "input_ids"
        ]
        rows += [
            ids[at : at + length]
            for at in range(0, len(ids) - length + 1, length)
        ]
    if not rows:
        raise ValueError(f"none of {len(texts)} texts has {length} tokens")
    if most is not None and len(rows) > most:
        rows = [
            rows[i] for i in np.linspace(0, len(rows) - 1, most).astype(int)
        ]
    return torch.tensor(rows)


def layer_activations(lm: LM, tokens: Tensor, layer: int) -> Tensor:
    """The residual stream after a layer for windows of tokens (window, pos): (window, pos - SKIP, d), float32."""
    name = f"layers.{layer}.resid"
    return capture(lm, tokens, [name], positions="all")[name][:, SKIP:].float()


def scale_of(activations: Tensor) -> float:
    """Root mean squared length of activations (…, d) around their mean; dividing by it makes them of size 1."""
    flat = activations.flatten(0, -2)
    return float((flat - flat.mean(0)).square().sum(-1).mean().sqrt())


def losses(
    lm: LM, tokens: Tensor, layer: int | None = None, replace: Any = None
) -> float:
    """Mean loss in nats a token of predicting windows (window, pos), the first SKIP positions left out.

    replace: activations (batch, pos, d) -> the same, put in the place of the residual stream after `layer` from
        position SKIP on; None leaves the model as it is.
    """

    def change(x: Tensor) -> Tensor:
        return torch.cat([x[:, :SKIP], replace(x[:, SKIP:])], dim=1)

    total, changes = (
        0.0,
        {} if replace is None else {f"layers.{layer}.resid": change},
    )
    with torch.no_grad(), patch(lm, changes):
        for row in tokens.split(8):
            logits = lm.model(
                input_ids=row.to(lm.device), use_cache=False
            ).logits[:, SKIP:-1]
            total += float(
                F.cross_entropy(
                    logits.flatten(0, 1).float(),
                    row[:, SKIP + 1 :].flatten(),
                    reduction="sum",
                )
            )
    return total / tokens[:, SKIP + 1 :].numel()


def loss_recovered(plain: float, replaced: float, mean: float) -> float:
    """Share of the loss between `mean` (the layer replaced by its mean) and `plain` that a reconstruction restores."""
    return (mean - replaced) / (mean - plain)


def reconstruction(model: Dictionary, scale: float) -> Any:
    """A dictionary as a function of the layer's own activations (…, d), which it scales and scales back."""

    def restore(x: Tensor) -> Tensor:
        with torch.no_grad():
            return (
                model.decode(model.encode(x.flatten(0, -2) / scale)).view(
                    x.shape
                )
                * scale
            )

    return restore


def top_examples(
    lm: LM,
    tokens: Tensor,
    activity: Tensor,
    count: int = 6,
    around: tuple[int, int] = (12, 4),
) -> list[Example]:
    """The places where a feature is most active, one a window, the most active first.

    tokens: (window, pos); activity: of one feature, (window, pos - SKIP). around: tokens shown before and after.
    """
    best, where = activity.max(-1)
    found = []
    for window in best.argsort(descending=True)[:count].tolist():
        if best[window] <= 0:
            break
        at = int(where[window]) + SKIP
        row, (left, right) = tokens[window].tolist(), around
        parts = (
            row[max(0, at - left) : at],
            row[at : at + 1],
            row[at + 1 : at + 1 + right],
        )
        before, token, after = (
            str(lm.tokenizer.decode(part)) for part in parts
        )
        found.append(Example(before, token, after, float(best[window])))
    return found


def dictionary_bytes(model: Dictionary, scale: float) -> bytes:
    """A dictionary as a safetensors file in half precision, with the scale of the activations it was learned from."""
    from safetensors.torch import save

    names = ("encoder", "bias", "decoder", "center", "threshold")
    parts = {name: getattr(model, name).half().contiguous() for name in names}
    return save(
        parts,
        metadata={"kind": model.kind, "k": str(model.k), "scale": repr(scale)},
    )


def load_dictionary(path: Path) -> tuple[Dictionary, float]:
    """Read a file of `dictionary_bytes`: the dictionary in float32, and the scale."""
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        told = file.metadata()
        parts = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
    kind: Any = told["kind"]
    return Dictionary(kind, int(told["k"]), **parts), float(told["scale"])


def principal(activations: Tensor, k: int) -> Dictionary:
    """The k principal components of activations (n, d) as a dictionary that always uses all of them: the control."""
    center = activations.mean(0)
    rows = torch.linalg.svd(activations - center, full_matrices=False)[2][:k]
    both = torch.cat(
        [rows, -rows]
    )  # an activity is never negative, so each direction is there twice
    zeros = torch.zeros(2 * k)
    return Dictionary("l1", 0, both.T.contiguous(), zeros, both, center, zeros)
