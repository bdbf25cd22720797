"""Reward modeling: the upper ten layers of SmolLM2 on states computed once, beside TRL's RewardTrainer on all thirty.

A timed run is eight steps on 8 pairs each: both rewards, the Bradley-Terry loss, its gradient, clipping and AdamW
(fused on both sides). What ours computes once, the states that enter layer 20, is prepared before, as TRL's dataset is,
and isn't counted. A reward should say when to decline: of a harmful request the refusal is chosen, of a harmless one
the offer to help. The first run, which is not timed, is a pass over 1,280 pairs from the same weights on both sides, at
a rate that falls to zero, and what is compared is the accuracy on 200 held-out pairs after it.
"""

from __future__ import annotations

from typing import Any

from benchmarks import Benchmark, Run, Side
from benchmarks._trl import TRL, settings, start, update

FIRST, BATCH, STEPS, PAIRS, HELD_OUT, RATE = 20, 8, 8, 1280, 200, 1e-4
REFUSAL, OFFER = "I'm sorry, but I can't help with that.", "Sure, I can help with that. Here is how to begin."


def comparisons() -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Pairs to train on and held-out ones: prompt, chosen, rejected; half of the requests harmful."""
    from alignlab.outer.safety_data import test_requests, train_requests

    requests = [(r.text, r.kind) for r in train_requests(0) if r.kind != "borderline"]
    wanted = [[text for text, kind in requests if kind == want][: PAIRS // 2] for want in ("harmful", "harmless")]
    held = [test_requests(kind)[: HELD_OUT // 2] for kind in ("harmful", "harmless")]
    return tuple(  # type: ignore[return-value]
        [pair(text, kind == 0) for two in zip(*kinds, strict=True) for kind, text in enumerate(two)]
        for kinds in (wanted, held)
    )


def set_rate(optimizer: Any, step: int, steps: int) -> None:
    """A learning rate that falls from RATE to zero."""
    for group in optimizer.param_groups:
        group["lr"] = RATE * (1 - step / steps)


def pair(text: str, harmful: bool) -> dict[str, str]:
    """One comparison."""
    chosen, rejected = (REFUSAL, OFFER) if harmful else (OFFER, REFUSAL)
    return {"prompt": f"Request: {text}\nAnswer: ", "chosen": chosen, "rejected": rejected}


def head(width: int, dtype: str):
    """The same first weights of the reward head for both sides, (1, width)."""
    import torch

    return 0.02 * torch.randn(1, width, generator=torch.Generator().manual_seed(0)).to(getattr(torch, dtype))


def prepare_ours(dtype: str, model: str) -> Run:
    """Layers 20 to 29 and the head trained on cached states."""
    import torch
    from alignlab.lm import load_lm
    from alignlab.outer.ranking_feedback.cached import run_lower, run_upper
    from alignlab.outer.reward import bradley_terry_loss

    lm = load_lm(model, device="cpu", dtype=dtype)
    weight = torch.nn.Parameter(head(lm.d_model, dtype))
    upper = [*lm.model.model.layers[FIRST:].parameters(), *lm.model.model.norm.parameters()]
    for parameter in upper:
        parameter.requires_grad_(True)
    parameters = [*upper, weight]
    optimizer = torch.optim.AdamW(parameters, lr=RATE, weight_decay=0.0, fused=True)

    def cached(items: list[dict[str, str]], part: str):
        prompts, answers = ([lm.tokenizer(item[name])["input_ids"] for item in items] for name in ("prompt", part))
        return run_lower(lm, prompts, answers, FIRST)

    def chunks(items: list[dict[str, str]]):
        parts = [items[i : i + 8 * BATCH] for i in range(0, len(items), 8 * BATCH)]
        return [{name: cached(part, name) for name in ("chosen", "rejected")} for part in parts]

    def reward(texts):
        ends = texts.answer.shape[1] - 1 - texts.answer.flip(1).int().argmax(1)
        return (run_upper(lm, texts)[torch.arange(len(texts)), ends] @ weight.T)[:, 0].float()

    train, held = map(chunks, comparisons())
    batches = [(chunk, rows) for chunk in train for rows in torch.arange(len(chunk["chosen"])).split(BATCH)]
    wanted = iter([len(batches)])

    def run() -> list[float]:
        steps = next(wanted, STEPS)
        for step, (chunk, rows) in enumerate(batches[:steps]):
            loss = bradley_terry_loss(*(reward(chunk[part][rows]) for part in ("chosen", "rejected"))).mean()
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(parameters, 1.0)
            set_rate(optimizer, step, steps)
            optimizer.step()
        if steps < len(batches):
            return []
        with torch.no_grad():
            won = [reward(chunk["chosen"]) > reward(chunk["rejected"]) for chunk in held]
        return [torch.cat(won).float().mean().item()]

    return run


def prepare_peer(dtype: str, model: str) -> Run:
    """TRL's trainer itself, its data, collator and training step, then clipping and the optimizer that it makes."""
    import torch
    from datasets import Dataset
    from transformers import AutoModelForSequenceClassification, AutoTokenizer
    from trl import RewardConfig, RewardTrainer

    tokenizer = AutoTokenizer.from_pretrained(model)
    network = AutoModelForSequenceClassification.from_pretrained(model, num_labels=1, dtype=getattr(torch, dtype))
    network.score.weight.data = head(network.config.hidden_size, dtype)
    network.config.pad_token_id = tokenizer.pad_token_id
    train, held = comparisons()
    data, config = Dataset.from_list(train), settings(RewardConfig, BATCH, RATE)
    trainer = RewardTrainer(network, args=config, train_dataset=data, processing_class=tokenizer)
    start(trainer)
    rows = [trainer.train_dataset[i] for i in range(PAIRS)]
    batches = [trainer.data_collator(rows[i : i + BATCH]) for i in range(0, PAIRS, BATCH)]
    texts = [[tokenizer(item["prompt"] + item[part])["input_ids"] for item in held] for part in ("chosen", "rejected")]
    padded = [tokenizer.pad({"input_ids": part}, return_tensors="pt") for part in texts]
    wanted = iter([len(batches)])

    def run() -> list[float]:
        steps = next(wanted, STEPS)
        trainer.model.train()
        for step, batch in enumerate(batches[:steps]):
            trainer.optimizer.zero_grad()
            trainer.training_step(trainer.model, dict(batch), BATCH)
            set_rate(trainer.optimizer, step, steps)
            update(trainer)
        if steps < len(batches):
            return []
        trainer.model.eval()
        with torch.no_grad():
            chosen, rejected = (
                torch.cat([trainer.model(ids, mask).logits[:, 0] for ids, mask in zip(*(p[k].split(25) for k in p))])
                for p in padded
            )
        return [(chosen > rejected).float().mean().item()]

    return run


BENCHMARKS = [
    Benchmark(
        name="reward",
        title="reward modeling, 8 steps of 8 pairs; compared: accuracy on 200 held-out pairs after 160 steps",
        ours=Side(
            "alignlab.outer.ranking_feedback.cached: 20 of 30 layers frozen and run once before, fused AdamW",
            prepare_ours,
        ),
        peer=Side("TRL 1.16.0 RewardTrainer, all layers trained, no checkpointing, fused AdamW", prepare_peer, TRL),
        tolerance={"float32": 0.02, "bfloat16": 0.02},
    )
]
