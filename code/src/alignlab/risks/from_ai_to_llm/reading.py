"""One model read twice: with a context before the question, and without it.

Serves section 3.3 of the survey: what a prompt does to a model is the distance
between the two readings, token by token, on answers that the prompted model
itself gives.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from alignlab.lm import LM, encode
from alignlab.lm.rows import run_row
from alignlab.lm.scoring import Tree
from alignlab.lm.sites import network_of
from alignlab.lm.stack import stack_of

ROW = 256  # tokens from which on a row of texts is full


@dataclass(frozen=True)
class Answers:
    """Answers of one length to several questions, and what was on the mind.

    tokens: (questions, length), the ids. mask: same shape, 1 up to the first
    token that holds a line break or ends the answer, that one included.
    states: (questions, length, d_model), the last hidden state, normalized,
    from which each token was chosen.
    """

    tokens: Tensor
    mask: Tensor
    states: Tensor

    def __getitem__(self, rows: Sequence[int]) -> Answers:
        """Some of the answers."""
        at = list(rows)
        return Answers(self.tokens[at], self.mask[at], self.states[at])


@torch.no_grad()
def answers(
    lm: LM, context: str, questions: Sequence[str], length: int
) -> Answers:
    """The likeliest token after token, to each question, after a context.

    questions: up to where the answer begins. context: "" for none; it is read
    once for all questions.
    """
    net = network_of(lm)[0]
    rows = [encode(lm, question) for question in questions]
    before, cache = 0, None
    if context:
        ids = torch.tensor([encode(lm, context)])
        before = ids.shape[1]
        cache = net.model(input_ids=ids, use_cache=True).past_key_values
    # all questions stand in one row behind the context, which is owner -1
    tokens = torch.tensor([token for row in rows for token in row])
    owners = torch.tensor([i for i, row in enumerate(rows) for _ in row])
    places = torch.cat([before + torch.arange(len(row)) for row in rows])
    all_owners, all_places = torch.full((before,), -1), torch.arange(before)
    ends = torch.tensor([len(row) for row in rows]).cumsum(0) - 1
    found, states = [], []
    for _ in range(length):
        all_owners = torch.cat([all_owners, owners])
        all_places = torch.cat([all_places, places])
        sees = (all_owners == owners[:, None]) | (all_owners < 0)
        sees &= all_places <= places[:, None]
        mask = torch.zeros(sees.shape, dtype=net.dtype)
        mask = mask.masked_fill(~sees, torch.finfo(net.dtype).min)
        out = net.model(
            input_ids=tokens[None],
            attention_mask=mask[None, None],
            position_ids=places[None],
            past_key_values=cache,
            use_cache=True,
        )
        cache, last = out.past_key_values, out.last_hidden_state[0, ends]
        tokens = net.lm_head(last).argmax(-1)
        owners, places = torch.arange(len(rows)), places[ends] + 1
        ends = owners
        found.append(tokens)
        states.append(last)
    given = torch.stack(found, 1)
    return Answers(given, until_the_end(lm, given), torch.stack(states, 1))


def until_the_end(lm: LM, tokens: Tensor) -> Tensor:
    """1 up to the first token with a line break or the end, that included."""
    ends = torch.tensor(
        [
            [
                "\n" in lm.tokenizer.decode([token])
                or token == lm.tokenizer.eos_token_id
                for token in row
            ]
            for row in tokens.tolist()
        ],
        dtype=torch.long,
    )
    return (ends.cumsum(1) - ends == 0).long()


@torch.no_grad()
def states_without(lm: LM, questions: Sequence[str], given: Answers) -> Tensor:
    """Last hidden states of the model that reads no context, (n, length, d).

    It reads the same answers, and stands where each of their tokens was chosen.
    Texts that begin alike are read in one row, their beginning once.
    """
    norm = stack_of(lm).body.norm
    last = len(questions) - 1
    found, tree, places = [], Tree(), []
    for i, (question, answer) in enumerate(
        zip(questions, given.tokens.tolist())
    ):
        edges = tree.add(encode(lm, question), answer)
        places.append([node for node, _ in edges])
        if len(tree.token) >= ROW or i == last:
            x, _, _ = run_row(lm, tree, lm.n_layers)
            found.append(norm(x[0, torch.tensor(places)]))
            tree, places = Tree(), []
    return torch.cat(found)


def kl_by_token(prompted: Tensor, plain: Tensor) -> Tensor:
    """KL(prompted || plain) of the next token's distribution, in nats.

    prompted, plain: logits (..., vocab) of the two readings at the same
    places. Returns (...).
    Raises ValueError where the shapes differ.
    """
    if prompted.shape != plain.shape:
        raise ValueError(
            f"logits of shape {tuple(prompted.shape)} and "
            f"{tuple(plain.shape)}: both readings need the same places"
        )
    logp = prompted.log_softmax(-1)
    logq = plain.log_softmax(-1)
    return (logp.exp() * (logp - logq)).sum(-1)


def profile(kl: Tensor, mask: Tensor) -> Tensor:
    """Mean KL at each place of an answer, over answers that reach it.

    kl, mask: (questions, length). Returns (length,), in nats; NaN at places
    that no answer reaches.
    """
    mean: Tensor = (kl * mask).sum(0) / mask.sum(0)
    return mean
