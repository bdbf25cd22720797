"""Several of the office's agents trained at once: a step is one pass for all of them.

Serves survey section 7.2. What is computed is what `learn` of `alignlab.attacks.prompt_injection.agent` does for each
agent by itself, up to rounding; agents of one shape are stacked along a first axis.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from alignlab.attacks.prompt_injection.agent import Agent, View
from alignlab.attacks.prompt_injection.language import Office, sequence

Weights = Mapping[str, Tensor]  # by name, the agents along the first axis


def learn_together(
    agents: Sequence[Agent],
    lessons: Sequence[Office],
    view: View = sequence,
    batch: int = 32,
    lr: float = 5e-3,
) -> list[Agent]:
    """`learn` for each agent and its own lessons, as many for each.

    Raises FloatingPointError where a loss or a gradient is not finite.
    """
    agents = [copy.deepcopy(agent) for agent in agents]
    tokens = torch.stack([view(one) for one in lessons])
    calls = torch.stack([torch.from_numpy(one.call) for one in lessons])
    each = [dict(agent.named_parameters()) for agent in agents]
    start = {name: torch.stack([own[name] for own in each]) for name in each[0]}
    flat = torch.cat([z.detach().flatten(1) for z in start.values()], 1)
    flat.requires_grad_()
    sizes = [z[0].numel() for z in start.values()]

    def named() -> dict[str, Tensor]:
        parts = zip(start.items(), flat.split(sizes, 1))
        return {name: part.view(z.shape) for (name, z), part in parts}

    steps = calls.shape[1] // batch
    optimizer = torch.optim.AdamW([flat], lr=lr, weight_decay=0.01, fused=True)
    for step in range(steps):
        rate = min(1.0, (step + 1) / 20, (steps - step) / (0.4 * steps))
        optimizer.param_groups[0]["lr"] = lr * rate
        rows = slice(step * batch, (step + 1) * batch)
        given = torch.cat([tokens[:, rows], calls[:, rows, :3]], 2)
        logits = logits_of(agents[0], named(), given)
        losses = F.cross_entropy(
            logits.flatten(0, 2), calls[:, rows].flatten(), reduction="none"
        )
        loss = losses.view(len(agents), -1).mean(1).sum()
        optimizer.zero_grad()
        loss.backward()
        slope: Tensor = flat.grad  # type: ignore[assignment]
        norms = slope.norm(dim=1, keepdim=True)
        if not norms.isfinite().all():
            raise FloatingPointError(
                f"a gradient is not finite at step {step} (loss {loss.item():.6g}): look at that step's batch, or "
                f"lower the learning rate ({lr * rate:g})"
            )
        slope.mul_((1.0 / (norms + 1e-6)).clamp(max=1.0))
        optimizer.step()
    with torch.no_grad():
        for name, many in named().items():
            for agent, own in zip(agents, many):
                agent.get_parameter(name).copy_(own)
    return agents


def logits_of(
    shape: Agent, weights: Weights, tokens: Tensor, last: int = 4
) -> Tensor:
    """What `Agent.forward` gives for each of several agents.

    shape: any of the agents, for what they have in common. tokens: ids
        (agents, batch, pos), for each agent its own. Returns (agents, batch,
        last, vocabulary).
    """
    n, words = tokens.shape[2], weights["embed.weight"].shape[1]
    own = tokens + words * torch.arange(len(tokens))[:, None, None]
    x, seen = (
        F.embedding(ids, weights[name].flatten(0, 1))
        for ids, name in (
            (own, "embed.weight"),
            (own[..., :-1], "before.weight"),
        )
    )
    x = x + F.pad(seen, (0, 0, 1, 0))
    for i, k in zip(range(len(shape.layers)), (n, last)):
        x = _layer(shape, i, weights, x, k)
    return _linear(
        _scaled(x, shape, weights["norm.weight"]), weights["unembed.weight"]
    )


def _layer(
    shape: Agent, i: int, weights: Weights, x: Tensor, last: int
) -> Tensor:
    """Layer i at the last positions of (agents, batch, pos, d_model)."""

    def of(name: str) -> Tensor:
        return weights[f"layers.{i}.{name}.weight"]

    layers: Any = shape.layers
    attn = layers[i].attn
    read = _scaled(x, shape, of("attn_norm"))
    q, k, v = (
        _linear(z, of(f"attn.{name}_proj"))
        .unflatten(-1, (attn.n_heads, -1))
        .transpose(2, 3)  # (agents, batch, head, pos, d_head)
        for z, name in ((read[:, :, -last:], "q"), (read, "k"), (read, "v"))
    )
    z = _attended(_turned(attn, q, x.shape[2]), _turned(attn, k, x.shape[2]), v)
    z = z.transpose(2, 3).flatten(3)
    x = x[:, :, -last:] + _linear(z, of("attn.o_proj"))
    read = _scaled(x, shape, of("mlp_norm"))
    gate, up = (_linear(read, of(f"mlp.{z}_proj")) for z in ("gate", "up"))
    return x + _linear(F.silu(gate) * up, of("mlp.down_proj"))


def _attended(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Causal attention of the last positions, (agents, batch, head, pos,
    d_head): for heads so small, cheaper to train than torch's own.
    """
    last, n = q.shape[-2], k.shape[-2]
    future = torch.full((last, n), -torch.inf).triu(n - last + 1)
    scores = torch.baddbmm(
        future,
        q.flatten(0, 2),
        k.flatten(0, 2).transpose(1, 2),
        alpha=q.shape[-1] ** -0.5,
    )
    return (scores.softmax(-1) @ v.flatten(0, 2)).view(q.shape)


def _turned(attn: Any, x: Tensor, n: int) -> Tensor:
    """Heads at the last of n positions, turned by their angles."""
    cos, sin = (z[n - x.shape[-2] : n] for z in (attn.cos, attn.sin))
    a, b = x.chunk(2, -1)
    return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)


def _linear(x: Tensor, weight: Tensor) -> Tensor:
    """(agents, batch, pos, in), each agent by its own (agents, out, in)."""
    agents, batch = x.shape[:2]
    made = x.reshape(agents, -1, x.shape[-1]) @ weight.transpose(1, 2)
    return made.unflatten(1, (batch, -1))


def _scaled(x: Tensor, shape: Agent, weight: Tensor) -> Tensor:
    """RMSNorm, each agent by its own weight (agents, d_model)."""
    scaled = F.rms_norm(x, x.shape[-1:], eps=shape.config.eps)
    return scaled * weight[:, None, None]
