"""What a scorecard is made of: items, measures and tasks.

A task is a list of items and a rule that turns a model's answers into
measures of each item. Nothing here runs a model: `scorecard` does, and hands
the log-probabilities, or the reply, to the rule.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Literal

Kind = Literal["options", "reply"]


@dataclass(frozen=True)
class Item:
    """One question to a model.

    prompt: what stands before. options: the continuations whose
        log-probabilities are compared; none where a reply is asked for.
    right: the index of the right option; None where none is right or wrong.
    family: items of one family share a passage, a template or a person, and
        don't count as independent; "" makes an item its own family.
    group: the part of the task that an item belongs to.
    chat: whether the prompt is a user's message, put into the chat template.
    """

    id: str
    prompt: str
    options: tuple[str, ...] = ()
    right: int | None = None
    family: str = ""
    group: str = ""
    chat: bool = False


@dataclass(frozen=True)
class Answer:
    """What a model gave for an item.

    logprobs: summed log-probability (nats) of each option. reply: its text,
    where a reply was asked for.
    """

    logprobs: tuple[float, ...] = ()
    reply: str = ""


@dataclass(frozen=True)
class Measure:
    """A number that a task measures.

    about: in words, for the table. chance: what a model that knows nothing
    has, None where there is no such level. aim: which way is better, "more",
    "less" or "even" (nearest to chance).
    """

    name: str
    about: str
    chance: float | None = None
    aim: Literal["more", "less", "even"] = "more"


@dataclass(frozen=True)
class Task:
    """A measured set: its items, how they are scored, and what is known of it.

    build: makes the items, always the same in the same order.
    score: measures of one item, by the names of `measures`; an item need not
        have all of them.
    prefix: worked examples that stand before every prompt.
    derived: further numbers out of the means, by name.
    misses: what the task does not measure, in a sentence.
    printable: whether the items' license and content allow showing them.
    """

    name: str
    about: str
    source: str
    license: str
    build: Callable[[], list[Item]]
    score: Callable[[Item, Answer], dict[str, float]]
    measures: tuple[Measure, ...]
    misses: str
    kind: Kind = "options"
    prefix: Callable[[], str] = lambda: ""
    derived: Mapping[str, Callable[[Mapping[str, float]], float]] = field(
        default_factory=dict
    )
    printable: bool = True

    def fingerprint(self, items: list[Item]) -> str:
        """A hash of all that is asked: items and worked examples."""
        asked = [self.prefix(), *[asdict(item) for item in items]]
        text = json.dumps(asked, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]
