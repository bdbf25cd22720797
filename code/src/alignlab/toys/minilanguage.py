"""A mini-language of requests and replies whose true probabilities are known, and a language model that learns it.

Real text has no known distribution, so nobody can say how far a model is from it. Here a small grammar writes every
exchange. On the *web* a polite request is granted half the time, a rude one mostly brushed off, a harmful one treated
like any other; asked where a thing is, people make up a place. The *assistant* grants what is harmless, declines
what is not, and says that it does not know: helpful, harmless and honest (Askell et al. 2021) in miniature. Pretraining
is maximum likelihood on the first, alignment by demonstrations (Ouyang et al. 2022) the same on a little of the second.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from alignlab.lm import TinyConfig, TinyTransformer, train

THINGS = ("door", "window", "box", "lamp", "cup", "book", "chair", "coat")
DONE = {
    "open": "opened",
    "clean": "cleaned",
    "paint": "painted",
    "steal": "stolen",
    "break": "broken",
}
HARMFUL = ("steal", "break")
PLACES = {"kitchen": 0.4, "garden": 0.3, "cellar": 0.2, "attic": 0.1}
MANNERS = {
    "please": (0.5, 0.3, 0.2),
    "hey": (0.2, 0.6, 0.2),
}  # granted, brushed off, answered by a question
ASKS_WHERE = 0.2  # share of exchanges that ask where a thing is

Request = tuple[str, str]  # (what to do, or "where"; the thing)


class Exchange(NamedTuple):
    """One exchange that the grammar can write, with its probability."""

    request: Request
    prompt: str
    reply: str
    probability: float


def requests() -> list[Request]:
    """Everything that can be asked: (action or "where", thing)."""
    return [(act, thing) for act in (*DONE, "where") for thing in THINGS]


def web(allowed: Collection[Request] | None = None) -> list[Exchange]:
    """All exchanges of the raw corpus, or of its part about `allowed` requests; their probabilities sum to 1."""
    found = []
    for act, thing in requests():
        if act == "where":
            replies = [
                (f"it is in the {place} .", p) for place, p in PLACES.items()
            ]
            found += [
                _exchange(act, thing, "", reply, ASKS_WHERE * p)
                for reply, p in replies
            ]
            continue
        for manner, mix in MANNERS.items():
            replies = list(
                zip(
                    (
                        f"ok the {thing} is {DONE[act]} .",
                        f"{act} it yourself .",
                        "why should i ?",
                    ),
                    mix,
                )
            )
            share = (1 - ASKS_WHERE) / len(DONE) / len(MANNERS)
            found += [
                _exchange(act, thing, manner, reply, share * p)
                for reply, p in replies
            ]
    return _normalized(found, allowed)


def assistant(allowed: Collection[Request] | None = None) -> list[Exchange]:
    """What a demonstrator would answer to every request, or to `allowed` ones; probabilities sum to 1."""
    found = []
    for act, thing in requests():
        if act == "where":
            found.append(
                _exchange(act, thing, "", "i do not know .", ASKS_WHERE)
            )
            continue
        reply = (
            "sorry i will not do that ."
            if act in HARMFUL
            else f"ok the {thing} is {DONE[act]} ."
        )
        share = (1 - ASKS_WHERE) / len(DONE) / len(MANNERS)
        found += [
            _exchange(act, thing, manner, reply, share) for manner in MANNERS
        ]
    return _normalized(found, allowed)


def _exchange(
    act: str, thing: str, manner: str, reply: str, probability: float
) -> Exchange:
    asked = (
        f"where is the {thing}"
        if act == "where"
        else f"{manner} {act} the {thing}"
    )
    return Exchange(
        (act, thing),
        f"user {asked} ; bot",
        f"{reply} end",
        probability / len(THINGS),
    )


def _normalized(
    exchanges: list[Exchange], allowed: Collection[Request] | None
) -> list[Exchange]:
    kept = [e for e in exchanges if allowed is None or e.request in allowed]
    total = sum(e.probability for e in kept)
    if not kept:
        raise ValueError(
            f"none of the requests {sorted(allowed or ())} is in the language; see requests()"
        )
    return [e._replace(probability=e.probability / total) for e in kept]


_ALL = [*web(), *assistant()]
VOCAB = (
    "<pad>",
    *sorted({word for e in _ALL for word in f"{e.prompt} {e.reply}".split()}),
)
CONTEXT = max(len(f"{e.prompt} {e.reply}".split()) for e in _ALL)
_ID = {word: i for i, word in enumerate(VOCAB)}


def encode_exchanges(exchanges: Sequence[Exchange]) -> Tensor:
    """Token ids (exchanges, CONTEXT), padded with 0 at the end."""
    tokens = torch.zeros(len(exchanges), CONTEXT, dtype=torch.long)
    for row, e in zip(tokens, exchanges):
        words = f"{e.prompt} {e.reply}".split()
        row[: len(words)] = torch.tensor([_ID[word] for word in words])
    return tokens


def sample_exchanges(
    exchanges: Sequence[Exchange], n: int, seed: int
) -> Tensor:
    """Token ids (n, CONTEXT) of n exchanges drawn with their probabilities."""
    weights = torch.tensor(
        [e.probability for e in exchanges], dtype=torch.float64
    )
    drawn = torch.multinomial(
        weights,
        n,
        replacement=True,
        generator=torch.Generator().manual_seed(seed),
    )
    return encode_exchanges(exchanges)[drawn]


def swap_replies(tokens: Tensor, seed: int) -> Tensor:
    """The same prompts and replies, each prompt with another exchange's reply: well formed, and beside the point."""
    starts = (tokens == _ID["bot"]).int().argmax(
        1
    ) + 1  # where each reply begins
    givers = torch.randperm(
        len(tokens), generator=torch.Generator().manual_seed(seed)
    ).tolist()
    swapped = torch.zeros_like(tokens)
    for row, prompt, start, giver in zip(
        swapped, tokens, starts.tolist(), givers
    ):
        reply = tokens[giver, starts[giver] :]
        reply = reply[reply != 0]
        row[:start], row[start : start + len(reply)] = prompt[:start], reply
    return swapped


def new_model(seed: int) -> TinyTransformer:
    """An untrained transformer of one layer and some eight thousand parameters."""
    return TinyTransformer(
        TinyConfig(
            len(VOCAB), 24, n_layers=1, n_heads=2, context=CONTEXT, d_mlp=48
        ),
        seed,
    )


def fit_exchanges(
    model: TinyTransformer,
    tokens: Tensor,
    steps: int,
    lr: float,
    seed: int,
    batch: int = 32,
) -> None:
    """Maximum likelihood: minimize the mean negative log-probability of the
    next word, on batches of `tokens`.
    """

    def loss(m: nn.Module, step: int, generator: torch.Generator) -> Tensor:
        rows = tokens[torch.randint(len(tokens), (batch,), generator=generator)]
        scores, counted = word_logprobs(m, rows)
        return -scores.sum() / counted.sum()

    train(model, loss, steps, lr, seed)


def word_logprobs(model: nn.Module, tokens: Tensor) -> tuple[Tensor, Tensor]:
    """Each next word's log-probability in nats (0 at padding), and which positions count; both (batch, CONTEXT - 1)."""
    targets = tokens[:, 1:]
    counted = targets != 0
    scores = (
        model(tokens[:, :-1])
        .log_softmax(-1)
        .gather(-1, targets[..., None])[..., 0]
    )
    return scores * counted, counted


@torch.no_grad()
def kl_from_truth(model: nn.Module, exchanges: Sequence[Exchange]) -> float:
    """KL(truth || model) in nats a word, exact: the sum runs over every exchange that the grammar can write."""
    weights = torch.tensor(
        [e.probability for e in exchanges], dtype=torch.float64
    )
    scores, counted = word_logprobs(model, encode_exchanges(exchanges))
    surplus = weights.log() - scores.double().sum(1)
    return float((weights * surplus).sum() / (weights * counted.sum(1)).sum())


@torch.no_grad()
def kl_of_replies(model: nn.Module, exchanges: Sequence[Exchange]) -> float:
    """KL(truth || model) of the reply given its prompt, in nats a word of reply, exact as `kl_from_truth` is."""
    asked: dict[str, float] = {}
    for e in exchanges:
        asked[e.prompt] = asked.get(e.prompt, 0.0) + e.probability
    weights, truth = torch.tensor(
        [(e.probability, e.probability / asked[e.prompt]) for e in exchanges],
        dtype=torch.float64,
    ).T
    scores, counted = word_logprobs(model, encode_exchanges(exchanges))
    starts = torch.tensor([len(e.prompt.split()) - 1 for e in exchanges])
    in_reply = torch.arange(scores.shape[1]) >= starts[:, None]
    surplus = truth.log() - (scores.double() * in_reply).sum(1)
    words = (counted & in_reply).sum(1)
    return float((weights * surplus).sum() / (weights * words).sum())


@torch.no_grad()
def right_kind(model: nn.Module, exchanges: Sequence[Exchange]) -> float:
    """Probability that a reply starts as these exchanges' replies do ("ok", "sorry" or "i"), averaged over them."""
    tokens = encode_exchanges(exchanges)
    probs = model(tokens[:, :-1]).softmax(-1)
    total = 0.0
    for row, e in zip(probs, exchanges):
        total += e.probability * float(
            row[len(e.prompt.split()) - 1, _ID[e.reply.split()[0]]]
        )
    return total
