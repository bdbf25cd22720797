"""A step of DPO on all of SmolLM2: `alignlab.outer.ranking_feedback.packed` beside TRL's DPOTrainer.

4 pairs of 64 + 32 tokens.

A step is: log-probabilities of both answers, the loss, its gradient, clipping and AdamW (fused on both sides). The
reference's log-probabilities are computed before and aren't counted. The numbers compared are those of the first step,
which both sides take from the same weights: log-probabilities a token, the loss, and norms of gradients.
"""

from __future__ import annotations

import random

from benchmarks import Benchmark, Run, Side
from benchmarks._trl import TRL, settings, start, update

PAIRS, PROMPT, ANSWER, BETA, RATE = 4, 64, 32, 0.1, 1e-6
WATCHED = ("layers.0.self_attn.q_proj", "layers.14.mlp.down_proj", "layers.29.self_attn.o_proj")


def comparisons(tokenizer) -> list[dict[str, str]]:
    """Prompts of 64 tokens, two answers of 32 each with the end-of-text token; ordinary words, a token each."""
    known = tokenizer.get_vocab().items()
    words = sorted(text[1:] for text, i in known if text[0] == "Ġ" and text[1:].isascii() and text[1:].isalpha())
    rng = random.Random(0)
    sizes = {"prompt": PROMPT, "chosen": ANSWER - 1, "rejected": ANSWER - 1}
    return [{part: "".join(" " + w for w in rng.sample(words, n)) for part, n in sizes.items()} for _ in range(PAIRS)]


def watched(network, loss: float, chosen: float, rejected: float) -> list[float]:
    """What is compared: loss, mean log-probabilities a token, and norms of some gradients."""
    named = dict(network.named_parameters())
    norms = [float(named[f"model.{name}.weight"].grad.float().norm()) for name in WATCHED]
    return [loss, chosen / ANSWER, rejected / ANSWER, *norms]


def prepare_ours(dtype: str, model: str) -> Run:
    """The prompt run once for both answers, logits where an answer's tokens are predicted."""
    import torch
    from alignlab.lm import load_lm
    from alignlab.outer.ranking_feedback.direct import dpo_loss
    from alignlab.outer.ranking_feedback.packed import pack, pair_logprobs

    lm = load_lm(model, device="cpu", dtype=dtype)
    lm.model.requires_grad_(True)
    end = [lm.tokenizer.eos_token_id]
    triples = []
    for texts in comparisons(lm.tokenizer):
        prompt, chosen, rejected = (lm.tokenizer(texts[part])["input_ids"] for part in ("prompt", "chosen", "rejected"))
        triples.append((prompt, chosen + end, rejected + end))
    packed = pack(triples)
    with torch.no_grad():
        reference = pair_logprobs(lm, packed)
    optimizer = torch.optim.AdamW(lm.model.parameters(), lr=RATE, weight_decay=0.0, fused=True)

    def run() -> list[float]:
        optimizer.zero_grad()
        policy = pair_logprobs(lm, packed)
        loss = dpo_loss(policy, reference, BETA).mean()
        loss.backward()
        found = watched(lm.model, loss.item(), *(p.mean().item() for p in policy))
        torch.nn.utils.clip_grad_norm_(lm.model.parameters(), 1.0)
        optimizer.step()
        return found

    return run


def prepare_peer(dtype: str, model: str) -> Run:
    """TRL's trainer itself, its data, collator and training step, then clipping and the optimizer that it makes."""
    import torch
    from datasets import Dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl import DPOConfig, DPOTrainer

    tokenizer = AutoTokenizer.from_pretrained(model)
    network = AutoModelForCausalLM.from_pretrained(model, dtype=getattr(torch, dtype))
    config = settings(DPOConfig, PAIRS, RATE, precompute_ref_log_probs=True, beta=BETA)
    data = Dataset.from_list(comparisons(tokenizer))
    trainer = DPOTrainer(network, args=config, train_dataset=data, processing_class=tokenizer)
    start(trainer)
    batch = next(iter(trainer.get_train_dataloader()))

    def run() -> list[float]:
        trainer.optimizer.zero_grad()
        loss = trainer.training_step(trainer.model, dict(batch), PAIRS)
        logged = trainer._metrics["train"]
        found = watched(trainer.model, float(loss), logged["logps/chosen"][-1], logged["logps/rejected"][-1])
        update(trainer)
        return found

    return run


BENCHMARKS = [
    Benchmark(
        name="dpo",
        title="a step of DPO on all weights, 4 pairs of 64 + 32 tokens",
        ours=Side(
            "alignlab.outer.ranking_feedback.packed: prompt once for both answers, logits at the answers' positions",
            prepare_ours,
        ),
        peer=Side("TRL 1.16.0 DPOTrainer, reference precomputed, no checkpointing, fused AdamW", prepare_peer, TRL),
        tolerance={"float32": 2e-3, "bfloat16": 0.1},
    )
]
