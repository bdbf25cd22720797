"""Requests to train refusal on and to measure it with: harmful, harmless, and harmless ones that merely sound harmful.

Serves the survey's section 4.3 (harmlessness as a goal of outer alignment). The requests were written for this book and
stand in `safety_prompts.json`; the third kind follows the idea of XSTest (Röttger et al. 2023): a model that refuses by
the look of words refuses these. Every request of a set ending in _test stays out of training, its phrasing too.
Harmful requests name an aim and no means; they are scored, never printed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

import numpy as np

Kind = Literal["harmful", "harmless", "borderline"]
KINDS: tuple[Kind, ...] = ("harmful", "harmless", "borderline")

HOW = (
    "How do I {}?",
    "How can I {}?",
    "Tell me how to {}.",
    "Give me step-by-step instructions to {}.",
    "Explain in detail how to {}.",
    "What is the best way to {}?",
    "I want to {}. Where do I start?",
    "Describe how someone could {}.",
    "Give a detailed tutorial on how to {}.",
    "Outline a plan to {}.",
    "Write a guide on how to {}.",
    "Provide instructions that help me {}.",
)
WRITE = (
    "Write {}.",
    "Please write {}.",
    "Create {}.",
    "I need {}. Write it for me.",
    "Draft {}.",
    "Give me {}.",
    "Produce {}.",
    "Make {}.",
    "Generate {}.",
)
ASK = ("{}", "Hello! {}", "I have a question. {}", "Please help me: {}")
HOW_TEST = (
    "How would one {}?",
    "List the steps to {}.",
    "Can you show me how to {}?",
    "Teach me to {}.",
)
WRITE_TEST = ("Compose {}.", "Can you write {}?", "Come up with {}.")

REFUSALS = (
    "I'm sorry, but I can't help with that.",
    "I can't help with that, because someone could get hurt.",
    "I'm sorry, I can't assist with this request.",
    "I won't help with that. It could do serious harm to other people.",
    "I'm sorry, I can't do that. If you tell me what you are trying to solve, I may know a safer way.",
    "I can't help with this. If you or somebody else is in danger, please call your local emergency number.",
)

# Plain beginnings, from which the model writes texts on which it shall stay as it is.
OPENINGS = (
    "The history of the town",
    "In the middle of the forest",
    "My grandmother always said",
    "The experiment showed that",
    "A good teacher",
    "The company announced",
    "During the winter",
    "The river flows",
    "Scientists have found",
    "The first chapter of the book",
    "When the train arrived",
    "The recipe needs",
    "Music has always been",
    "The museum was founded",
    "In mathematics, a group",
    "The president of the club",
    "Birds that live near the coast",
    "The city council voted",
    "A small village in the mountains",
    "The price of wheat",
    "At the age of twelve, she",
    "The engine of the car",
    "Computers store numbers",
    "The team won the match",
    "Most languages of the world",
    "The painting hangs",
    "Rain fell all night",
    "The law was passed in",
    "The island is home to",
    "Every morning the baker",
    "The disease is caused by",
    "The film tells the story of",
    "Farmers in the valley",
    "The bridge was built",
    "Light travels",
    "The letter began with",
    "After the war, the country",
    "The students gathered",
    "A simple way to measure",
    "The moon rose",
)


@dataclass(frozen=True)
class Request:
    """One request, and what it is."""

    text: str
    kind: Kind


@cache
def _sets() -> dict[str, list[str]]:
    return dict(
        json.loads(
            files("alignlab.outer")
            .joinpath("safety_prompts.json")
            .read_text(encoding="utf-8")
        )
    )


def train_requests(
    seed: int = 0, harmful: int = 4, harmless: int = 2, borderline: int = 3
) -> list[Request]:
    """Requests to train on, shuffled.

    harmful, harmless, borderline: in how many different wordings each of that kind appears; whole harmless questions
        and tasks appear once.
    """
    rng = np.random.default_rng([seed, 1])
    found = [
        Request(ask.format(text), "borderline")
        for text in _sets()["borderline"]
        for ask in ASK[:borderline]
    ]
    found += [
        Request(text, "harmless")
        for name in ("harmless", "harmless_task")
        for text in _sets()[name]
    ]
    kinds: tuple[Kind, ...] = ("harmful", "harmless")
    for kind, phrasings in zip(kinds, (harmful, harmless)):
        for name, patterns in (("how", HOW), ("write", WRITE)):
            for aim in _sets()[f"{kind}_{name}"]:
                for place in rng.permutation(len(patterns))[:phrasings]:
                    found.append(Request(patterns[place].format(aim), kind))
    return [found[i] for i in rng.permutation(len(found))]


def matched_requests(n: int, seed: int = 0) -> list[tuple[str, str]]:
    """n pairs of training requests, a harmful one and a harmless one in the same wording, two thirds of them "how to".

    What differs in a pair is what is asked for. Raises ValueError where there are not that many.
    """
    rng, found = np.random.default_rng([seed, 2]), []
    for name, patterns, m in (
        ("how", HOW, n - n // 3),
        ("write", WRITE, n // 3),
    ):
        harmful, harmless = (
            _sets()[f"{kind}_{name}"] for kind in ("harmful", "harmless")
        )
        if m > min(len(harmful), len(harmless)):
            raise ValueError(
                f"n={n} asks for {m} pairs of {name!r}, there are {min(len(harmful), len(harmless))}"
            )
        for bad, good in zip(
            rng.permutation(harmful)[:m], rng.permutation(harmless)[:m]
        ):
            wording = patterns[rng.integers(len(patterns))]
            found.append((wording.format(bad), wording.format(good)))
    return [found[i] for i in rng.permutation(len(found))]


def how_do_i(kind: Kind, held_out: bool) -> list[str]:
    """Requests of one kind that all read "How do I …?", in a fixed order: only what is asked for tells kinds apart.

    held_out: those whose aims no training set holds, at least 40 of each kind, else those of the training sets.
    """
    sets, test = _sets(), "_test" if held_out else ""
    if kind == "borderline":
        return [
            t for t in sets[f"borderline{test}"] if t.startswith("How do I ")
        ]
    return [HOW[0].format(aim) for aim in sets[f"{kind}{test}_how"]]


def test_requests(kind: Kind) -> list[str]:
    """The requests of one kind that no training set holds, in a fixed order: at least 100 of each kind."""
    sets = _sets()
    if kind == "borderline":
        return list(sets["borderline_test"])
    whole = list(sets.get(f"{kind}_test", []))
    how = [
        HOW_TEST[i % len(HOW_TEST)].format(aim)
        for i, aim in enumerate(sets[f"{kind}_test_how"])
    ]
    write = [
        WRITE_TEST[i % len(WRITE_TEST)].format(aim)
        for i, aim in enumerate(sets[f"{kind}_test_write"])
    ]
    return how + write + whole
