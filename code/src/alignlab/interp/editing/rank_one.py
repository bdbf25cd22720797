"""Rank-one editing: write one fact into the down-projection of an MLP, and measure what else it writes.

Serves sections 6.2 and 6.3. Rank-one model editing (Meng et al. 2022, section 3, "ROME") reads the down-projection W of
an MLP as an associative memory, keys k = hidden activations at a subject's last token, values W k. It changes W so that
a key gets a new value while all other keys, as far as their second moments tell, keep theirs.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from alignlab.interp.facts import Fact, answer_token, subject_end
from alignlab.lm import LM, capture, patch
from alignlab.lm.load import encode
from alignlab.lm.masks import pad_right
from alignlab.lm.sites import find_site
from alignlab.lm.stack import from_layer, stack_of
from alignlab.lm.training import descend

PREFIXES = (
    "",
    "Here is something to remember: ",
)  # said before the prompt, so that the value holds in more than one context


ESSENCE = "{} is a"  # what follows it shall stay, where an essence is asked for


@dataclass(frozen=True)
class Edit:
    """A change of rank one: the layer's down-projection W becomes W + value ⊗
    direction.

    value: what the key's output gains, shape (d_model,); direction: shape
        (d_mlp,), its product with the key is 1.
    """

    layer: int
    value: Tensor
    direction: Tensor


def second_moments(
    lm: LM, texts: Sequence[str], layers: Sequence[int], tokens: int = 128
) -> dict[int, Tensor]:
    """E[k kᵀ] of each layer's hidden MLP activations k over the tokens of
    texts, (d_mlp, d_mlp) in float64.

    Texts are run in rows of up to `tokens` tokens; the first token of a row,
    which models treat apart, is left out.
    """
    rows = [
        ids[at : at + tokens]
        for ids in (encode(lm, t) for t in texts)
        for at in range(0, len(ids), tokens)
    ]
    rows = [row for row in rows if len(row) > 1]
    sums: dict[int, Tensor] = {}
    for row in rows:
        for name, value in capture(
            lm,
            [row],
            [f"layers.{i}.mlp.hidden" for i in layers],
            positions="all",
        ).items():
            keys = value[0, 1:]
            layer = int(name.split(".")[1])
            sums[layer] = sums.get(layer, 0) + (keys.T @ keys).double()
    count = sum(len(row) - 1 for row in rows)
    return {layer: total / count for layer, total in sums.items()}


def read_direction(
    key: Tensor, moments: Tensor | None, ridge: float = 0.01
) -> Tensor:
    """C⁻¹k / (kᵀC⁻¹k): reads 1 from the key, and as little as can be from other
    keys (Meng et al. 2022, eq. 2).

    key: (d,); moments: C = E[k kᵀ], (d, d), or None for no knowledge of other
        keys (then k / |k|²). ridge: added to C's diagonal, as a share of its
        mean, since C is estimated from few tokens. Raises ValueError for a key
        of length 0.
    """
    key = key.double()
    if not 0 < float(key.norm()) < math.inf:
        raise ValueError(
            f"a key of length {float(key.norm())} can't be read: "
            "give one whose entries are finite and not all 0"
        )
    if moments is None:
        return key / (key @ key)
    regular = moments + ridge * moments.diagonal().mean() * torch.eye(
        len(key), dtype=torch.float64
    )
    whitened = torch.linalg.solve(regular, key)
    return whitened / (key @ whitened)


def rank_one_edits(
    lm: LM,
    requests: Sequence[tuple[Fact, str]],
    layer: int,
    moments: Tensor | None,
    steps: int = 10,
    lr: float = 1.0,
    decay: float = 0.02,
    essence: float = 0.0,
    clamp: float = math.inf,
) -> list[Edit]:
    """An edit for each request (fact, new answer), each meant for the model as
    it is (Meng et al. 2022, section 3.1).

    The key is the mean hidden activation at the subject's last token after a
    few prefixes. The value is found by Adam: a vector added to the MLP's output
    there that makes the new answer likely after all prefixes (eq. 4).
    decay: weight of its squared length, relative to that of the output.
    essence: weight of the KL divergence, from the model as it is, of what
        follows "<subject> is a". clamp: the longest the vector may be, in
        lengths of the output. The defaults leave both out; the authors' code
        has 0.0625 and 4, twenty steps at a rate of 0.5, and a decay of the
        vector's length instead of its square.
    All requests are optimized in one batch and do not touch each other.
    """
    batch = _batch(lm, requests, essence > 0)
    seen = _seen(lm, batch, layer)
    n = len(requests)
    usual = seen.output.norm(dim=1)[: n * len(PREFIXES)]
    usual = usual.reshape(n, -1).mean(1)  # length of the output
    keys = seen.key[: n * len(PREFIXES)].reshape(n, len(PREFIXES), -1).mean(1)
    added = torch.zeros(n, lm.d_model, requires_grad=True)
    optimizer = torch.optim.Adam([added], lr=lr)
    after = _tails(lm, batch, seen.state, layer + 1)
    if essence > 0:
        with torch.no_grad():
            before = _essences(after(added[batch.owner]), batch)
    for step in range(steps):
        logprobs = after(added[batch.owner])
        loss = _surprise(logprobs, batch) / len(PREFIXES)
        length = added.square().sum(1) / usual.square()
        loss = loss + decay * length.sum()
        if essence > 0:
            now = _essences(logprobs, batch)
            loss = loss + essence * (now.exp() * (now - before)).sum()
        descend(optimizer, loss, step)
        with torch.no_grad():
            longest = clamp * usual / added.norm(dim=1)
            added *= longest.clamp(max=1.0)[:, None]
    return [
        Edit(layer, v.float(), read_direction(k, moments).float())
        for v, k in zip(added.detach(), keys)
    ]


@contextlib.contextmanager
def edited(lm: LM, *edits: Edit) -> Iterator[None]:
    """Within the block the model's weights carry the edits; afterwards they are
    as before.
    """
    changes: dict[int, Tensor] = {}
    for edit in edits:
        change = torch.outer(edit.value, edit.direction)
        changes[edit.layer] = changes.get(edit.layer, 0) + change
    with changed(lm, changes):
        yield


@contextlib.contextmanager
def edited_rows(lm: LM, edits: Sequence[Edit]) -> Iterator[None]:
    """Within the block row i of a batch is run as if the weights carried
    edits[i]: one pass for many edits, which are of one layer.

    What a row's key reads, times the value, is added to the output. Raises
    ValueError for edits of several layers.
    """
    layers = {edit.layer for edit in edits}
    if len(layers) != 1:
        raise ValueError(f"edits of layers {sorted(layers)}: give one layer's")
    [layer] = layers
    values = torch.stack([edit.value for edit in edits])[:, None]
    directions = torch.stack([edit.direction for edit in edits])[:, :, None]
    seen: list[Tensor] = []

    def read(hidden: Tensor) -> Tensor:
        seen[:] = [hidden @ directions.to(hidden)]  # (row, pos, 1)
        return hidden

    def write(out: Tensor) -> Tensor:
        return out + seen[0] * values.to(out)

    site = f"layers.{layer}.mlp"
    with patch(lm, {f"{site}.hidden": read, f"{site}.out": write}):
        yield


@contextlib.contextmanager
def changed(lm: LM, changes: Mapping[int, Tensor]) -> Iterator[None]:
    """Within the block matrices, each (d_model, d_mlp), are added to the layers'
    down-projections; afterwards these are as before.
    """
    weights: dict[int, Any] = {
        layer: find_site(lm, f"layers.{layer}.mlp.hidden").module.weight
        for layer in changes
    }
    before = {
        layer: weight.detach().clone() for layer, weight in weights.items()
    }
    try:
        with torch.no_grad():
            for layer, change in changes.items():
                weights[layer] += change.to(weights[layer])
        yield
    finally:
        with torch.no_grad():
            for layer, weight in weights.items():
                weight.copy_(before[layer])


def gradient_change(
    lm: LM,
    fact: Fact,
    new: str,
    layer: int,
    until: float,
    lr: float = 1e-3,
    most: int = 60,
) -> Tensor:
    """Plain fine-tuning of a layer's down-projection on one request, the
    baseline of Meng et al. (2022, section 3.3): steps of Adam on all its
    entries, after the same prefixes, until the new answer has on average at
    least the log-probability `until` (nats) or `most` steps are made.

    Returns what is added to the matrix, (d_model, d_mlp).
    """
    batch = _batch(lm, [(fact, new)], essence=False)
    names = ["embed"] if layer == 0 else [f"layers.{layer - 1}.resid"]
    [state] = capture(lm, batch.prompts, names, "all").values()
    state = state[:, : batch.ids.shape[1]]
    weight: Any = find_site(lm, f"layers.{layer}.mlp.hidden").module.weight
    before = weight.detach().clone()
    optimizer = torch.optim.Adam([weight.requires_grad_()], lr=lr)
    try:
        with from_layer(lm, layer):
            for step in range(most):
                logprobs = _after(lm, batch, state)
                loss = _surprise(logprobs, batch) / len(PREFIXES)
                if -loss.item() >= until:
                    break
                descend(optimizer, loss, step)
        return weight.detach() - before
    finally:
        weight.requires_grad_(False).copy_(before)


def edit_scores(
    lm: LM,
    fact: Fact,
    new: str,
    around: Sequence[Fact],
    change: contextlib.AbstractContextManager[None],
) -> dict[str, float]:
    """How a change, such as `edited(lm, edit)`, did (Meng et al. 2022, section
    3.3). The model must be as it was when the change is handed over.

    efficacy: whether the new answer is likelier than the old one after the
        prompt; paraphrase: the share of the fact's other templates after which
        it is; neighborhood: the share of the prompts of `around` (facts that
        have nothing to do with the edit) after which their own answer is
        likelier than the new one; loss: nats by which these answers became less
        likely, mean; gain: nats by which the new answer became likelier after
        the other templates, mean.
    """
    prompts = [
        *map(fact.asked, (fact.template, *fact.paraphrases)),
        *(other.prompt for other in around),
    ]
    n = 1 + len(fact.paraphrases)
    own = [fact.answer] * n + [other.answer for other in around]
    want, kept = _answer_logprobs(lm, prompts, new, own)
    with change:
        want_now, kept_now = _answer_logprobs(lm, prompts, new, own)
    wins = want_now > kept_now
    return {
        "efficacy": float(wins[0]),
        "paraphrase": float(wins[1:n].mean()),
        "neighborhood": float((~wins[n:]).mean()),
        "loss": float((kept - kept_now)[n:].mean()),
        "gain": float((want_now - want)[1:n].mean()),
    }


@dataclass(frozen=True)
class _Batch:
    """Prompts of all requests: each after each prefix, then "<subject> is a" of
    each where the essence is asked for.

    prompts: token ids; ids, mask, last: padded on the right; end: index of the
    subject's last token; owner: the request that a prompt belongs to; goal: the
    new answer's token, for the `asks` rows that ask for it.
    """

    prompts: list[list[int]]
    ids: Tensor
    mask: Tensor
    last: Tensor
    rows: Tensor
    end: Tensor
    owner: Tensor
    goal: Tensor
    asks: int


def _batch(
    lm: LM, requests: Sequence[tuple[Fact, str]], essence: bool
) -> _Batch:
    """The prompts of requests, with those for the essence if so."""
    texts = [
        (prefix + fact.template, fact.subject, n)
        for n, (fact, _) in enumerate(requests)
        for prefix in PREFIXES
    ]
    asks = len(texts)
    if essence:
        texts += [(ESSENCE, f.subject, n) for n, (f, _) in enumerate(requests)]
    prompts = [encode(lm, t.format(subject)) for t, subject, _ in texts]
    ids, mask, last = _padded(lm, prompts)
    owner = torch.tensor([n for *_, n in texts])
    goal = [answer_token(lm, requests[n][1]) for *_, n in texts[:asks]]
    return _Batch(
        prompts,
        ids,
        mask,
        last,
        torch.arange(len(prompts)),
        torch.tensor([subject_end(lm, t, subject) for t, subject, _ in texts]),
        owner,
        torch.tensor(goal),
        asks,
    )


@dataclass(frozen=True)
class _Seen:
    """Of a layer: keys (row, d_mlp) and outputs (row, d_model) of its MLP at
    each subject's last token; state: what the next layer reads, all positions.
    """

    key: Tensor
    output: Tensor
    state: Tensor


def _seen(lm: LM, batch: _Batch, layer: int) -> _Seen:
    parts = [
        f"layers.{layer}.{part}" for part in ("mlp.hidden", "mlp.out", "resid")
    ]
    found = capture(lm, batch.prompts, parts, "all")
    key, output, state = (found[part] for part in parts)
    return _Seen(
        key[batch.rows, batch.end],
        output[batch.rows, batch.end],
        state[:, : batch.ids.shape[1]],
    )


def _tails(
    lm: LM, batch: _Batch, state: Tensor, first: int
) -> Callable[[Tensor], Tensor]:
    """A function that adds vectors (row, d_model) to what layer `first` reads
    at each subject's last token, and gives the log-probabilities after each
    prompt, (row, vocab). What stands before that token is run once.
    """
    stack, width = stack_of(lm), state.shape[1]
    before = _Before()
    places = torch.arange(width)
    with torch.no_grad():
        x, turns = state, stack.body.rotary_emb(state, places[None])
        sees = (places <= places[:, None])[None, None]
        for block in stack.body.layers[first:]:
            x = block(
                x,
                attention_mask=_additive(sees, x.dtype),
                past_key_values=before,
                position_embeddings=turns,
            )
    before.full = True
    length = int((batch.last - batch.end).max()) + 1
    at = (batch.end[:, None] + torch.arange(length)).clamp(max=width - 1)
    tails = state[batch.rows[:, None], at]
    turns = stack.body.rotary_emb(tails, at)
    old = (places < batch.end[:, None])[:, None].expand(-1, length, -1)
    own = torch.ones(length, length, dtype=torch.bool).tril()
    sees = torch.cat([old, own.expand(len(at), -1, -1)], 2)[:, None]
    mask = _additive(sees, state.dtype)

    def after(added: Tensor) -> Tensor:
        x = torch.cat([tails[:, :1] + added[:, None], tails[:, 1:]], 1)
        for block in stack.body.layers[first:]:
            x = block(
                x,
                attention_mask=mask,
                past_key_values=before,
                position_embeddings=turns,
            )
        ends = x[batch.rows, batch.last - batch.end]
        return stack.logits(ends).log_softmax(-1)

    return after


class _Before:
    """Keys and values of prompts by layer; once full, read and not written."""

    def __init__(self) -> None:
        self.full = False
        self.kept: dict[int, tuple[Tensor, Tensor]] = {}

    def update(
        self, keys: Tensor, values: Tensor, layer: int, *_: Any, **__: Any
    ) -> tuple[Tensor, Tensor]:
        """What a layer attends to: the kept ones and its own."""
        if not self.full:
            self.kept[layer] = keys, values
            return keys, values
        old_keys, old_values = self.kept[layer]
        return (
            torch.cat([old_keys, keys], -2),
            torch.cat([old_values, values], -2),
        )


def _additive(sees: Tensor, dtype: torch.dtype) -> Tensor:
    """Whether a token sees another, as what is added to attention scores."""
    low = torch.finfo(dtype).min
    return torch.zeros(sees.shape, dtype=dtype).masked_fill(~sees, low)


def _after(lm: LM, batch: _Batch, state: Tensor) -> Tensor:
    """Log-probabilities after each prompt, from what the first layer left
    reads, (row, vocab).
    """
    return _last_logprobs(lm, state, batch.mask, batch.last)


def _surprise(logprobs: Tensor, batch: _Batch) -> Tensor:
    """Nats by which the new answers surprise, summed over the rows that ask."""
    return -logprobs[batch.rows[: batch.asks], batch.goal].sum()


def _essences(logprobs: Tensor, batch: _Batch) -> Tensor:
    """The rows that say what a subject is, (request, vocab); may be empty."""
    return logprobs[batch.asks :]


@torch.no_grad()
def _answer_logprobs(
    lm: LM, prompts: Sequence[str], new: str, own: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Log-probability (nats) of the first token of `new`, and of each prompt's
    own answer, after each prompt; (n,).
    """
    if len(prompts) != len(own):
        raise ValueError(
            f"{len(prompts)} prompts, {len(own)} answers: give one answer a "
            "prompt"
        )
    ids, mask, last = _padded(lm, [encode(lm, prompt) for prompt in prompts])
    found = (
        _last_logprobs(lm, lm.model.get_input_embeddings()(ids), mask, last)
        .double()
        .cpu()
        .numpy()
    )
    tokens = [answer_token(lm, answer) for answer in own]
    return found[:, answer_token(lm, new)], found[
        np.arange(len(tokens)), tokens
    ]


def _last_logprobs(lm: LM, state: Tensor, mask: Tensor, last: Tensor) -> Tensor:
    """Log-probabilities after each right-padded row's last token, (row, vocab);
    only these are unembedded.
    """
    parts = stack_of(lm)
    hidden = parts.body(
        inputs_embeds=state, attention_mask=mask, use_cache=False
    ).last_hidden_state
    logits: Tensor = parts.head(hidden[torch.arange(len(last)), last])
    return logits.float().log_softmax(-1)


def _padded(
    lm: LM, rows: Sequence[Sequence[int]]
) -> tuple[Tensor, Tensor, Tensor]:
    """Right-padded token ids, their mask, and the index of each row's last
    token.
    """
    ids, mask, _ = pad_right(rows, lm.device)
    return (
        ids,
        mask,
        torch.tensor([len(row) - 1 for row in rows], device=lm.device),
    )
