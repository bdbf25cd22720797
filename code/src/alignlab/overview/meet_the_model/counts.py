"""A language model that only counts words: what a transformer has to beat.

Serves the survey's section 1. An n-gram model (Shannon 1951, "Prediction and Entropy of Printed English") takes the
probability of a word from how often it followed the last few words of its corpus. It stands beside the small
transformer of the page as the rival that needs no training.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class CountedWords(nn.Module):
    """Next-word log-probabilities from counts of what followed the last `order` words.

    tokens: the corpus, ids (texts, pos), 0 at padding. vocab: number of ids. extra: added to every count, so that
        nothing has probability zero. Called with ids (batch, pos) it returns log-probabilities (batch, pos, vocab).
    Raises ValueError for an order below 1 or an `extra` that is not positive.
    """

    def __init__(
        self, tokens: Tensor, vocab: int, order: int = 1, extra: float = 0.1
    ) -> None:
        """Count; arguments as in the class."""
        super().__init__()
        if order < 1 or extra <= 0:
            raise ValueError(
                f"order={order}, extra={extra}: the order is 1 or more, what is added to a count above 0"
            )
        self.vocab, self.order, self.extra = vocab, order, extra
        found: dict[tuple[int, ...], list[float]] = {}
        for row in tokens.tolist():
            for place in range(1, len(row)):
                if row[place]:
                    context = self._context(row, place)
                    found.setdefault(context, [0.0] * vocab)[row[place]] += 1
        self.counts = {c: torch.tensor(seen) for c, seen in found.items()}

    def _context(self, row: list[int], place: int) -> tuple[int, ...]:
        return tuple(row[max(0, place - self.order) : place])

    def forward(self, tokens: Tensor) -> Tensor:
        """Log-probabilities of each next word, (batch, pos) -> (batch, pos, vocab)."""
        rows = []
        for row in tokens.tolist():
            contexts = [self._context(row, i + 1) for i in range(len(row))]
            never = torch.zeros(self.vocab)
            rows.append(
                torch.stack([self.counts.get(c, never) for c in contexts])
            )
        smoothed = torch.stack(rows) + self.extra
        return (smoothed / smoothed.sum(-1, keepdim=True)).log()
