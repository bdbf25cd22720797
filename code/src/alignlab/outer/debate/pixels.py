"""The debate over a digit, pixel by pixel (serves section 4.4.3 of the survey).

After Irving, Christiano and Amodei 2018, "AI Safety via Debate", section 3.1.
Two players see the whole image and take turns to show the judge one nonzero
pixel. The honest player wants the judge to prefer the true label, the liar the
label that it has announced (pre-commitment), or any wrong one. Pixels can be
chosen, not forged. The paper's players search by Monte Carlo trees; here a
player looks one or two moves ahead and takes the judge's opinion at that point
for the outcome.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from alignlab.outer.debate.judge import Judges, some_pixels

CHUNK = 4_000_000  # numbers held at a time
HONEST, LIAR = 1, -1


class Case:
    """Judge, images and sides of many debates that are played together.

    judge: a batch of one. images: (n, pixels). honest: (n,), the true labels.
    lie: (n,), the labels announced by the liar, or None where it may end up
    with any wrong one. Raises ValueError where the sizes differ, an image isn't
    a number throughout, or a lie is the truth.
    """

    def __init__(
        self, judge: Judges, images: Tensor, honest: Tensor, lie: Tensor | None
    ) -> None:
        """See the class."""
        if len(images) != len(honest) or not images.isfinite().all():
            raise ValueError(
                f"{len(images)} images and {len(honest)} labels: give one label "
                "an image, and images without NaN"
            )
        if lie is not None and bool((lie == honest).any()):
            raise ValueError("a lie is the true label: announce a wrong one")
        self.images, self.honest, self.lie = images, honest, lie
        self.out, self.bias = judge.out[0], judge.out_bias[0, 0]
        self.start = judge.bias[0, 0]
        self.value, self.mask = judge.value[0], judge.mask[0]
        if lie is not None:
            self.weights = (self.out[:, honest] - self.out[:, lie]).T
            self.offset = self.bias[honest] - self.bias[lie]

    def __len__(self) -> int:
        """How many debates there are."""
        return len(self.images)

    def adds(self, index: Tensor, pixel: Tensor) -> Tensor:
        """What pixels (n, c) of debates `index` (n,) add to the hidden units."""
        bright = self.images[index].gather(1, pixel)
        return bright[..., None] * self.value[pixel] + self.mask[pixel]

    def hidden(self, shown: Tensor) -> Tensor:
        """The hidden units, (n, units), with the pixels `shown`, (n, pixels)."""
        return (
            self.start
            + (self.images * shown) @ self.value
            + (shown @ self.mask)
        )

    def margin(self, index: Tensor, hidden: Tensor) -> Tensor:
        """The true label's logit less the lie's (or the best wrong one's).

        index: (n,). hidden: (n, ..., units), before the nonlinearity. Returns
        (n, ...); positive where the judge is with the honest player.
        """
        active = torch.relu(hidden)
        shape = [len(index)] + [1] * (hidden.dim() - 2)
        if self.lie is not None:
            weights, offset = self.weights[index], self.offset[index]
            flat = active.reshape(len(index), -1, active.shape[-1])
            found = torch.bmm(flat, weights[:, :, None])[..., 0]
            return found.reshape(hidden.shape[:-1]) + offset.reshape(shape)
        logits = active @ self.out + self.bias
        true = self.honest[index].reshape(*shape, 1)
        true = true.expand(*logits.shape[:-1], 1)
        own = logits.gather(-1, true)[..., 0]
        return own - logits.scatter(-1, true, -torch.inf).amax(-1)

    def judged(self, shown: Tensor) -> Tensor:
        """The margins, (n,), when the judge sees the pixels `shown`."""
        return self.margin(torch.arange(len(self)), self.hidden(shown))


def best_pixel(
    case: Case, index: Tensor, hidden: Tensor, free: Tensor, mine: Tensor,
    side: int, ahead: int,
) -> Tensor:  # fmt: skip
    """The pixel, (n,), that a player shows; -1 where it has none.

    index: (n,), which debates. hidden: (n, units). free: (n, pixels), True
    where a pixel is nonzero and not yet shown. mine: the same, for those among
    them that this player may show. side: HONEST or LIAR. ahead: 1, or 2 to
    reckon with the other's best reply.
    """
    width = max(1, int(free.sum(1).max()))
    order = free.float().argsort(dim=1, descending=True, stable=True)
    pixel = order[:, :width]
    is_free, is_mine = free.gather(1, pixel), mine.gather(1, pixel)
    adds = case.adds(index, pixel)
    after = hidden[:, None] + adds
    worth = side * case.margin(index, after)
    if ahead == 2:
        replies = side * case.margin(index, after[:, :, None] + adds[:, None])
        same = torch.eye(width, dtype=torch.bool)
        replies[(same | ~is_free[:, None, :]).expand_as(replies)] = torch.inf
        least = replies.amin(2)
        worth = torch.where(least.isfinite(), least, worth)
    worth = torch.where(is_mine, worth, -torch.inf)
    best = pixel.gather(1, worth.argmax(1, keepdim=True))[:, 0]
    return torch.where(is_mine.any(1), best, -1)


def play(
    case: Case,
    turns: Sequence[int],
    ahead: int = 1,
    known: Tensor | None = None,
    examines: dict[int, int] | None = None,
    deaf: Case | None = None,
    who: int = HONEST,
    seed: int = 0,
) -> tuple[Tensor, Tensor]:
    """The debates played to the end.

    turns: who shows a pixel, in this order: HONEST or LIAR. ahead: how many
    moves players look ahead, 1 or 2 (and 1 where the same side moves next).
    known: (n, pixels), what the judge sees beforehand. examines: for a side,
    how many pixels it tries in each turn, drawn at random from the seed; a side
    that isn't named tries all. deaf: the case as the side `who` takes it, where
    that differs. Returns the margins, (n,), positive where the honest player
    wins, and the pixels shown, (n, turns), -1 for a pass. Raises ValueError for
    a side or a look-ahead that there isn't.
    """
    if set(turns) - {HONEST, LIAR} or ahead not in (1, 2):
        raise ValueError(
            f"turns {tuple(turns)}, {ahead} ahead: a turn is 1 (honest) or -1 "
            "(liar), and players look 1 or 2 moves ahead"
        )
    rng = torch.Generator().manual_seed(seed)
    shown = torch.zeros_like(case.images) if known is None else known.clone()
    hidden = case.hidden(shown)
    moves = torch.zeros(len(case), len(turns), dtype=torch.long)
    for turn, side in enumerate(turns):
        last = turn == len(turns) - 1 or turns[turn + 1] == side
        far = 1 if last else ahead
        taken = deaf if deaf is not None and side == who else case
        step = max(1, CHUNK // (48**far * len(case.start)))
        for index in torch.arange(len(case)).split(step):
            free = (case.images[index] > 0) & (shown[index] == 0)
            mine = free
            if examines is not None and side in examines:
                mine = some_pixels(
                    free.float(), torch.full((len(index),), examines[side]), rng
                ).bool()  # fmt: skip
            pixel = best_pixel(
                taken, index, hidden[index], free, mine, side, far
            )
            moves[index, turn] = pixel
            index, pixel = index[pixel >= 0], pixel[pixel >= 0]
            hidden[index] += case.adds(index, pixel[:, None])[:, 0]
            shown[index, pixel] = 1.0
    return case.margin(torch.arange(len(case)), hidden), moves
