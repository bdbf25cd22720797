"""Rank-one edits of two dozen facts that SmolLM2 knows, in eight layers: their scores, tracing, and what breaks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from alignlab.interp.editing.rank_one import (
    Edit,
    edit_scores,
    edited,
    rank_one_edits,
    second_moments,
)
from alignlab.interp.facts import (
    Fact,
    answer_probabilities,
    answer_token,
    known_facts,
    neighbors,
)
from alignlab.interp.tracing import causal_trace
from alignlab.lm import LM
from alignlab.lm.load import encode
from alignlab.lm.scoring import score_tokens
from alignlab.recipes import Recipe, report

Request = tuple[
    Fact, str, list[Fact]
]  # a fact, its new answer, and neighbors that should keep theirs


def requests(
    lm: LM, asked: Sequence[Fact], known: Sequence[Fact], count: int, seed: int
) -> list[Request]:
    """For each fact a new answer, which is another subject's, and up to `count` neighbors that answer differently."""
    rng = np.random.default_rng(seed)
    made = []
    for fact in asked:
        token = {
            other: answer_token(lm, other.answer)
            for other in (fact, *neighbors(fact, known))
        }
        others = [
            other for other in list(token)[1:] if token[other] != token[fact]
        ]
        new = others[rng.integers(len(others))]
        apart = [other for other in others if token[other] != token[new]]
        made.append(
            (
                fact,
                new.answer,
                [apart[i] for i in rng.permutation(len(apart))[:count]],
            )
        )
    return made


def nats(lm: LM, rows: Sequence[Sequence[int]]) -> float:
    """Mean negative log-probability of the rows' tokens, all but the first of each."""
    found = score_tokens(lm, [(row[:1], row[1:]) for row in rows])
    return -float(np.mean([value for row in found for value in row]))


def surprise(lm: LM, asked: Sequence[Fact]) -> float | None:
    """Mean negative log-probability of the facts' answers; None where there is no fact."""
    if not asked:
        return None
    p = answer_probabilities(
        lm, [fact.prompt for fact in asked], [fact.answer for fact in asked]
    )[0]
    return -float(p.log().mean())


def one_by_one(
    lm: LM,
    todo: Sequence[Request],
    rest: Sequence[Fact],
    plain: list[list[int]],
    layer: int,
    moments: Any,
    steps: int,
) -> dict[str, list[float]]:
    """Edits made one after another, each for the model that the ones before it left.

    After 1, 2, 4, … edits: nats a token of plain text, the share of these edits whose new answer still wins, and the
    share of the `rest` (facts never edited) that are still the likeliest answer. The first entry is before any edit.
    """
    done: list[Edit] = []
    found: dict[str, list[float]] = {
        "count": [],
        "plain": [],
        "kept": [],
        "known": [],
    }
    marks = {0} | {2**i for i in range(12)}
    for n in range(len(todo) + 1):
        with edited(lm, *done):
            if n in marks:
                prompts = [fact.prompt for fact, *_ in todo[:n]]
                wins = [1.0]
                if prompts:
                    want = answer_probabilities(
                        lm, prompts, [new for _, new, _ in todo[:n]]
                    )[0]
                    wins = (
                        want
                        > answer_probabilities(
                            lm, prompts, [fact.answer for fact, *_ in todo[:n]]
                        )[0]
                    ).tolist()
                right = answer_probabilities(
                    lm,
                    [fact.prompt for fact in rest],
                    [fact.answer for fact in rest],
                )[1]
                found["count"].append(n)
                found["plain"].append(round(nats(lm, plain), 4))
                found["kept"].append(round(float(np.mean(wins)), 4))
                found["known"].append(round(float(right.float().mean()), 4))
            if n < len(todo):
                fact, new, _ = todo[n]
                done += rank_one_edits(lm, [(fact, new)], layer, moments, steps)
        report(0.75 + 0.25 * n / len(todo), f"edit {n}")
    return found


def run_seed(seed: int, config: dict[str, Any]) -> dict[str, Any]:
    """Edit each of the seed's facts in each layer, alone; then edit a row of facts one after another.

    Returns (fact, layer) tables: the scores of `edit_scores`; "traced" and "traced resid", the share of the lost
    probability that comes back when the MLPs around the layer, or the residual stream after it, are put back at the
    subject's last token; and what gets worse, in nats: "subject", facts of other relations about the subject, "others",
    the same about the neighbors (None where none is known), "plain", a token of Wikipedia. "row" is what `one_by_one`
    returns.
    """
    from alignlab.assets.datasets import wikipedia
    from alignlab.lm import load_lm

    lm = load_lm()
    every, layers, size = known_facts(lm), config["layers"], config["facts"]
    known = [fact for fact in every if fact.relation in config["relations"]]
    order = np.random.default_rng(0).permutation(len(known))[
        seed * size : (seed + 1) * size
    ]
    todo = requests(
        lm, [known[i] for i in order], known, config["neighbors"], seed
    )
    articles = wikipedia()
    moments = second_moments(
        lm, [text[: config["characters"]] for text in articles], layers
    )
    first = config["plain from"]
    plain = [
        encode(lm, text[first : first + config["characters"]])
        for text in articles[: config["plain texts"]]
    ]
    report(0.1, "second moments")

    def damage(fact: Fact, around: list[Fact]) -> dict[str, float | None]:
        elsewhere = [
            other for other in every if other.relation != fact.relation
        ]
        return {
            "subject": surprise(
                lm,
                [other for other in elsewhere if other.subject == fact.subject],
            ),
            "others": surprise(
                lm,
                [
                    other
                    for other in elsewhere
                    if other.subject in {a.subject for a in around}
                ],
            ),
            "plain": nats(lm, plain),
        }

    before = [damage(fact, around) for fact, _, around in todo]
    found: dict[str, Any] = {
        "fact": [
            f"{fact.relation}: {fact.subject} >{new}" for fact, new, _ in todo
        ]
    }
    for n, layer in enumerate(layers):
        edits = rank_one_edits(
            lm,
            [(fact, new) for fact, new, _ in todo],
            layer,
            moments[layer],
            config["steps"],
        )
        for i, ((fact, new, around), edit) in enumerate(zip(todo, edits)):
            scores: dict[str, Any] = dict(
                edit_scores(lm, fact, new, around, edited(lm, edit))
            )
            with edited(lm, edit):
                after = damage(fact, around)
            for name, start in before[i].items():
                end = after[name]
                scores[name] = (
                    None if start is None or end is None else end - start
                )
            for name, value in scores.items():
                table = found.setdefault(name, [[] for _ in todo])
                table[i].append(None if value is None else round(value, 4))
        report(0.1 + 0.55 * (n + 1) / len(layers), f"layer {layer}")
    for name in ("traced", "traced resid"):
        found[name] = []
    for fact, _, _ in todo:
        trace = causal_trace(
            lm, fact, layers, parts=("mlp", "resid"), samples=2, seed=seed
        )
        share = trace.effects[:, :, trace.last] / (
            trace.clean - trace.corrupted
        )
        for name, row in zip(("traced", "traced resid"), share):
            found[name].append([round(float(value), 4) for value in row])
    shuffled = [
        known[i] for i in np.random.default_rng(seed).permutation(len(known))
    ]
    row, rest = (
        shuffled[: config["row"]],
        shuffled[config["row"] :][: config["rest"]],
    )
    at = config["row layer"]
    found["row"] = one_by_one(
        lm,
        requests(lm, row, known, 0, seed),
        rest,
        plain,
        at,
        moments[at],
        config["steps"],
    )
    return found


RECIPE = Recipe(
    name="edits-by-layer",
    about="Rank-one edits of two dozen facts in eight layers: scores, tracing, and what breaks; then 64 in a row.",
    config={
        "relations": ["capital", "language", "symbol", "kind", "opposite"],
        "facts": 8,
        "neighbors": 6,
        "layers": [0, 2, 4, 8, 12, 18, 21, 24],
        "steps": 6,
        "characters": 400,
        "plain from": 2000,
        "plain texts": 3,
        "row": 64,
        "row layer": 4,
        "rest": 24,
    },
    seeds=(0, 1, 2),
    run=run_seed,
)
