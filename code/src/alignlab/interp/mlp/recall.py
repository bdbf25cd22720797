"""Recall of facts: which layers' attention and MLPs, at which word, an answer depends on.

Serves the survey's section 6.2. Geva et al. (2023, "Dissecting recall of factual associations") find that the MLPs of
early layers enrich the last token of the subject with what is known of it, and that attention fetches the answer from
there later. They zero the outputs of MLPs, count attributes among the words that the subject's stream promotes, and
cut edges of attention. The tests here: at one word of every prompt, replace what some layers' attention, or MLPs, write
by its mean over all facts (that the prompt is about *a* country stays, what these parts say of which one is gone), by
zero as the paper does, by what they write for another country, or by noise. A second task, which asks for the name
alone, tells whether what is lost was knowledge or the country's very name.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from alignlab.lm import LM, capture, encode, patch
from alignlab.lm.checks import check_ids, place_of
from alignlab.lm.rows import run_row
from alignlab.lm.scoring import Tree
from alignlab.lm.stack import stack_of

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
    put: Tensor | None = None,
) -> Tensor:
    """Log-probability (nats) after each prompt of each answer's first token,
    (prompt, answer), with some layers' output replaced at one word.

    places: index of the word's token in each prompt, negative from its end;
        there, each of `layers`' attention or MLP writes something else. With no
        layers, the model as it is.
    put: what is written, (layer, prompt, d_model); without it the mean over
        all prompts of what would be written. Raises ValueError where its shape
        does not fit, or where prompts, answers and places differ in number.
    All prompts are run in one row, what they begin with in common once: meant
    for some dozens of short ones. For Llama's family.
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
    at = [place_of(p, len(row), "place") for p, row in zip(where, ids)]
    if put is not None and put.shape[:2] != (len(layers), len(ids)):
        raise ValueError(
            f"put has shape {tuple(put.shape)}: one vector for each of "
            f"{len(layers)} layers and {len(ids)} prompts is needed"
        )
    stack = stack_of(lm)
    tree, paths = _in_one_row(ids, at)
    changed = [path[i] for path, i in zip(paths, at)]
    edits = {
        f"layers.{layer}.{part}": functools.partial(
            _written, at=changed, put=None if put is None else put[i]
        )
        for i, layer in enumerate(layers)
    }
    with patch(lm, edits):
        stream = run_row(lm, tree, lm.n_layers)[0]
    logits = stack.logits(stream[0, [path[-1] for path in paths]])
    wanted = torch.tensor(
        [encode(lm, answer)[0] for answer in answers], device=lm.device
    )
    return logits.log_softmax(-1)[:, wanted].cpu()


def _in_one_row(
    ids: Sequence[Sequence[int]], at: Sequence[int]
) -> tuple[Tree, list[list[int]]]:
    """Prompts as a tree, in which what they begin with in common is run once,
    and each prompt's nodes; no two prompts share the token that is changed.
    """
    for shared in (True, False):
        tree, paths = Tree(shared), []
        for row in ids:
            path = [tree.add(row, row[:1])[0][0]]
            while tree.parent[path[0]] >= 0:
                path.insert(0, tree.parent[path[0]])
            paths.append(path)
        if len({path[i] for path, i in zip(paths, at)}) == len(paths):
            break
    return tree, paths


def _written(activation: Tensor, at: list[int], put: Tensor | None) -> Tensor:
    activation = activation.clone()
    here = activation[0, at]
    activation[0, at] = here.mean(0) if put is None else put.to(here)
    return activation


def outputs_at(
    lm: LM, prompts: Sequence[str], places: Sequence[int], layers: Sequence[int]
) -> Tensor:
    """What some layers' MLPs write at one word of each prompt when nothing is
    replaced: (layer, prompt, d_model).

    places: as in `answer_logprobs`.
    """
    names = [f"layers.{layer}.mlp.out" for layer in layers]
    found = capture(lm, prompts, names, positions="all")
    lengths = [len(encode(lm, prompt)) for prompt in prompts]
    at = [place_of(p, n, "place") for p, n in zip(places, lengths)]
    return torch.stack([found[name][range(len(at)), at] for name in names])


def one_cycle(n: int, seed: int) -> Tensor:
    """For each of n facts another one, (n,), drawn so that all of them form one
    cycle: no fact is its own, and each is taken once.
    """
    order = torch.from_numpy(np.random.default_rng(seed).permutation(n))
    other = torch.empty_like(order)
    other[order] = order.roll(1)
    return other


def noise_as_large(written: Tensor, other: Tensor, seed: int) -> Tensor:
    """What was written plus Gaussian noise, as long for each layer and prompt
    as the way to what is written for another: (layer, prompt, d_model).

    written, other: (layer, prompt, d_model). The noise has the spread over
    prompts of each coordinate before it is scaled.
    """
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(written.shape, generator=generator)
    noise = noise * written.std(1, keepdim=True)
    length = (other - written).norm(dim=-1, keepdim=True)
    return written + length * noise / noise.norm(dim=-1, keepdim=True)
