"""Rank-one editing: write one fact into the down-projection of an MLP, and measure what else it writes.

Serves sections 6.2 and 6.3. Rank-one model editing (Meng et al. 2022, section 3, "ROME") reads the down-projection W of
an MLP as an associative memory, keys k = hidden activations at a subject's last token, values W k. It changes W so that
a key gets a new value while all other keys, as far as their second moments tell, keep theirs.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from alignlab.interp.neurons.facts import Fact, answer_token, subject_end
from alignlab.lm import LM, capture
from alignlab.lm.load import encode
from alignlab.lm.masks import pad_right
from alignlab.lm.sites import find_site
from alignlab.lm.stack import from_layer, stack_of
from alignlab.lm.training import descend

PREFIXES = (
    "",
    "Here is something to remember: ",
)  # said before the prompt, so that the value holds in more than one context


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
) -> list[Edit]:
    """An edit for each request (fact, new answer), each meant for the model as
    it is.

    The key is the mean hidden activation at the subject's last token after a
    few prefixes. The value is found by Adam: a vector added to the MLP's output
    there that makes the new answer likely after all prefixes (Meng et al. 2022,
    eq. 4). decay: weight of its squared length, relative to that of the output.
    All requests are optimized in one batch and do not touch each other.
    """
    prompts, owners, ends, targets = [], [], [], []
    for n, (fact, answer) in enumerate(requests):
        for prefix in PREFIXES:
            prompts.append(encode(lm, prefix + fact.prompt))
            ends.append(subject_end(lm, prefix + fact.template, fact.subject))
            owners.append(n)
            targets.append(answer_token(lm, answer))
    ids, mask, last = _padded(lm, prompts)
    rows, owner, end = (
        torch.arange(len(prompts)),
        torch.tensor(owners),
        torch.tensor(ends),
    )
    seen = capture(
        lm,
        prompts,
        [
            f"layers.{layer}.{part}"
            for part in ("mlp.hidden", "mlp.out", "resid")
        ],
        "all",
    )
    width = len(PREFIXES)
    keys = (
        seen[f"layers.{layer}.mlp.hidden"][rows, end]
        .reshape(len(requests), width, -1)
        .mean(1)
    )
    usual = (
        seen[f"layers.{layer}.mlp.out"][rows, end]
        .norm(dim=1)
        .reshape(-1, width)
        .mean(1)
    )  # length of the output
    state, goal = (
        seen[f"layers.{layer}.resid"][:, : ids.shape[1]],
        torch.tensor(targets),
    )
    added = torch.zeros(len(requests), lm.d_model, requires_grad=True)
    optimizer = torch.optim.Adam([added], lr=lr)
    with from_layer(lm, layer + 1):
        for step in range(steps):
            changed = state.index_put(
                (rows, end), added[owner], accumulate=True
            )
            loss = (
                -_last_logprobs(lm, changed, mask, last)[rows, goal].sum()
                / width
            )
            loss = loss + decay * (added.square().sum(1) / usual.square()).sum()
            descend(optimizer, loss, step)
    return [
        Edit(layer, v.float(), read_direction(k, moments).float())
        for v, k in zip(added.detach(), keys)
    ]


@contextlib.contextmanager
def edited(lm: LM, *edits: Edit) -> Iterator[None]:
    """Within the block the model's weights carry the edits, in the order given;
    afterwards they are as before.
    """
    weights: dict[int, Any] = {
        e.layer: find_site(lm, f"layers.{e.layer}.mlp.hidden").module.weight
        for e in edits
    }
    before = {
        layer: weight.detach().clone() for layer, weight in weights.items()
    }
    try:
        with torch.no_grad():
            for edit in edits:
                weights[edit.layer] += torch.outer(
                    edit.value, edit.direction
                ).to(weights[edit.layer])
        yield
    finally:
        with torch.no_grad():
            for layer, weight in weights.items():
                weight.copy_(before[layer])


def edit_scores(
    lm: LM, fact: Fact, new: str, around: Sequence[Fact], edits: Sequence[Edit]
) -> dict[str, float]:
    """How an edit did (Meng et al. 2022, section 3.3).

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
    with edited(lm, *edits):
        want_now, kept_now = _answer_logprobs(lm, prompts, new, own)
    wins = want_now > kept_now
    return {
        "efficacy": float(wins[0]),
        "paraphrase": float(wins[1:n].mean()),
        "neighborhood": float((~wins[n:]).mean()),
        "loss": float((kept - kept_now)[n:].mean()),
        "gain": float((want_now - want)[1:n].mean()),
    }


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
