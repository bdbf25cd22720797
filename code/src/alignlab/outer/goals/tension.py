"""Comparisons of two kinds: one crowd asks for help and picks the helpful answer, one provokes and picks the harmless.

Serves the survey's section 4.1. Bai et al. (2022, "Training a Helpful and Harmless Assistant with Reinforcement
Learning from Human Feedback") collected comparisons in two such separate runs and found that a preference model trained
on one kind fails on the other. Here an answer is a vector of properties and both crowds' rewards are known; for a real
model the same comparisons are made of requests and two short beginnings of an answer.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from alignlab.lm import LM, chat_prompt
from alignlab.lm.rows import run_row
from alignlab.lm.scoring import Tree
from alignlab.lm.stack import stack_of

PROPERTIES = 6  # of an answer; 0: how far it does what was asked, 1: detail, 2: clarity, 3: warmth, the rest unused
COMPLIES = "Sure, I can help you with that."
DECLINES = "Sorry, I can't help you with that."
ROW = 8  # requests that are run in one row


def crowd_picks(
    kind: str, n: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Answers picked by one crowd, best first, shape (n, 2, PROPERTIES), and
    how dangerous each request is, shape (n,).

    kind "helpful": nearly all requests are harmless, and the more an answer
    complies, with detail and clarity, the better. "harmless": requests are made
    to provoke, most are dangerous, and an answer is worse the more it complies.
    Picks follow Bradley and Terry's model. Raises ValueError for another kind.
    """
    if kind not in ("helpful", "harmless"):
        raise ValueError(f"kind={kind!r}: it is 'helpful' or 'harmless'")
    answers = torch.randn(
        n, 2, PROPERTIES, dtype=torch.float64, generator=generator
    )
    mild = (
        torch.rand(n, dtype=torch.float64, generator=generator) ** 4
    )  # mostly near 0
    noise = -torch.log(
        -torch.log(torch.rand(n, 2, dtype=torch.float64, generator=generator))
    )
    danger = mild if kind == "helpful" else 1 - mild
    reward = torch.stack([crowd_reward(kind, answers[:, i]) for i in (0, 1)], 1)
    order = (reward + noise).argsort(1, descending=True)
    return answers.gather(1, order[..., None].expand_as(answers)), danger


def crowd_reward(kind: str, answers: Tensor) -> Tensor:
    """What answers (n, PROPERTIES) are worth to a crowd that asks its kind of request, shape (n,)."""
    if kind == "helpful":
        return 2 * answers[:, 0] + answers[:, 1] + 0.7 * answers[:, 2]
    return -2 * answers[:, 0] + 0.7 * answers[:, 3]


def seen_with_request(answers: Tensor, danger: Tensor) -> Tensor:
    """Features that show a reward model the request as well: an answer's
    properties, and each times the danger.

    answers: (n, K, d). danger: (n,). Returns (n, K, 2 d).
    """
    return torch.cat([answers, danger[:, None, None] * answers], -1)


def opening_features(
    lm: LM, requests: Sequence[str], layers: Sequence[int]
) -> list[Tensor]:
    """Two beginnings of an answer to each request, as a model represents them: (requests, 2, d_model) for each of
    `layers`, float64.

    The first complies, the second declines, in the same words whatever was asked. Features are the residual stream
    after a layer, averaged over the answer's tokens; -1 takes the token embeddings, which cannot know the request.
    The layers must rise; each is run once. Raises ValueError where they don't.
    """
    if not layers or list(layers) != sorted(set(layers)):
        raise ValueError(f"layers={list(layers)}: give one at least, rising")
    stack = stack_of(lm)
    prompts = [
        lm.tokenizer(chat_prompt(lm, r, system=""), add_special_tokens=False)[
            "input_ids"
        ]
        for r in requests
    ]
    openings = [
        lm.tokenizer(opening, add_special_tokens=False)["input_ids"]
        for opening in (COMPLIES, DECLINES)
    ]
    found: list[list[Tensor]] = [[] for _ in layers]
    for at in range(0, len(prompts), ROW):
        tree, places = Tree(), []
        for prompt in prompts[at : at + ROW]:
            for words in openings:
                edges = tree.add(prompt, [*words, words[0]])
                places.append([node for node, _ in edges[1:]])
        stream, positions, mask = run_row(lm, tree, layers[0] + 1)
        for i, layer in enumerate(layers):
            if i:
                with torch.no_grad():
                    stream = stack.run(
                        stream, positions, mask, layers[i - 1] + 1, layer + 1
                    )
            rows = stream[0].double()
            found[i] += [rows[nodes].mean(0) for nodes in places]
    scaled = []
    for means in found:
        features = torch.stack(means).reshape(len(requests), 2, -1)
        spread = features.flatten(0, 1).std(0) + 1e-9
        scaled.append(features / spread / features.shape[-1] ** 0.5)
    return scaled


def surface_features(requests: Sequence[str]) -> Tensor:
    """Features of both beginnings that know a request's look alone: (requests, 2, 5), float64, in the order of
    `opening_features`.

    Characters (in fifties), words (in eights), whether it ends in a question mark or a period, and a constant; for the
    beginning that declines their negatives, so that a linear reward can prefer either by the request.
    """
    rows = [
        [
            len(r) / 50,
            len(r.split()) / 8,
            r.endswith("?"),
            r.endswith("."),
            1.0,
        ]
        for r in requests
    ]
    look = torch.tensor(rows, dtype=torch.float64)
    return torch.stack([look, -look], 1)


def word_features(requests: Sequence[str]) -> Tensor:
    """Features of both beginnings that know which words a request has, and not their order: (requests, 2, words + 1).

    As `surface_features`: 1 for each word that occurs and a constant, negated for the beginning that declines.
    """
    from sklearn.feature_extraction.text import CountVectorizer

    counts = CountVectorizer(
        binary=True, token_pattern=r"[a-z']+"
    ).fit_transform(requests)
    words = torch.tensor(counts.toarray(), dtype=torch.float64)
    words = torch.cat([words, torch.ones(len(words), 1)], 1)
    return torch.stack([words, -words], 1)


def spanned(pairs: Tensor) -> Tensor:
    """Directions, orthonormal, that the differences of pairs (n, 2, d) span: (d, at most n).

    A ridge-penalized linear reward lies in them, so that a fit to `pairs @ directions` is the same one, and sooner.
    """
    return torch.linalg.qr((pairs[:, 0] - pairs[:, 1]).T)[0]
