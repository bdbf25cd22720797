"""A dictionary on a layer of a language model: activations to learn from, what it restores, and what its features mean.

Serves section 6.3. Loss recovered compares the model's loss with a layer replaced by its reconstruction with the loss
where the layer is replaced by its mean (Bricken et al. 2023; Cunningham et al. 2023 use the same share). A feature is
read by the places in a text where it is most active. What else restores activations from few numbers (principal
components, units picked greedily among the activations themselves) and data without features (Gaussian noise of the
same covariance) stand beside it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from alignlab.interp.dictionary import Dictionary
from alignlab.lm import LM, capture
from alignlab.lm.stack import stack_of

SKIP = 4  # first tokens of a window, left out: the very first holds an activation some hundred times as long
PARTS = ("encoder", "bias", "decoder", "center", "threshold")  # of a file


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
    """The residual stream after a layer for windows of tokens (window, pos): (window, pos, d), float32."""
    name = f"layers.{layer}.resid"
    return capture(lm, tokens, [name], positions="all")[name].float()


def scale_of(activations: Tensor) -> float:
    """Root mean squared length of activations (…, d) around their mean; dividing by it makes them of size 1."""
    flat = activations.flatten(0, -2)
    return float((flat - flat.mean(0)).square().sum(-1).mean().sqrt())


def loss_from(lm: LM, tokens: Tensor, stream: Tensor, layer: int) -> float:
    """Mean loss in nats a token on windows (window, pos) when the model goes on from a given residual stream.

    stream: what stands after `layer`, (window, pos, d); the layers above it are run. The first SKIP positions are left
    out of the mean.
    """
    total = 0.0
    for row, x in zip(tokens.split(8), stream.split(8)):
        logits = logits_from(lm, x, layer)[:, SKIP:-1]
        target = row[:, SKIP + 1 :]
        total += float(
            F.cross_entropy(
                logits.flatten(0, 1), target.flatten(), reduction="sum"
            )
        )
    return total / tokens[:, SKIP + 1 :].numel()


def logits_from(lm: LM, stream: Tensor, layer: int) -> Tensor:
    """Logits (window, pos, vocab) of a model that goes on from a residual stream (window, pos, d) after a layer."""
    stack = stack_of(lm)
    places = torch.arange(stream.shape[1])[None]
    with torch.no_grad():
        return stack.logits(stack.run(stream, places, first=layer + 1))


def replaced(
    stream: Tensor, restore: Callable[[Tensor], Tensor], scale: float = 1.0
) -> Tensor:
    """A residual stream (window, pos, d) with `restore` applied to all positions but the first SKIP.

    restore: activations (n, d) divided by `scale` -> as many, which are scaled back.
    """
    kept, rest = stream[:, :SKIP], stream[:, SKIP:]
    new = restore(rest.flatten(0, 1) / scale) * scale
    return torch.cat([kept, new.view_as(rest)], dim=1)


def loss_recovered(plain: float, replaced: float, mean: float) -> float:
    """Share of the loss between `mean` (the layer replaced by its mean) and `plain` that a reconstruction restores.

    Raises ValueError where the mean costs nothing, so that there is nothing to restore.
    """
    if not mean > plain:
        raise ValueError(
            f"the loss with the mean, {mean}, is not above the plain one, "
            f"{plain}: nothing to recover"
        )
    return (mean - replaced) / (mean - plain)


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

    parts = {name: getattr(model, name).half().contiguous() for name in PARTS}
    return save(
        parts,
        metadata={"kind": model.kind, "k": str(model.k), "scale": repr(scale)},
    )


def load_dictionary(path: Path) -> tuple[Dictionary, float]:
    """Read a file of `dictionary_bytes`: the dictionary in float32, and the scale.

    Raises ValueError for a file that is another or was cut.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            told = file.metadata() or {}
            parts = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise ValueError(
            f"{path} can't be read ({error}): it may be cut, or a pointer"
        ) from error
    missing = {"kind", "k", "scale"}.difference(told)
    if missing or set(parts) != set(PARTS):
        raise ValueError(
            f"{path} is no dictionary: it holds {', '.join(sorted(parts))}"
        )
    parts = {name: part.float() for name, part in parts.items()}
    kind: Any = told["kind"]
    return Dictionary(kind, int(told["k"]), **parts), float(told["scale"])


def principal(activations: Tensor, k: int) -> Dictionary:
    """The k principal components of activations (n, d) as a dictionary that always uses all of them.

    Raises ValueError unless k is 1 to d.
    """
    if not 0 < k <= activations.shape[-1]:
        raise ValueError(
            f"k={k}: there are 1 to {activations.shape[-1]} components"
        )
    center = activations.mean(0)
    covariance = (activations - center).T @ (activations - center)
    rows = torch.linalg.eigh(covariance)[1][:, -k:].T
    both = torch.cat(
        [rows, -rows]
    )  # an activity is never negative, so each direction is there twice
    zeros = torch.zeros(2 * k)
    return Dictionary("l1", 0, both.T.contiguous(), zeros, both, center, zeros)


def as_many_bits(features: int, k: int, bits: int = 16) -> int:
    """How many principal components take as many bits a token as k active features of so many.

    Each component is one number of `bits`; an active feature is a number, and which ones are active has to be said as
    well, log2 of the number of choices.
    """
    return k + round(math.log2(math.comb(features, k)) / bits)


def gaussian_like(activations: Tensor, many: int, seed: int) -> Tensor:
    """Gaussian noise (many, d) with the mean and the covariance of activations (n, d) and no other structure."""
    center = activations.mean(0)
    rows = activations - center
    spectrum, axes = torch.linalg.eigh(rows.T @ rows / len(rows))
    noise = torch.randn(
        many, len(center), generator=torch.Generator().manual_seed(seed)
    )
    return center + (noise * spectrum.clamp_min(0).sqrt()) @ axes.T


def greedy(units: Tensor, center: Tensor, x: Tensor, k: int) -> Tensor:
    """Activations (n, d) restored from k of some units (features, d) each, picked greedily (Pati et al. 1993).

    Orthogonal matching pursuit: take the unit with the largest cosine with what is left, fit all units taken so far by
    least squares, repeat. A unit may enter with either sign. center (d,) is subtracted before and added after.
    Raises ValueError for more units than there are dimensions, which no fit tells apart, or than there are units.
    """
    most = min(units.shape)
    if not 0 <= k <= most:
        raise ValueError(f"k={k} units of {tuple(units.shape)}: 0 to {most}")
    units = F.normalize(units, dim=-1)
    rows = x - center
    left = rows
    taken = torch.zeros(len(rows), 0, dtype=torch.long)
    basis: list[Tensor] = []  # directions at right angles, (n, d) each
    for _ in range(k):
        fit = (left @ units.T).abs().scatter(1, taken, -1.0)
        taken = torch.cat([taken, fit.argmax(1, keepdim=True)], dim=1)
        new = units[taken[:, -1]]
        for way in basis:
            new = new - (new * way).sum(1, keepdim=True) * way
        basis.append(F.normalize(new, dim=1))
        left = left - (left * basis[-1]).sum(1, keepdim=True) * basis[-1]
    return x - left
