"""A step of GRPO: `alignlab.outer.rlhf.grpo_step` beside TRL's GRPOTrainer, a group of 8 answers of 32 tokens.

A step is: 8 answers drawn, their rewards and advantages, the loss, its gradient, an AdamW update. So that results can
be compared, each side sets its own answers aside once they are drawn, and goes on with the same 8, which are fixed and
of different lengths. The learning rate is 0: the update costs what it costs, every run starts from the same weights.
"""

from __future__ import annotations

import random

from benchmarks import Benchmark, Run, Side
from benchmarks._trl import TRL, settings, start

QUESTION = "Give me three tips for staying healthy, and say in one sentence why each of them helps."
ANSWERS, LENGTH = 8, 32


def fixed_answers(stop: int) -> list[list[int]]:
    """8 answers of 18 to 32 tokens, nearly all ended by the stop token."""
    rng = random.Random(0)
    lengths = [LENGTH, *range(LENGTH, LENGTH - 2 * (ANSWERS - 1), -2)]
    return [[rng.randrange(1000, 40_000) for _ in range(n - 1)] + [stop] for n in lengths]


def reward(ids: list[int]) -> float:
    """Any fixed number for an answer."""
    return sum(ids) % 17 / 17


def prepare_ours(dtype: str, model: str) -> Run:
    """One step of `alignlab.outer.rlhf.grpo_step`."""
    import torch
    from alignlab.lm import chat_prompt, load_lm
    from alignlab.outer.policy_gradients import grpo_advantages
    from alignlab.outer.rlhf.grpo_step import Group, draw_group, grpo_step

    lm = load_lm(model, device="cpu", dtype=dtype)
    lm.model.requires_grad_(True)
    stop = lm.tokenizer.eos_token_id
    text = chat_prompt(lm, QUESTION)
    prompt = torch.tensor(lm.tokenizer(text, add_special_tokens=False)["input_ids"])
    answers = fixed_answers(stop)
    tokens = torch.tensor([ids + [stop] * (LENGTH - len(ids)) for ids in answers])
    mask = torch.tensor([[t < len(ids) for t in range(LENGTH)] for ids in answers])
    optimizer = torch.optim.AdamW(lm.model.parameters(), lr=0.0, weight_decay=0.0, fused=True)
    generator = torch.Generator().manual_seed(0)

    def run() -> list[float]:
        draw_group(lm.model, prompt, ANSWERS, LENGTH, -1, generator)  # -1: no answer ends early
        rewards = torch.tensor([[reward(ids) for ids in answers]])
        loss = grpo_step(lm.model, optimizer, [Group(prompt, tokens, mask)], rewards)
        norm = torch.stack([p.grad.float().norm() for p in lm.model.parameters() if p.grad is not None]).norm()
        return [loss, float(norm), *grpo_advantages(rewards)[0].tolist()]

    return run


def prepare_peer(dtype: str, model: str) -> Run:
    """The same step by TRL's trainer, one batch of 8, its loss "dapo" (the default), without gradient checkpointing."""
    import torch
    from datasets import Dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl import GRPOConfig, GRPOTrainer

    tokenizer = AutoTokenizer.from_pretrained(model)
    network = AutoModelForCausalLM.from_pretrained(model, dtype=getattr(torch, dtype))
    drawn = {
        "num_generations": ANSWERS,
        "max_completion_length": LENGTH,
        "generation_kwargs": {"min_new_tokens": LENGTH},
    }
    config = settings(GRPOConfig, ANSWERS, 0.0, beta=0.0, **drawn)
    trainer = GRPOTrainer(
        model=network,
        reward_funcs=lambda completion_ids, **_: [reward(list(ids)) for ids in completion_ids],
        args=config,
        train_dataset=Dataset.from_list([{"prompt": [{"role": "user", "content": QUESTION}]}]),
        processing_class=tokenizer,
    )
    answers = fixed_answers(tokenizer.eos_token_id)
    start(trainer)
    draw, found = trainer._generate, {}

    def generate(prompts):
        out = list(draw(prompts))
        out[1] = answers
        return tuple(out)

    trainer._generate = generate
    score = trainer._generate_and_score_completions

    def keep(inputs):
        found.update(score(inputs))
        return dict(found)

    trainer._generate_and_score_completions = keep
    batch = [{"prompt": [{"role": "user", "content": QUESTION}]}] * ANSWERS
    trained = trainer.model_wrapped
    trained.train()

    def run() -> list[float]:
        trainer.optimizer.zero_grad()
        loss = trainer.training_step(trained, batch, None)
        norm = torch.stack([p.grad.float().norm() for p in trained.parameters() if p.grad is not None]).norm()
        trainer.optimizer.step()
        return [float(loss), float(norm), *found["advantages"].flatten().tolist()]

    return run


BENCHMARKS = [
    Benchmark(
        name="grpo",
        title="a step of GRPO: 8 answers of 32 tokens drawn, scored, and one update of all weights",
        ours=Side(
            "alignlab.outer.rlhf.grpo_step: the prompt read once, its cache shared by drawing and training",
            prepare_ours,
        ),
        peer=Side("TRL 1.16.0 GRPOTrainer, one batch of 8, no checkpointing, fused AdamW", prepare_peer, TRL),
        tolerance={"float32": 1e-3, "bfloat16": 0.3},
    )
]
