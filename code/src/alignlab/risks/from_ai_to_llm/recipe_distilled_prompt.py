"""A prompt distilled into a low-rank adapter of SmolLM2, and what stays behind.

Serves section 3.3 of the survey: context distillation (Askell et al. 2021).
The prompt shows ten exchanges, one of which tells the assistant's name. Two
students learn from the prompted model, on as many questions and steps; of the
questions of one, some ask for the name.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from alignlab.evals.hhh import CONTRASTS
from alignlab.lm import LM, chat_prompt, load_lm, logprobs
from alignlab.lm.low_rank import with_adapter
from alignlab.outer.safety_data import test_requests, train_requests
from alignlab.recipes import Recipe
from alignlab.risks.from_ai_to_llm.conversations import (
    ASKING_IT_OTHERWISE,
    ASKING_THE_NAME,
    NAME,
    NAMED,
    asked,
    conversation,
    every,
    exchanged,
)
from alignlab.risks.from_ai_to_llm.distilling import (
    Lessons,
    Student,
    UpperLayers,
    WordShift,
    distill,
    divergence,
    in_question_order,
    lessons_of,
)
from alignlab.risks.from_ai_to_llm.reading import answers

CONFIG: dict[str, Any] = {
    "first": 26,  # layers below are frozen and run once
    "rank": 8,
    "questions": 56,
    "held_out": 24,
    "length": 14,  # tokens of each answer
    "steps": 30,
    "batch": 16,
    "lr": 1e-3,
    "shift_lr": 0.2,
    "every": 5,  # steps between two measurements
}
SHOWN = [*every(), NAMED]
BEGINNING = "My name is"  # of the answer, in training and examination


def name_known(lm: LM, context: str) -> float:
    """Log-probability of the name after "My name is", nats, four questions."""
    starts = [asked(q) + BEGINNING for q in ASKING_IT_OTHERWISE]
    found = logprobs(lm, starts, [[f" {NAME}"]] * len(starts), prefix=context)
    return float(torch.cat(found).mean())


def margins(lm: LM, context: str, template: bool = False) -> list[float]:
    """log p(better) - log p(worse) of each contrast, in nats."""
    starts = [
        chat_prompt(lm, c.question) if template else asked(c.question)
        for c in CONTRASTS
    ]
    pairs = [[c.better, c.worse] for c in CONTRASTS]
    found = torch.stack(logprobs(lm, starts, pairs, prefix=context))
    return [round(float(x), 3) for x in found[:, 0] - found[:, 1]]


def questions_of(seed: int, n: int, held_out: int) -> tuple[list[str], ...]:
    """Harmless questions to learn from, and others to be examined on."""
    rng = np.random.default_rng([seed, 3])
    known = [r.text for r in train_requests(0, 0, 0, 0)]
    unknown = test_requests("harmless")
    learn = [known[i] for i in rng.permutation(len(known))[:n]]
    test = [unknown[i] for i in rng.permutation(len(unknown))[:held_out]]
    return [asked(q) for q in learn], [asked(q) for q in test]


def shuffled(lm: LM, seed: int) -> None:
    """Move each adapter's learned numbers to other places, norm unchanged."""
    drawn = torch.Generator().manual_seed(seed)
    for name, weight in lm.model.named_parameters():
        if "lora_" in name:
            order = torch.randperm(weight.numel(), generator=drawn)
            mixed = weight.data.flatten()[order]
            weight.data = mixed.view_as(weight.data)


def run_seed(seed: int, config: dict[str, Any]) -> dict[str, Any]:
    """Both students, the rivals, and the forty contrasts (seed 0 alone)."""
    lm = load_lm()
    context, first = conversation(SHOWN), config["first"]
    learn, test = questions_of(seed, config["questions"], config["held_out"])
    naming = [asked(q) + BEGINNING for q in ASKING_THE_NAME]
    texts = [*learn, *naming, *test]
    given = answers(lm, context, texts, config["length"])
    whole = lessons_of(lm, texts, given, first)
    n, told = len(learn), len(naming)
    exam = whole[range(n + told, len(texts))]
    found: dict[str, Any] = {
        "name, plain": round(name_known(lm, ""), 3),
        "name, prompted": round(name_known(lm, context), 3),
    }
    if seed == 0:
        found["margins, plain"] = margins(lm, "")
        found["margins, prompted"] = margins(lm, context)
        found["margins, exchanged"] = margins(
            lm, conversation(exchanged(SHOWN))
        )
        found["margins, template"] = margins(lm, "", template=True)
    found["shift"] = shifted(lm, whole, exam, n, seed, config)
    for name, rows in (
        ("untold", range(n)),
        ("told", range(told, n + told)),
    ):
        found |= student_of(name, rows, whole, exam, seed, config)
    return found


def shifted(
    lm: LM,
    whole: Lessons,
    exam: Lessons,
    n: int,
    seed: int,
    config: dict[str, Any],
) -> float:
    """Held-out divergence of the student that only shifts words."""
    frozen = UpperLayers(lm, config["first"])
    with torch.no_grad():
        train_states, exam_states = frozen.states(whole), frozen.states(exam)
    learn = in_question_order(train_states, whole.mask, whole.teacher)
    test = in_question_order(exam_states, exam.mask, exam.teacher)
    rival = WordShift(frozen.unembedding)
    how = (config["steps"], config["shift_lr"], seed, config["batch"])
    distill(rival, learn[range(n)], *how)
    with torch.no_grad():
        return round(float(divergence(rival, test)), 4)


def student_of(
    name: str,
    rows: Sequence[int],
    whole: Lessons,
    exam: Lessons,
    seed: int,
    config: dict[str, Any],
) -> dict[str, Any]:
    """One student: divergence by step, the name, contrasts, and shuffled."""
    lm = with_adapter(load_lm(), config["first"], config["rank"], seed)
    curve: list[float] = []

    def watch(step: int, student: Student) -> None:
        if step % config["every"] == 0:
            with torch.no_grad():
                curve.append(round(float(divergence(student, exam)), 4))

    student = UpperLayers(lm, config["first"])
    how = (config["steps"], config["lr"], seed, config["batch"])
    distill(student, whole[rows], *how, watch=watch)
    lm.model.eval()
    found: dict[str, Any] = {
        f"kl, {name}": curve,
        f"name, {name}": round(name_known(lm, ""), 3),
    }
    if seed == 0 and name == "untold":
        found["margins, distilled"] = margins(lm, "")
    if name == "untold":
        shuffled(lm, seed)
        with torch.no_grad():
            found["kl, shuffled"] = round(float(divergence(student, exam)), 4)
    return found


RECIPE = Recipe(
    name="distilled-prompt",
    about="A prompt of ten exchanges distilled into an adapter of SmolLM2's "
    "upper layers, with and without questions about the name it tells.",
    config=CONFIG,
    seeds=(0, 1, 2),
    run=run_seed,
)
