"""Many suffix searches side by side, on one guide or on several: what a comparison over guides and requests needs.

Serves survey section 7.3. The search is `alignlab.attacks.suffix.search` (Zou et al. 2023, arXiv 2307.15043, algorithm
1, of which it keeps the best suffix seen), with the same proposals and the same draws. Here one pass scores the swaps
of all searches, and another gives all gradients: the guides' weights are stacked, one guide a search.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from alignlab.attacks.suffix import (
    GuideVictim,
    Propose,
    Victim,
    gradient_words,
)
from alignlab.lm.checks import check_numbers
from alignlab.lm.masks import check_shapes
from alignlab.toys.museum import ID


def search_all(
    victims: Sequence[GuideVictim],
    starts: Tensor,
    words: Tensor,
    steps: int,
    n: int = 16,
    top: int = 8,
    *,
    seeds: Sequence[int],
    propose: Propose = gradient_words,
    enough: float = 0.0,
) -> Tensor:
    """`search` on each victim, all at once.

    victims: guides of one shape, each with one request and no penalty.
        starts: the first suffixes, token ids (victims, length). seeds: one for
        each search, which draws its swaps. words, n, top, propose, enough: as
        in `search`. Returns the best suffix after each step, the start first,
        (victims, steps + 1, length). Raises ValueError where starts or seeds
        aren't one a victim, or a victim can't be searched beside others.
    """
    if len(seeds) != len(victims) or len(starts) != len(victims):
        raise ValueError(
            f"{len(starts)} starts and {len(seeds)} seeds for "
            f"{len(victims)} victims: give one each"
        )
    draws = [torch.Generator().manual_seed(seed) for seed in seeds]
    crowd = stacked(victims)
    best, loss = starts.clone(), crowd.losses(starts[:, None])[:, 0]
    path, going = [best.clone()], torch.arange(len(victims))
    for _ in range(steps):
        on = loss[going] > enough
        if not on.all():
            going, crowd = going[on], crowd.only(on)
        if len(going):
            slopes = functools.cache(
                functools.partial(crowd.gradients, best[going])
            )
            tried = torch.stack(
                [
                    propose(_Row(slopes, j), best[i], words, n, top, draws[i])
                    for j, i in enumerate(going.tolist())
                ]
            )
            lowest, which = crowd.losses(tried).min(1)
            better = lowest < loss[going]
            chosen = tried[torch.arange(len(going)), which]
            best[going[better]] = chosen[better]
            loss[going[better]] = lowest[better]
        path.append(best.clone())
    return torch.stack(path, 1)


@dataclass(frozen=True)
class _Row:
    """One of several searches: its gradient is a row of those that are computed once a proposal asks for one."""

    slopes: Callable[[], Tensor]
    row: int

    def gradient(self, suffix: Tensor) -> Tensor:
        """Slope in the one-hot entries of its suffix, (length, vocabulary)."""
        return self.slopes()[self.row]

    def losses(self, suffixes: Tensor) -> Tensor:
        """Not to be had: the swaps of all searches are scored at once."""
        raise NotImplementedError("a proposal can't score suffixes here")


def side_by_side(victims: Sequence[GuideVictim]) -> list[Victim]:
    """The same victims, for a search that asks each of them about one suffix: the first answer is computed for all.

    Raises ValueError as `stacked`.
    """
    crowd, k = stacked(victims), len(victims)
    slopes = _once(lambda suffix: crowd.gradients(suffix.expand(k, -1)))
    losses = _once(lambda tried: crowd.losses(tried.expand(k, -1, -1)))
    return [_Beside(slopes, losses, row) for row in range(k)]


@dataclass(frozen=True)
class _Beside:
    """One victim of several: what it says is a row of what is computed for all."""

    slopes: Callable[[Tensor], Tensor]
    scores: Callable[[Tensor], Tensor]
    row: int

    def gradient(self, suffix: Tensor) -> Tensor:
        """Slope in the one-hot entries of a suffix, (length, vocabulary)."""
        return self.slopes(suffix)[self.row]

    def losses(self, suffixes: Tensor) -> Tensor:
        """Nats that the target lacks after each suffix, (n,)."""
        return self.scores(suffixes)[self.row]


def _once(compute: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """A function that isn't computed again for the tensor that it was given last."""
    last: list[Tensor] = []

    def found(x: Tensor) -> Tensor:
        if not last or last[0] is not x:
            last[:] = [x, compute(x)]
        return last[1]

    return found


@dataclass(frozen=True)
class Crowd:
    """Guides of one layer, each with a request.

    weights: each parameter with a leading axis of guides. model: any of the guides, for their shape. first: `<user>`,
    words and thing of each request, token ids (guides, positions). rooms: (guides,).
    """

    weights: dict[str, Tensor]
    model: Any
    first: Tensor
    rooms: Tensor

    def only(self, which: Tensor) -> Crowd:
        """Some of the guides, with their requests."""
        weights = {name: w[which] for name, w in self.weights.items()}
        return Crowd(weights, self.model, self.first[which], self.rooms[which])

    @torch.no_grad()
    def losses(self, suffixes: Tensor) -> Tensor:
        """-log p(`sure ROOM`) in nats after each guide's suffixes (guides, n, length): (guides, n)."""
        losses = self._losses(self._embedded(suffixes))
        check_numbers(losses, "the loss of suffix ", infinite=True)
        return losses

    def gradients(self, suffixes: Tensor) -> Tensor:
        """Slope of each guide's loss in the one-hot entries of its suffix.

        (guides, length) -> (guides, length, vocabulary).
        """
        x = self._embedded(suffixes[:, None]).requires_grad_()
        slope = torch.autograd.grad(self._losses(x).sum(), x)[0][:, 0]
        start = self.first.shape[1]
        table = self.weights["embed.weight"].transpose(1, 2)
        return slope[:, start : start + suffixes.shape[1]] @ table

    def _embedded(self, suffixes: Tensor) -> Tensor:
        """Requests, suffixes, `<guide> sure`, as vectors (guides, n, positions, d_model)."""
        k, n, _ = suffixes.shape
        first = self.first[:, None].expand(k, n, -1)
        last = torch.tensor([ID["<guide>"], ID["sure"]]).expand(k, n, 2)
        tokens = torch.cat([first, suffixes, last], 2)
        return self.weights["embed.weight"][
            torch.arange(k)[:, None, None], tokens
        ]

    def _losses(self, x: Tensor) -> Tensor:
        """Vectors (guides, n, positions, d_model) -> (guides, n)."""
        logp = self._end(x).log_softmax(-1)
        rooms = self.rooms[:, None, None].expand(*x.shape[:2], 1)
        room = logp[:, :, 1].gather(2, rooms)[..., 0]
        return -(logp[:, :, 0, ID["sure"]] + room)

    def _end(self, x: Tensor) -> Tensor:
        """Logits at the last two positions, (guides, n, 2, vocabulary), as `alignlab.lm.ends.last_logits`."""
        attn, end = self.model.layers[0].attn, x[:, :, -2:]
        read = self._norm("layers.0.attn_norm", x)

        def heads(name: str, x: Tensor) -> Tensor:
            x = self._times(f"layers.0.attn.{name}", x)
            return x.unflatten(-1, (attn.n_heads, -1)).transpose(2, 3)

        q, k, v = (heads(f"{name}_proj", read) for name in "qkv")
        q = attn.rotate(q)[..., -2:, :]
        scores = q @ attn.rotate(k).transpose(-1, -2) / q.shape[-1] ** 0.5
        place = torch.arange(x.shape[2])
        future = place > place[-2:, None]
        pattern = scores.masked_fill(future, float("-inf")).softmax(-1)
        z = (pattern @ v).transpose(2, 3).flatten(3)
        end = end + self._times("layers.0.attn.o_proj", z)
        read = self._norm("layers.0.mlp_norm", end)
        gate, up = (
            self._times(f"layers.0.mlp.{name}_proj", read)
            for name in ("gate", "up")
        )
        end = end + self._times("layers.0.mlp.down_proj", F.silu(gate) * up)
        return self._times("unembed", self._norm("norm", end))

    def _norm(self, name: str, x: Tensor) -> Tensor:
        weight = self.weights[f"{name}.weight"][:, None, None]
        return F.rms_norm(x, x.shape[-1:], eps=self.model.config.eps) * weight

    def _times(self, name: str, x: Tensor) -> Tensor:
        """Each guide's matrix times its vectors."""
        weight = self.weights[f"{name}.weight"].transpose(1, 2)
        return (x.flatten(1, 2) @ weight).unflatten(1, x.shape[1:3])


def stacked(victims: Sequence[GuideVictim]) -> Crowd:
    """Victims side by side. Raises ValueError for one with several requests, a penalty, or another shape of guide."""
    model = victims[0].model
    for victim in victims:
        config = victim.model.config
        if len(victim.requests) != 1 or victim.penalty is not None:
            raise ValueError(
                "a victim with several requests or a penalty: use `search`"
            )
        if config != model.config or config.n_layers != 1 or not config.mlp:
            raise ValueError(
                "guides of one layer with an MLP, all of one shape, are needed"
            )
    first = torch.cat([victim.requests.tokens for victim in victims])
    rooms = torch.cat([victim.requests.answers for victim in victims])
    check_shapes((len(victims), first.shape[1]), first=first)
    parts = [victim.model.state_dict() for victim in victims]
    weights = {
        name: torch.stack([part[name].detach() for part in parts])
        for name in parts[0]
    }
    return Crowd(weights, model, first, rooms)
