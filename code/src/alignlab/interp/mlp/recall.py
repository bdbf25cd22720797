"""Recall of facts: which layers' attention and MLPs, at which word, an answer depends on.

Serves the survey's section 6.2. Geva et al. (2023, "Dissecting recall of factual associations") find that the MLPs of
early layers enrich the last token of the subject with what is known of it, and that attention fetches the answer from
there later. They zero the outputs of MLPs, count attributes among the words that the subject's stream promotes, and
cut edges of attention. The test here: at one word of every prompt, replace what some layers' attention, or MLPs, write
by its mean over all facts. That the prompt is about *a* country stays; what these parts say of which one is gone. A
second task, which asks for the name alone, tells whether that was knowledge or the country's very name.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from alignlab.lm import LM, encode, patch
from alignlab.lm.checks import check_ids, place_of
from alignlab.lm.generation import keep_logits
from alignlab.lm.masks import pad_right

COUNTRIES = """France Paris|Italy Rome|Spain Madrid|Germany Berlin|Portugal Lisbon|Greece Athens|Austria Vienna
Ireland Dublin|Norway Oslo|Poland Warsaw|Russia Moscow|Egypt Cairo|Japan Tokyo|China Beijing|Thailand Bangkok
Cuba Havana|Peru Lima|Chile Santiago|Kenya Nairobi|Sweden Stockholm|Finland Helsinki|Denmark Copenhagen|Iran Tehran
Hungary Budapest|Belgium Brussels|Iraq Baghdad|Syria Damascus|Canada Ottawa|Turkey Ankara|Ukraine Kyiv|Cambodia Phnom
Indonesia Jakarta|Vietnam Hanoi|Nepal Kathmandu|Lebanon Beirut|Bulgaria Sofia|Romania Bucharest|Serbia Belgrade"""


def capitals(
    template: str = "The capital of {} is",
) -> list[tuple[str, str, str]]:
    """Facts as (prompt, subject, answer): "The capital of France is", "France",
    " Paris".
    """
    pairs = (entry.split() for entry in COUNTRIES.replace("\n", "|").split("|"))
    return [
        (template.format(country), country, f" {capital}")
        for country, capital in pairs
    ]


def repetitions() -> list[tuple[str, str, str]]:
    """The same countries as (prompt, subject, answer) of a task that needs no
    knowledge of them: "The name is France. I repeat: the name is", "France",
    " France".
    """
    return [
        (
            f"The name is {country}. I repeat: the name is",
            country,
            f" {country}",
        )
        for _, country, _ in capitals()
    ]


def last_token_of(lm: LM, prompt: str, subject: str) -> int:
    """Index of the last token of the subject in the prompt. Raises ValueError
    where it doesn't stand there.
    """
    if subject not in prompt:
        raise ValueError(f"{subject!r} does not stand in {prompt!r}")
    return len(encode(lm, prompt[: prompt.index(subject) + len(subject)])) - 1


@torch.no_grad()
def answer_logprobs(
    lm: LM,
    prompts: Sequence[str],
    answers: Sequence[str],
    places: Sequence[int] | None = None,
    layers: Sequence[int] = (),
    part: Literal["attn.out", "mlp.out"] = "mlp.out",
) -> Tensor:
    """Log-probability (nats) of each answer's first token, (fact,), with some
    layers' output blurred at one word.

    places: index of the word's token in each prompt, negative from its end;
        there, each of `layers`' attention or MLP writes its mean over all
        prompts. With no layers, the model as it is.
    """
    where = [-1] * len(prompts) if places is None else list(places)
    if not len(prompts) == len(answers) == len(where):
        raise ValueError(
            f"{len(prompts)} prompts, {len(answers)} answers, {len(where)} "
            "places: give one of each a prompt"
        )
    if not all(answers):
        raise ValueError(
            f"answer {[*map(bool, answers)].index(False)} is empty: there is "
            "nothing to score"
        )
    ids = [encode(lm, prompt) for prompt in prompts]
    check_ids(ids)
    tokens, mask, _ = pad_right(ids, lm.device)
    rows = torch.arange(len(ids), device=lm.device)
    at = torch.tensor(
        [place_of(p, len(row), "place") for p, row in zip(where, ids)],
        device=lm.device,
    )
    last = mask.sum(1) - 1
    ends = last.unique()  # only these positions need logits
    keep = keep_logits(lm, ends)
    column = torch.searchsorted(ends, last) if keep else last

    def blur(activation: Tensor) -> Tensor:
        return _averaged(activation, rows, at)

    with patch(lm, {f"layers.{layer}.{part}": blur for layer in layers}):
        logits = lm.model(
            input_ids=tokens, attention_mask=mask, use_cache=False, **keep
        ).logits[rows, column]
    wanted = torch.tensor(
        [encode(lm, answer)[0] for answer in answers], device=lm.device
    )
    return logits.float().log_softmax(-1)[rows, wanted].cpu()


def _averaged(activation: Tensor, rows: Tensor, at: Tensor) -> Tensor:
    activation = activation.clone()
    activation[rows, at] = activation[rows, at].mean(0)
    return activation
