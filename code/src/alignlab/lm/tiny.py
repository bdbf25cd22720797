"""A transformer that fits one screen: the toy in which a mechanism can be seen whole.

The architecture of Llama (Touvron et al. 2023) with nothing left out but grouped heads: RMSNorm before each block
(Zhang and Sennrich 2019), rotary positions (Su et al. 2021), SwiGLU (Shazeer 2020). Attention-only with `mlp=False`
(the models of Elhage et al. 2021 and Olsson et al. 2022).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from alignlab.lm.checks import check_seed


@dataclass(frozen=True)
class TinyConfig:
    """Shape of a `TinyTransformer`.

    vocab: number of tokens; context: longest sequence; d_model must divide into n_heads heads of even width.
    mlp: False leaves attention only. d_mlp: width of the SwiGLU's hidden layer, 0 stands for 4 * d_model.
    rope_base: the base of the rotary angles; eps: what RMSNorm adds under its root.
    """

    vocab: int
    d_model: int = 64
    n_layers: int = 2
    n_heads: int = 4
    context: int = 64
    mlp: bool = True
    d_mlp: int = 0
    rope_base: float = 10_000.0
    eps: float = 1e-5

    @property
    def d_head(self) -> int:
        """Width of one head."""
        return self.d_model // self.n_heads

    def __post_init__(self) -> None:
        """Refuse shapes that can't be built."""
        for name in ("vocab", "d_model", "n_heads", "context"):
            if getattr(self, name) < 1:
                raise ValueError(
                    f"{name}={getattr(self, name)} must be at least 1"
                )
        if self.n_layers < 0 or self.d_mlp < 0:
            raise ValueError(
                f"n_layers={self.n_layers} and d_mlp={self.d_mlp} must be at least 0"
            )
        if self.d_model % self.n_heads or self.d_head % 2:
            raise ValueError(
                f"d_model={self.d_model} must divide into n_heads={self.n_heads} heads of even width "
                f"(it gives {self.d_model / self.n_heads:g}): choose d_model as a multiple of {2 * self.n_heads}"
            )
        if not self.d_mlp:
            object.__setattr__(self, "d_mlp", 4 * self.d_model)


class TinyTransformer(nn.Module):
    """A causal transformer: token ids (batch, pos) in, logits (batch, pos, vocab) out.

    Its exact arithmetic, for whoever runs its weights elsewhere; all matrices are stored as (out, in), no biases:

    - `embed.weight` (vocab, d_model) is read by row; the unembedding `unembed.weight` (vocab, d_model) is its own
      matrix, not tied to it. logits = unembed @ norm(x).
    - RMSNorm: x / sqrt(mean(x²) + eps) * weight, before attention, before the MLP and before the unembedding.
    - Rotary positions, on queries and keys, each head of width h by itself, positions counted from 0: feature i of the
      first half is turned together with feature i + h/2 by the angle pos * rope_base^(-2i/h):
      (a, b) -> (a cos - b sin, b cos + a sin). This is Llama's convention, not the interleaved one.
    - Attention: softmax(q k / sqrt(h)) over positions up to its own; heads stand side by side in q, k, v and z.
    - SwiGLU: down @ (silu(gate @ x) * (up @ x)).
    - Weights start as normal(0, 0.02), those that write into the residual stream divided by sqrt(2 n_layers), drawn by
      NumPy in float64 from `seed`, so they are the same on every processor.

    Tokens may be given as floats of shape (batch, pos, vocab), weights over the vocabulary: a one-hot row gives the
    same logits as its id, and a gradient (what suffix search needs).
    """

    def __init__(self, config: TinyConfig, seed: int = 0) -> None:
        """Build the model with the weights that `seed` gives, an integer of at least 0."""
        super().__init__()
        seed = check_seed(seed)
        self.config = config
        with torch.random.fork_rng(
            devices=[]
        ):  # what torch draws here is replaced below
            self.embed = nn.Embedding(config.vocab, config.d_model)
            self.layers = nn.ModuleList(
                Layer(config) for _ in range(config.n_layers)
            )
            self.norm = RMSNorm(config)
            self.unembed = nn.Linear(config.d_model, config.vocab, bias=False)
        rng = np.random.default_rng(seed)
        for name, parameter in self.named_parameters():
            if parameter.ndim == 2:
                writes = name.endswith(("o_proj.weight", "down_proj.weight"))
                scale = 0.02 / np.sqrt(2 * config.n_layers) if writes else 0.02
                parameter.data = torch.from_numpy(
                    rng.normal(0.0, scale, tuple(parameter.shape))
                ).float()

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits (batch, pos, vocab) of the next token at each position."""
        if tokens.ndim != 2 + tokens.is_floating_point():
            raise ValueError(
                f"tokens of shape {tuple(tokens.shape)}: give (batch, pos), for one row tokens[None]"
            )
        if tokens.shape[1] > self.config.context:
            raise ValueError(
                f"{tokens.shape[1]} tokens are more than the model's context of {self.config.context}"
            )
        x = (
            tokens @ self.embed.weight
            if tokens.is_floating_point()
            else self.embed(tokens)
        )  # (batch, pos, d_model)
        for layer in self.layers:
            x = layer(x)
        return self.unembed(self.norm(x))


class Layer(nn.Module):
    """Attention, then (unless the model is attention-only) the MLP, each adding to the residual stream."""

    def __init__(self, config: TinyConfig) -> None:
        """Build it, weights to be drawn by the model."""
        super().__init__()
        self.attn_norm, self.attn = RMSNorm(config), Attention(config)
        if config.mlp:
            self.mlp_norm, self.mlp = RMSNorm(config), MLP(config)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, pos, d_model) -> the same."""
        x = x + self.attn(self.attn_norm(x))
        return x + self.mlp(self.mlp_norm(x)) if hasattr(self, "mlp") else x


class Attention(nn.Module):
    """Causal attention with rotary positions."""

    cos: Tensor
    sin: Tensor

    def __init__(self, config: TinyConfig) -> None:
        """Build it, weights to be drawn by the model."""
        super().__init__()
        d, self.n_heads = config.d_model, config.n_heads
        self.q_proj, self.k_proj, self.v_proj, self.o_proj = (
            nn.Linear(d, d, bias=False) for _ in range(4)
        )
        self.pattern = (
            nn.Identity()
        )  # a place to hook the attention weights (batch, head, query, key)
        half = config.d_head // 2
        angle = np.outer(
            np.arange(config.context),
            config.rope_base ** (-np.arange(half) / half),
        )  # (pos, half)
        self.register_buffer(
            "cos", torch.from_numpy(np.cos(angle)).float(), persistent=False
        )
        self.register_buffer(
            "sin", torch.from_numpy(np.sin(angle)).float(), persistent=False
        )

    def rotate(self, x: Tensor) -> Tensor:
        """Turn (batch, head, pos, d_head) by each position's angles."""
        a, b = x.chunk(2, dim=-1)
        cos, sin = self.cos[: x.shape[-2]], self.sin[: x.shape[-2]]
        return torch.cat([a * cos - b * sin, b * cos + a * sin], dim=-1)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, pos, d_model) -> the same."""
        q, k, v = (
            p(x)
            .unflatten(-1, (self.n_heads, -1))
            .transpose(1, 2)  # (batch, head, pos, d_head)
            for p in (self.q_proj, self.k_proj, self.v_proj)
        )
        scores = (
            self.rotate(q)
            @ self.rotate(k).transpose(-1, -2)
            / q.shape[-1] ** 0.5
        )  # (batch, head, query, key)
        future = torch.ones(
            scores.shape[-2:], dtype=torch.bool, device=x.device
        ).triu(1)
        pattern = self.pattern(
            scores.masked_fill(future, float("-inf")).softmax(-1)
        )
        return self.o_proj((pattern @ v).transpose(1, 2).flatten(2))


class MLP(nn.Module):
    """SwiGLU: a gate decides what of the hidden layer passes."""

    def __init__(self, config: TinyConfig) -> None:
        """Build it, weights to be drawn by the model."""
        super().__init__()
        self.gate_proj = nn.Linear(config.d_model, config.d_mlp, bias=False)
        self.up_proj = nn.Linear(config.d_model, config.d_mlp, bias=False)
        self.down_proj = nn.Linear(config.d_mlp, config.d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, pos, d_model) -> the same."""
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class RMSNorm(nn.Module):
    """Scale each position's vector to root-mean-square 1, then by a learned weight."""

    def __init__(self, config: TinyConfig) -> None:
        """Build it, weights to be drawn by the model."""
        super().__init__()
        self.weight, self.eps = (
            nn.Parameter(torch.ones(config.d_model)),
            config.eps,
        )

    def forward(self, x: Tensor) -> Tensor:
        """(batch, pos, d_model) -> the same."""
        return (
            x
            * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.eps)
            * self.weight
        )
