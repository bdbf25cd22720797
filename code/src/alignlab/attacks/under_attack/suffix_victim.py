"""SmolLM2-safer as the victim of a suffix search that only wants it not to decline.

Serves survey section 7.3. The search is `alignlab.attacks.suffix.search` (GCG, Zou et al. 2023, arXiv 2307.15043). The
paper raises the probability of a harmful answer's beginning; here the loss is the log-probability of declining, over
several training requests at once, so no harmful text is a target. A guard that the attacker knows adds its objection.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from alignlab.attacks.under_attack.declines import ask, declined_by
from alignlab.attacks.under_attack.stream import Rows, run, words
from alignlab.lm import LM

Objection = Callable[
    [Rows, Rows], Tensor
]  # rows at `middle`, rows at the end -> (row,)


class Declining:
    """The model that should stop declining `requests`, one suffix behind all of them."""

    def __init__(
        self,
        lm: LM,
        requests: Sequence[str],
        middle: int,
        objection: Objection | None = None,
    ) -> None:
        """middle: the layer whose incoming stream a guard reads; objection: what is added to the loss of each row."""
        self.lm, self.middle, self.objection = lm, middle, objection
        self.asked = [words(lm, text) for text in requests]

    def rows(self, suffixes: Tensor) -> Rows:
        """Every request with every suffix, (suffixes * requests) rows, the requests of a suffix together."""
        return ask(
            self.lm, [ids + s for s in suffixes.tolist() for ids in self.asked]
        )

    def losses(self, suffixes: Tensor) -> Tensor:
        """log p(declines) and the objection, mean over the requests: token ids (n, length) -> (n,)."""
        with torch.no_grad():
            found = self._losses(self.rows(suffixes))
        return found.view(len(suffixes), -1).mean(1)

    def gradient(self, suffix: Tensor) -> Tensor:
        """Slope of the loss in each one-hot entry of the suffix: token ids (length,) -> (length, vocabulary)."""
        rows = self.rows(suffix[None])
        x = rows.x.detach().requires_grad_()
        loss = self._losses(replace(rows, x=x)).mean()
        slope = torch.autograd.grad(loss, x)[0]
        k = torch.arange(len(suffix))
        own = sum(slope[i, len(ids) + k] for i, ids in enumerate(self.asked))
        return own @ self.lm.model.get_input_embeddings().weight.T

    def survives_text(self, suffixes: Tensor) -> Tensor:
        """Those suffixes that an attacker can type: as text they give the same tokens behind each request."""
        texts = self.lm.tokenizer.batch_decode(suffixes)
        before = [self.lm.tokenizer.decode(ids) for ids in self.asked]
        kept = [
            all(
                words(self.lm, said + text) == ids + row
                for said, ids in zip(before, self.asked)
            )
            for text, row in zip(texts, suffixes.tolist())
        ]
        return suffixes[torch.tensor(kept, dtype=torch.bool)]

    def _losses(self, rows: Rows) -> Tensor:
        half = run(self.lm, rows, self.middle)
        done = run(self.lm, half)
        loss = declined_by(self.lm, done).clamp_min(1e-9).log()
        if self.objection is not None:
            loss = loss + self.objection(half, done)
        return loss
