"""Fine-tune the upper layers of a language model on hidden states computed once.

Serves the survey's section 4.3: reward models and preference methods train the same few texts again and again. Where
the lower layers are frozen, what they give for a text never changes, so it is computed once and kept; a step then runs
the upper layers only, and unembeds only where an answer stands.

Works for Llama and its relatives in transformers, adapters of PEFT inside them included. Texts are padded on the right,
so a causal mask is all that the layers need.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from alignlab.lm.hooks import capture
from alignlab.lm.load import LM
from alignlab.lm.stack import stack_of


@dataclass(frozen=True)
class Cached:
    """Texts that end in an answer, with the residual stream that enters layer `first`.

    hidden: (text, pos, d_model). ids: (text, pos), 0 past a text's end. answer: (text, pos), True at an answer's token.
    """

    hidden: Tensor
    ids: Tensor
    answer: Tensor
    first: int

    def __len__(self) -> int:
        """How many texts."""
        return len(self.ids)

    def __getitem__(self, rows: Tensor | Sequence[int] | slice) -> Cached:
        """The same of some texts, cut to the longest of them."""
        ids, answer = self.ids[rows], self.answer[rows]
        width = int(
            (
                answer * torch.arange(1, ids.shape[1] + 1, device=ids.device)
            ).max()
        )
        return Cached(
            self.hidden[rows][:, :width],
            ids[:, :width],
            answer[:, :width],
            self.first,
        )


def run_lower(
    lm: LM,
    prompts: Sequence[Sequence[int]],
    answers: Sequence[Sequence[int]],
    first: int,
) -> Cached:
    """Run the layers below `first` on prompt + answer, token ids, without gradient.

    Raises ValueError where `first` leaves no layer below or above it, or an answer is empty.
    """
    if not 0 < first < lm.n_layers:
        raise ValueError(
            f"first={first} must lie between 1 and {lm.n_layers - 1}: below it layers are run once"
        )
    if len(prompts) != len(answers):
        raise ValueError(
            f"{len(prompts)} prompts, {len(answers)} answers: give one answer a prompt"
        )
    stack_of(lm)  # refuses a model whose upper part can't be run
    if not all(answers):
        raise ValueError(
            f"answer {[bool(a) for a in answers].index(False)} is empty: there is nothing to score"
        )
    rows = [[*prompt, *answer] for prompt, answer in zip(prompts, answers)]
    name = f"layers.{first - 1}.resid"
    hidden = capture(lm, rows, [name], positions="all")[name]
    ids = torch.zeros(hidden.shape[:2], dtype=torch.long, device=lm.device)
    answer = torch.zeros(hidden.shape[:2], dtype=torch.bool, device=lm.device)
    for i, (prompt, row) in enumerate(zip(prompts, rows)):
        ids[i, : len(row)] = torch.tensor(row, device=lm.device)
        answer[i, len(prompt) : len(row)] = True
    return Cached(hidden, ids, answer, first)


def run_upper(lm: LM, batch: Cached) -> Tensor:
    """The final, normalized residual stream (text, pos, d_model); gradients reach the layers from `first` on."""
    parts = stack_of(lm)
    places = torch.arange(batch.hidden.shape[1], device=batch.hidden.device)
    final: Tensor = parts.body.norm(
        parts.run(batch.hidden, places[None], first=batch.first)
    )
    return final


def answer_logprobs(lm: LM, batch: Cached) -> tuple[Tensor, Tensor]:
    """Log-probability (nats) of each answer token, (tokens,), and which text each belongs to, (tokens,).

    Only the positions that predict an answer's token are unembedded.
    """
    logits = answer_logits(lm, run_upper(lm, batch), batch)
    return -F.cross_entropy(
        logits, batch.ids[batch.answer], reduction="none"
    ), batch.answer.nonzero()[:, 0]


def answer_logits(lm: LM, states: Tensor, batch: Cached) -> Tensor:
    """Logits (tokens, vocab), float32, of the positions that predict an answer's token.

    states: what `run_upper` gave of the batch, or of the same texts under another state of the model.
    """
    at = batch.answer.roll(-1, dims=1)
    at[:, -1] = False
    logits: Tensor = stack_of(lm).head(states[:, : at.shape[1]][at])
    return logits.float()


def answer_sums(lm: LM, batch: Cached) -> Tensor:
    """Summed log-probability (nats) of each text's answer, shape (text,)."""
    logprobs, text = answer_logprobs(lm, batch)
    return torch.zeros(len(batch), device=logprobs.device).index_add(
        0, text, logprobs
    )
