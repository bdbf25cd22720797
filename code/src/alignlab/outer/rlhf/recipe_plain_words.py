"""Policy gradient steps on SmolLM2 itself, with a reward that a program checks (survey section 4.3.1)."""

from __future__ import annotations

import copy
import re
from typing import Any

import torch
from torch import Tensor, nn

from alignlab.lm import LM, chat_prompt, load_lm
from alignlab.outer.rlhf.grpo_step import (
    Group,
    answer_logprobs,
    draw_group,
    grpo_step,
)
from alignlab.recipes import Recipe, report

TRAINED = (
    "What is the sea?",
    "Why do leaves fall?",
    "What do cats like?",
    "How is bread made?",
    "What is a river?",
    "Why is the sky blue?",
    "What do bees make?",
    "How do birds fly?",
)
HELD_OUT = (
    "What is a mountain?",
    "Why does ice melt?",
    "What do horses eat?",
    "How is cheese made?",
)


def plain(lm: LM, group: Group, letters: int = 4) -> Tensor:
    """The share of each answer's words that have at most `letters` letters; (k,), 0 for an answer without words."""
    found = []
    for row, mask in zip(group.tokens, group.mask):
        text = lm.tokenizer.decode(row[mask], skip_special_tokens=True)
        words = re.findall("[A-Za-z]+", text)
        short = sum(len(word) <= letters for word in words)
        found.append(short / max(len(words), 1))
    return torch.tensor(found)


def open_top(model: nn.Module, layers: int) -> list[nn.Parameter]:
    """Let only the last `layers` layers be trained; returns their weights."""
    model.requires_grad_(False)
    top = list(model.model.layers)[-layers:]  # type: ignore[union-attr,arg-type]
    for layer in top:
        layer.requires_grad_(True)
    return [parameter for layer in top for parameter in layer.parameters()]


def prompt_of(lm: LM, question: str) -> Tensor:
    """A question as the chat template gives it, token ids (P,)."""
    ids: Tensor = lm.tokenizer(
        chat_prompt(lm, question),
        return_tensors="pt",
        add_special_tokens=False,
    )["input_ids"][0]
    return ids


def run_seed(seed: int, config: dict[str, Any]) -> dict[str, Any]:
    """Steps from the released model, and what became of questions held out.

    Returns the mean reward of each step's answers, and that of answers to held-out
    questions by the released model, the same at a lower temperature, and the
    trained one, whose divergence from the released model is in nats an answer
    (k1, on its own answers).
    """
    lm = load_lm("smollm2-135m-instruct")
    stop = int(lm.tokenizer.eos_token_id)
    reference, policy = lm.model, copy.deepcopy(lm.model)
    optimizer = torch.optim.AdamW(
        open_top(policy, config["layers"]), lr=config["lr"], weight_decay=0.0
    )
    generator = torch.Generator().manual_seed(seed)

    def draw(model: nn.Module, question: str, temperature: float) -> Group:
        return draw_group(
            model,
            prompt_of(lm, question),
            config["answers"],
            config["tokens"],
            stop,
            generator,
            temperature,
        )

    @torch.no_grad()
    def divergence(group: Group) -> Tensor:
        ratio = answer_logprobs(policy, group)
        return (ratio - answer_logprobs(reference, group)).sum(1)

    def held_out(model: nn.Module, temperature: float = 1.0) -> list[Group]:
        return [draw(model, question, temperature) for question in HELD_OUT]

    def share(groups: list[Group]) -> float:
        return round(float(torch.cat([plain(lm, g) for g in groups]).mean()), 4)

    before, sharper = held_out(reference), held_out(reference, config["sharp"])
    path = []
    for step in range(config["steps"]):
        asked = torch.randperm(len(TRAINED), generator=generator)
        groups = [
            draw(policy, TRAINED[int(i)], 1.0)
            for i in asked[: config["questions"]]
        ]
        score = torch.stack([plain(lm, group) for group in groups])
        kl = torch.stack([divergence(group) for group in groups])
        grpo_step(policy, optimizer, groups, score - config["kl"] * kl)
        path.append(round(float(score.mean()), 4))
        report((step + 1) / config["steps"], f"reward {path[-1]:.2f}")
    after = held_out(policy)
    moved = torch.cat([divergence(group) for group in after])
    return {
        "reward": path,
        "released": share(before),
        "sharper": share(sharper),
        "trained": share(after),
        "kl": round(float(moved.mean()), 4),
    }


RECIPE = Recipe(
    name="plain-words",
    about="SmolLM2, rewarded for answers in words of at most four letters, "
    "with a KL penalty.",
    config={
        "steps": 10,
        "questions": 2,
        "answers": 8,
        "tokens": 14,
        "layers": 6,
        "lr": 3e-4,
        "kl": 0.01,
        "sharp": 0.5,
    },
    seeds=(0, 1, 2),
    run=run_seed,
)
