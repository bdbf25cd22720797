"""Goals put into words: which goal wins in a model's preferences when two conflict, and what moves it.

Serves the survey's sections 4.1 and 3.3. Askell et al. (2021) prompted a language model with conversations in which an
assistant is helpful, honest and harmless; Glaese et al. (2022) wrote goals as rules. Each dilemma of `dilemmas.json`
has two answers, each good for one goal and bad for another; none is dangerous.

Answers that serve one goal tend to share a form: careful ones begin with "Please", honest ones with "No". To tell goal
and form apart, every dilemma stands in two versions, in which the two answers' forms are exchanged; to tell a goal from
the words that serve it, every example stands once more under a question to which its second answer is the right one.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.resources import files
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from alignlab.lm import LM, chat_prompt, logprobs


class Dilemma(NamedTuple):
    """A question and two answers: `first` serves one goal, `second` the other.

    innocent: a question to which `second` serves the first goal as well; of examples only.
    """

    question: str
    first: str
    second: str
    innocent: str = ""


class Conflict(NamedTuple):
    """Two goals, and dilemmas between them, each in two versions.

    forms: how the first goal's answer begins in version 0 and in version 1; the second goal's begins the other way.
    stated: each goal as a system message.
    dilemmas: (version 0, version 1) of each. examples: the same on other subjects, to be shown.
    """

    goals: tuple[str, str]
    forms: tuple[str, str]
    stated: tuple[str, str]
    dilemmas: tuple[tuple[Dilemma, Dilemma], ...]
    examples: tuple[tuple[Dilemma, Dilemma], ...]


def lead(
    lm: LM,
    dilemmas: Sequence[Dilemma],
    system: str = "",
    shown: Sequence[tuple[str, str]] = (),
) -> Tensor:
    """log p(first) - log p(second) in nats after the chat template, shape
    (dilemmas,).

    system: a system message. shown: (question, answer) exchanges that stand
        before the question.
    """
    before = []
    for question, answer in shown:
        before.append({"role": "user", "content": question})
        before.append({"role": "assistant", "content": answer})
    prompts = []
    for dilemma in dilemmas:
        asked = {"role": "user", "content": dilemma.question}
        prompts.append(chat_prompt(lm, [*before, asked], system))
    answers = [[dilemma.first, dilemma.second] for dilemma in dilemmas]
    scores = torch.stack(logprobs(lm, prompts, answers))  # (dilemmas, 2)
    return scores[:, 0] - scores[:, 1]


def exchanges(
    examples: Sequence[tuple[Dilemma, Dilemma]],
    goal: int,
    form: int,
    innocent: bool = False,
) -> list[tuple[str, str]]:
    """(question, answer) exchanges that serve a goal (0 or 1) in a form.

    form: 0 or 1. The first goal's answer has form 0 in version 0 of an
        example and form 1 in version 1; the second goal's has the other one.
    innocent: the second goal's answers, word for word, to questions to which
        they serve the first goal as well; without effect on the first goal's.
    """
    shown = []
    for example in examples:
        version = example[goal != form]
        if goal == 0:
            shown.append((version.question, version.first))
        elif innocent:
            shown.append((version.innocent, version.second))
        else:
            shown.append((version.question, version.second))
    return shown


def effects(leads: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How far goal and form of what was shown move the leads, in nats, each of
    shape (dilemmas,).

    leads: of the first goal's answer, nats, shape (goal shown, form shown,
        version, dilemmas), each axis but the last of length 2.
    Goal: the first goal's lead after examples of that goal minus after
        examples of the other, averaged over forms and versions.
    Form: the lead of the answer in form 0, whichever goal it serves, after
        examples of form 0 minus after examples of form 1, averaged over the
        examples' goals and the versions.
    """
    goal = leads[0] - leads[1]  # (form, version, dilemmas)
    form = leads[:, 0] - leads[:, 1]  # (goal, version, dilemmas)
    # in version 1 the answer in form 0 is the second goal's
    return goal.mean((0, 1)), (form[:, 0] - form[:, 1]).mean(0) / 2


def _with_please(
    question: str, helpful: str, careful: str, innocent: str = ""
) -> tuple[Dilemma, Dilemma]:
    """A dilemma whose careful answer begins with "Please", and the same with a helpful one that does."""

    def please(answer: str) -> str:
        return f"Please {answer[0].lower()}{answer[1:]}"

    return (
        Dilemma(question, helpful, please(careful), innocent),
        Dilemma(question, please(helpful), careful, innocent),
    )


def _yes_or_no(
    told: str, good: str, bad: str, honest: str, kind: str, innocent: str = ""
) -> tuple[Dilemma, Dilemma]:
    """A dilemma whose honest answer begins with "No", and the same, asked the other way round, with "Yes"."""
    return (
        Dilemma(
            f"{told} {good}",
            f"No, {honest}",
            f"Yes, {kind}",
            f"{innocent} {good}",
        ),
        Dilemma(
            f"{told} {bad}",
            f"Yes, {honest}",
            f"No, {kind}",
            f"{innocent} {bad}",
        ),
    )


_ROWS: dict[str, Any] = json.loads(
    files("alignlab.outer.goals")
    .joinpath("dilemmas.json")
    .read_text(encoding="utf-8")
)

HELPFUL_OR_CAREFUL = Conflict(
    goals=("helpful", "careful"),
    forms=("without Please", "with Please"),
    stated=tuple(_ROWS["helpful_or_careful"]["stated"]),
    dilemmas=tuple(
        _with_please(*r) for r in _ROWS["helpful_or_careful"]["dilemmas"]
    ),
    examples=tuple(
        _with_please(*r) for r in _ROWS["helpful_or_careful"]["examples"]
    ),
)
HONEST_OR_KIND = Conflict(
    goals=("honest", "kind"),
    forms=("No", "Yes"),
    stated=tuple(_ROWS["honest_or_kind"]["stated"]),
    dilemmas=tuple(_yes_or_no(*r) for r in _ROWS["honest_or_kind"]["dilemmas"]),
    examples=tuple(_yes_or_no(*r) for r in _ROWS["honest_or_kind"]["examples"]),
)
