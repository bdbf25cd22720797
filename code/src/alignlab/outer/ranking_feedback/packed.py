"""Preference learning on a language model without computing anything twice.

Serves the survey's section 4.3.2, where DPO (Rafailov et al. 2023) meets a real model. Both answers of a comparison
stand after the same prompt in one row, `prompt | chosen | rejected`; a mask hides them from each other, so the prompt
is run once, and its gradient counts for both. Several comparisons are joined to one longer row in the same way, so that
what all prompts begin with, such as the chat template, is run once too. The unembedding, a fifth of a small model, and
the last layer's MLP are applied only where an answer's next token is predicted. Where the lower layers stay as they
are, they are run once for the whole of training and their output is kept. The log-probabilities are those of two
separate texts.

    packed = pack([(prompt_ids, chosen_ids, rejected_ids), ...])
    hidden = below(lm, packed, layers=24)                       # once
    policy = pair_logprobs(lm, packed, hidden, first=24)        # as often as wanted, with gradient
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from typing import NamedTuple

import torch
from torch import Tensor

from alignlab.lm import LM, chat_prompt, train
from alignlab.lm.load import encode
from alignlab.lm.sites import network_of
from alignlab.lm.stack import Stack, same_stack, stack_of
from alignlab.outer.ranking_feedback.direct import Pair, dpo_loss

Triple = tuple[
    Sequence[int], Sequence[int], Sequence[int]
]  # token ids of prompt, chosen and rejected answer
JOINED = 8  # comparisons that are joined to one row
LLAMA = (
    "LlamaDecoderLayer",
    "MistralDecoderLayer",
    "Qwen2DecoderLayer",
)  # layers that add their attention, then the MLP of its sum, and no more


@dataclass(frozen=True)
class Packed:
    """Comparisons as rows `prompt | chosen | rejected`, filled up on the right; n rows of length T.

    tokens, positions: (n, T), positions counted as if each answer stood alone after the prompt. visible: bool
    (n, T, T), what each position (rows) may attend to. source, target: (n, 2, answer), the place from which each
    answer's token is predicted and the token; counts: bool, of the same shape, which of them are there.
    """

    tokens: Tensor
    positions: Tensor
    visible: Tensor
    source: Tensor
    target: Tensor
    counts: Tensor

    def __len__(self) -> int:
        """How many comparisons."""
        return len(self.tokens)

    def __getitem__(self, rows: Tensor | slice) -> Packed:
        """Some of the comparisons."""
        return Packed(
            *(getattr(self, field.name)[rows] for field in fields(self))
        )

    @property
    def lengths(self) -> Pair:
        """Tokens of the chosen and of the rejected answers, (n,)."""
        return Pair(*self.counts.sum(2).unbind(1))


def chat_triples(
    lm: LM, comparisons: Iterable[tuple[str, str, str]]
) -> list[Triple]:
    """Token ids of (request, chosen, rejected) in the model's chat template, each answer with its end-of-turn token."""
    end = [lm.tokenizer.eos_token_id]
    ids = lm.tokenizer
    return [
        (
            encode(lm, chat_prompt(lm, request)),
            ids(chosen, add_special_tokens=False)["input_ids"] + end,
            ids(rejected, add_special_tokens=False)["input_ids"] + end,
        )
        for request, chosen, rejected in comparisons
    ]


def pack(
    triples: Sequence[Triple], device: torch.device | str = "cpu"
) -> Packed:
    """Comparisons laid out for one forward pass.

    Raises ValueError where there are none, or a prompt or an answer has no tokens.
    """
    if not triples:
        raise ValueError("no comparisons: give at least one to pack")
    if any(not part for triple in triples for part in triple):
        raise ValueError(
            "a prompt and both its answers need at least one token each"
        )
    n, width = len(triples), max(sum(map(len, triple)) for triple in triples)
    longest = max(len(answer) for _, *answers in triples for answer in answers)
    tokens, positions = (
        torch.zeros(n, width, dtype=torch.long) for _ in range(2)
    )
    part = torch.full(
        (n, width), -1
    )  # 0 prompt, 1 chosen, 2 rejected, -1 nothing
    source, target = (
        torch.zeros(n, 2, longest, dtype=torch.long) for _ in range(2)
    )
    counts = torch.zeros(n, 2, longest, dtype=torch.bool)
    for i, (prompt, *answers) in enumerate(triples):
        at = len(prompt)
        tokens[i, :at], positions[i, :at], part[i, :at] = (
            torch.tensor(prompt),
            torch.arange(at),
            0,
        )
        for which, answer in enumerate(answers):
            here = slice(at, at + len(answer))
            tokens[i, here] = target[i, which, : len(answer)] = torch.tensor(
                answer
            )
            positions[i, here], part[i, here] = (
                torch.arange(len(answer)) + len(prompt),
                which + 1,
            )
            source[i, which, : len(answer)] = torch.tensor(
                [len(prompt) - 1, *range(at, at + len(answer) - 1)]
            )
            counts[i, which, : len(answer)] = True
            at += len(answer)
    query, key = part[:, :, None], part[:, None, :]
    visible = (
        torch.ones(width, width, dtype=torch.bool).tril()
        & ((key == query) | (key == 0))
        & (key >= 0)
    )
    visible |= torch.eye(
        width, dtype=torch.bool
    )  # a place without token sees itself, so that no softmax is empty
    return Packed(
        *(
            x.to(device)
            for x in (tokens, positions, visible, source, target, counts)
        )
    )


@torch.no_grad()
def below(lm: LM, packed: Packed, layers: int) -> Tensor:
    """The residual stream after the lowest `layers` layers, (n, T, d_model), without gradient.

    As long as these layers and the embedding are not trained, one run serves every step. Where no answer's token is
    predicted, nor anything that one is predicted from, the numbers mean nothing.
    """
    parts = stack_of(lm)
    _check_layer(lm, layers)
    found = []
    for rows in torch.arange(len(packed)).split(JOINED):
        few = packed[rows]
        row = _joined(few)
        x = parts.body.embed_tokens(few.tokens[row.whose, row.at])[None]
        x = parts.run(
            x, few.positions[row.whose, row.at][None], row.mask(x), last=layers
        )
        found.append(x[0, row.place])
    return torch.cat(found)


def pair_logprobs(
    lm: LM, packed: Packed, hidden: Tensor | None = None, first: int = 0
) -> Pair:
    """Summed log-probabilities of both answers, nats, float32, each (n,), with
    gradient.

    hidden: what `below(lm, packed, first)` gave; None runs the whole model.
    Raises ValueError where `first` and `hidden` don't go together.
    """
    if (hidden is None) != (first == 0):
        raise ValueError(
            f"layers from {first} on need the output of those below: "
            f"hidden=below(lm, packed, {first})"
        )
    parts = stack_of(lm)
    _check_layer(lm, first)
    x = parts.body.embed_tokens(packed.tokens) if hidden is None else hidden
    sums = []
    for rows in torch.arange(len(packed)).split(JOINED):
        few = packed[rows]
        states, each = _answer_states(parts, x[rows], few, first)
        logits = parts.logits(states)  # (places, vocab)
        picked = logits[each, few.target[few.counts]]  # (answer tokens,)
        logp = picked - logits.logsumexp(-1)[each]
        spread = torch.zeros(few.counts.shape, device=x.device)
        sums.append(spread.masked_scatter(few.counts, logp).sum(2))
    return Pair(*torch.cat(sums).unbind(1))


def chosen_only(packed: Packed, turned: Tensor) -> Packed:
    """The same comparisons for a loss that looks at the chosen answers alone; the others are neither run nor scored.

    turned: bool, (n,), where the answer packed as rejected was chosen. The log-probability of the others is then 0.
    """
    kept = torch.stack([~turned, turned], 1).to(packed.counts.device)
    return replace(packed, counts=packed.counts & kept[:, :, None])


def with_own_top(lm: LM, first: int) -> LM:
    """The same model with its layers from `first` on copied, so that they can be trained; all else is shared."""
    stack_of(lm)
    _check_layer(lm, first)
    if network_of(lm)[0] is not lm.model:
        raise ValueError(
            f"{lm.name} carries an adapter: merge it into the weights before layers are copied"
        )
    model, body = copy.copy(lm.model), copy.copy(lm.model.model)
    model._modules, body._modules = dict(model._modules), dict(body._modules)
    top = copy.deepcopy(list(body.layers[first:]))
    body.layers, model.model = (
        torch.nn.ModuleList([*body.layers[:first], *top]),
        body,
    )
    same_stack(model, lm.model)
    return replace(lm, model=model)


@torch.no_grad()
def reference_logprobs(
    lm: LM, packed: Packed, hidden: Tensor, first: int, batch: int = 8
) -> Pair:
    """`pair_logprobs` without gradient, a few comparisons at a time; once for the whole of training."""
    rows = torch.arange(len(packed)).split(batch)
    return Pair(
        *(
            torch.cat(side)
            for side in zip(
                *(pair_logprobs(lm, packed[r], hidden[r], first) for r in rows)
            )
        )
    )


def fit_dpo(
    lm: LM,
    packed: Packed,
    hidden: Tensor,
    first: int,
    steps: int,
    lr: float,
    beta: float,
    batch: int,
    seed: int,
    turned: Tensor | None = None,
    reference: Pair | None = None,
    order: Tensor | None = None,
    loss_of: Callable[[Pair, Pair, float], Tensor] | None = None,
) -> tuple[LM, list[float]]:
    """DPO on the layers from `first` on, all their weights, with `lm` as the reference; the new model and its losses.

    hidden: of `below(lm, packed, first)`. batch: comparisons a step, drawn in turns without repetition. turned: bool,
    (n,), the comparisons in which the answer packed as rejected was chosen, so that one cache serves all labels.
    reference: what `reference_logprobs` gives, if it is known already. order: long, (n,), the comparisons' order, from
    which each step takes the next `batch`; by default the seed draws one. loss_of: another loss than `dpo_loss`, called
    as it is with policy, reference and beta.
    """
    tuned = with_own_top(lm, first)
    tuned.model.model.layers[first:].requires_grad_(True)
    turned = (
        torch.zeros(len(packed), dtype=torch.bool) if turned is None else turned
    )
    turned = turned.to(hidden.device)
    reference = (
        reference_logprobs(lm, packed, hidden, first)
        if reference is None
        else reference
    )
    if order is None:
        order = torch.randperm(
            len(packed), generator=torch.Generator().manual_seed(seed)
        )
    rounds = order

    def loss(
        _model: torch.nn.Module, step: int, _generator: torch.Generator
    ) -> Tensor:
        rows = rounds.roll(-step * batch)[:batch]
        policy = pair_logprobs(tuned, packed[rows], hidden[rows], first)
        before = Pair(*(side[rows] for side in reference))
        return (loss_of or dpo_loss)(
            _turn(policy, turned[rows]), _turn(before, turned[rows]), beta
        ).mean()

    losses = train(
        tuned.model.model.layers[first:], loss, steps=steps, lr=lr, seed=seed
    )
    tuned.model.model.layers.requires_grad_(False)
    tuned.model.eval()
    return tuned, losses


def _check_layer(lm: LM, layer: int) -> None:
    if not 0 <= layer <= lm.n_layers:
        raise ValueError(
            f"layer {layer} asked for, {lm.name} has {lm.n_layers}: give 0 to {lm.n_layers}"
        )


def _turn(pair: Pair, turned: Tensor) -> Pair:
    """Chosen and rejected, exchanged where `turned`."""
    a, b = pair
    return Pair(torch.where(turned, b, a), torch.where(turned, a, b))


class _Joined(NamedTuple):
    """Comparisons side by side in one row, what all begin with once, and no place that nothing is predicted from.

    whose, at: (row,), of which comparison each place is, and where it stands there; visible: bool (row, row); place:
    (n, T), where in the row a comparison's places stand.
    """

    whose: Tensor
    at: Tensor
    visible: Tensor
    place: Tensor

    def mask(self, x: Tensor) -> Tensor:
        """What is added to attention scores, (1, 1, row, row), of the residual stream's kind."""
        mask = torch.zeros(self.visible.shape, dtype=x.dtype, device=x.device)
        return mask.masked_fill_(~self.visible, torch.finfo(x.dtype).min)[
            None, None
        ]


def _joined(packed: Packed) -> _Joined:
    rows = torch.arange(len(packed), device=packed.tokens.device)[:, None]
    same = (packed.tokens == packed.tokens[0]).all(0).cumprod(0).sum()
    prompt = packed.source[:, :, 0].min() + 1  # of the shortest
    shared = int(torch.minimum(same, prompt))
    sees = packed.visible[rows, packed.source.flatten(1)]
    needed = (sees & packed.counts.flatten(1)[:, :, None]).any(1)
    needed[1:, :shared] = False
    whose, at = needed.nonzero().unbind(1)
    own = (whose[:, None] == whose) | (at < shared)
    place = needed.flatten().cumsum(0).view(needed.shape) - 1
    place[1:, :shared] = place[0, :shared]
    return _Joined(
        whose, at, packed.visible[whose[:, None], at[:, None], at] & own, place
    )


def _answer_states(
    parts: Stack, x: Tensor, packed: Packed, first: int
) -> tuple[Tensor, Tensor]:
    """The last layer's residual stream at the places where an answer's token is predicted, (places, d_model).

    x: the stream that enters layer `first`, (n, T, d_model). Returns also which of the places predicts each answer's
    token, (answer tokens,): the first token of both answers has the same.
    """
    row = _joined(packed)
    rows = torch.arange(len(packed), device=x.device)[:, None, None]
    read, each = row.place[rows, packed.source][packed.counts].unique(
        return_inverse=True
    )
    x, positions = (y[row.whose, row.at][None] for y in (x, packed.positions))
    mask, last = row.mask(x), parts.body.layers[-1]
    if first == len(parts.body.layers) or type(last).__name__ not in LLAMA:
        return parts.run(x, positions, mask, first)[0, read], each
    x = parts.run(x, positions, mask, first, -1)
    turns = parts.body.rotary_emb(x, positions)
    heads = last.self_attn(
        last.input_layernorm(x),
        attention_mask=mask,
        position_ids=positions,
        position_embeddings=turns,
    )
    x = (x + heads[0])[0, read]
    return x + last.mlp(last.post_attention_layernorm(x)), each
