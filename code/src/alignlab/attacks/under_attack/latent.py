"""Push the residual stream away from refusal, and train a model that refuses all the same.

Serves survey section 7.3. Sheshadri et al. 2024, "Latent Adversarial Training Improves Robustness to Persistent
Harmful Behaviors in LLMs" (arXiv 2407.15549): a perturbation of bounded length is searched in a hidden layer, at the
positions of the prompt, that makes the unwanted answer likely, and the model is trained to give the wanted one under
it, beside ordinary data on which it shall stay as it is. The paper perturbs several layers and has a target for both
answers; here it is one layer, and the adversary lowers the probability of declining.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from alignlab.attacks.under_attack.stream import Rows
from alignlab.attacks.under_attack.tune import Lessons, lacks
from alignlab.lm import LM, train

STAY = 2.0  # weight of the answers that are kept, against that of the refusals


def prompt_positions(rows: Rows) -> Tensor:
    """Where each row's own prompt stands, from its first word to the place before the answer; bool (row, pos)."""
    at = torch.arange(rows.ids.shape[1], device=rows.ids.device)
    return at <= rows.ends[:, None]


def pushed(rows: Rows, push: Tensor) -> Rows:
    """The rows with a push (row, pos, d_model) added to what enters the layer.

    Before layer 0 these are the embeddings of the request's own words; above, all positions of the prompt.
    """
    where = prompt_positions(rows) if rows.first else rows.asked
    return replace(rows, x=rows.x + push * where[..., None])


def cut(push: Tensor, radius: float) -> Tensor:
    """The push with every position's vector cut to `radius`."""
    norm = push.norm(dim=-1, keepdim=True).clamp_min(1e-12)
    return push * (radius / norm).clamp_max(1)


def worst_push(
    rows: Rows,
    refusal: Callable[[Rows], Tensor],
    radius: float,
    steps: int,
    seed: int = 0,
) -> Tensor:
    """The push, of length `radius` at most at each position, under which
    `refusal` is least, by projected gradient descent.

    refusal: rows -> how strongly each declines, shape (row,). A step moves each
    position by 2 radius / steps against its own normalized gradient (Madry et
    al. 2018, arXiv 1706.06083, with the Euclidean norm), from a random start of
    half the radius. Returns shape (row, pos, d_model). Raises ValueError for a
    radius that is not positive or a negative count of steps.
    """
    if not radius > 0 or steps < 0:
        raise ValueError(
            f"radius={radius}, steps={steps}: give a length above 0 and no "
            "negative number of steps"
        )
    push = random_push(rows, 0.5 * radius, seed)
    for _ in range(steps):
        push.requires_grad_()
        slope = torch.autograd.grad(refusal(pushed(rows, push)).sum(), push)[0]
        way = slope / slope.norm(dim=-1, keepdim=True).clamp_min(1e-20)
        push = cut(push.detach() - 2 * radius / steps * way, radius)
    return push.detach()


def random_push(rows: Rows, radius: float, seed: int) -> Tensor:
    """A push of length `radius` at each position in a random direction: the control of `worst_push`."""
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randn(rows.x.shape, generator=generator).to(rows.x)
    return drawn * (radius / drawn.norm(dim=-1, keepdim=True))


def joined(first: Lessons, second: Lessons) -> Lessons:
    """Two sets of lessons at the same layer as one, padded to the longer rows."""
    width = max(part.rows.ids.shape[1] for part in (first, second))
    a, b = (_padded(part.rows, width) for part in (first, second))
    names = ("x", "ids", "places", "sees", "ends", "asked")
    both: dict[str, Any] = {
        name: torch.cat([getattr(a, name), getattr(b, name)]) for name in names
    }
    return Lessons(
        replace(a, **both), torch.cat([first.lengths, second.lengths])
    )


def _padded(rows: Rows, width: int) -> Rows:
    more = width - rows.ids.shape[1]
    wide: dict[str, Any] = {
        name: F.pad(getattr(rows, name), (0, more))
        for name in ("ids", "places", "asked")
    }
    return replace(
        rows,
        x=F.pad(rows.x, (0, 0, 0, more)),
        sees=F.pad(rows.sees, (0, more, 0, more)),
        **wide,
    )


def latent_training(
    lm: LM,
    refused: Lessons,
    kept: Lessons,
    steps: int,
    lr: float,
    batch: int,
    radius: float,
    inner: int,
    seed: int,
) -> list[float]:
    """Train the adapter to give the refusals of `refused` under the worst push, and the answers of `kept` without one.

    batch: lessons of each kind a step. radius: of the push, in units of the stream; 0 trains on the same lessons
    without an adversary. inner: the adversary's steps. Returns each step's loss, nats a token.
    """
    generator = torch.Generator().manual_seed(seed)
    orders = [
        torch.cat(
            [
                torch.randperm(len(part.rows), generator=generator)
                for _ in range(1 + steps * batch // len(part.rows))
            ]
        )
        for part in (refused, kept)
    ]

    def loss(_: object, step: int, __: torch.Generator) -> Tensor:
        span = slice(step * batch, (step + 1) * batch)
        bad, good = refused[orders[0][span]], kept[orders[1][span]]
        if radius:
            adapter = [p for p in lm.model.parameters() if p.requires_grad]
            for p in adapter:  # the adversary needs the slope in the push alone
                p.requires_grad_(False)
            push = worst_push(
                bad.rows,
                lambda rows: -lacks(lm, Lessons(rows, bad.lengths)),
                radius,
                inner,
                seed + step,
            )
            for p in adapter:
                p.requires_grad_()
            bad = Lessons(pushed(bad.rows, push), bad.lengths)
        return lacks(lm, bad).mean() + STAY * lacks(lm, good).mean()

    return train(lm.model, loss, steps, lr=lr, seed=seed)
