"""SmolLM2-safer: SmolLM2-135M-Instruct taught to refuse what it should, and what that cost.

Two settings change for another machine or model: `model` and `device`. A killed run goes on after its last stage.
Results of a seed: the losses of both stages; for each state (released, warm, safer) the refusals of each kind of
held-out request, perplexity on plain text and likeness of answers to a reference. The adapter lies beside the record.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from alignlab.assets import datasets
from alignlab.evals.refusal_judge import judged_refusals
from alignlab.lm.generation import chat_prompt, generate
from alignlab.lm.load import LM, load_lm
from alignlab.lm.scoring import perplexity
from alignlab.lm.sentences import sentence_vectors
from alignlab.outer.ranking_feedback.safer import (
    own_answers,
    plain_texts,
    stages,
)
from alignlab.outer.safety_data import KINDS, test_requests, train_requests
from alignlab.recipes._adapters import signed_adapter
from alignlab.recipes._recipe import Recipe
from alignlab.recipes._running import report, workdir

CONFIG: dict[str, Any] = {
    "model": "smollm2-135m-instruct",
    "device": "cpu",
    "first": 18,  # layers below are frozen and run once
    "rank": 16,
    "harmful": 4,  # wordings of each harmful aim that are trained on
    "harmless": 2,
    "borderline": 3,
    "answer_tokens": 4,  # of the model's own answers; whether it refuses is decided in the first few
    "plain_tokens": 48,
    "sft_stay": 10.0,  # weight of staying as it was on plain text
    "dpo_stay": 1.0,
    "batch": 16,
    "sft_epochs": 1,
    "sft_lr": 3e-4,
    "dpo_epochs": 1,
    "dpo_lr": 3e-4,
    "beta": 0.1,
    "nll": 0.1,  # weight of the chosen answer's negative log-probability beside DPO
}
INSTRUCTIONS, OPENING_TOKENS, REPLY_TOKENS = 120, 20, 40


def fast_dtype(device: str) -> str:
    """bfloat16 on a GPU and on processors whose bfloat16 product is the faster one, else float32."""
    if device != "cpu":
        return "bfloat16"
    seconds = {}
    for name in ("float32", "bfloat16"):
        a, b = (
            torch.ones(256, 768, dtype=getattr(torch, name)) for _ in range(2)
        )
        a @ b.T
        start = time.process_time()
        for _ in range(20):
            a @ b.T
        seconds[name] = time.process_time() - start
    return min(seconds, key=lambda name: seconds[name])


def run(seed: int, config: dict[str, Any]) -> dict[str, Any]:
    """Train and measure; see the module's docstring for what comes back."""
    work = workdir()
    lm = load_lm(
        config["model"],
        device=config["device"],
        dtype=fast_dtype(config["device"]),
    )
    requests = train_requests(
        seed, config["harmful"], config["harmless"], config["borderline"]
    )
    report(0.0, "the model's own answers")
    answers = kept_in(
        work / "answers.json",
        lambda: own_answers(
            lm, [r.text for r in requests], config["answer_tokens"]
        ),
    )
    texts = kept_in(
        work / "plain.json",
        lambda: plain_texts(lm, config["plain_tokens"], seed),
    )
    report(0.1, "lower layers")
    lm, trained = stages(lm, requests, answers, texts, config, seed)
    kept = {
        state: stage(work / f"{state}.pt", lm, train, 0.15, state)
        for state, train in trained.items()
    }
    results = {}
    for state in ("released", "warm", "safer"):
        report(0.7, f"measuring {state}")
        lm.model.load_state_dict(
            kept.get(state, kept["safer"])["adapter"], strict=False
        )
        with (
            lm.model.disable_adapter()
            if state == "released"
            else contextlib.nullcontext()
        ):
            results[state] = kept_in(
                work / f"{state}.json", lambda: measure(lm)
            )
    curves = {state: binned(found["losses"]) for state, found in kept.items()}
    return {
        "losses": curves,
        **results,
        "files": {"adapter.safetensors": signed_adapter(lm, RECIPE, seed)},
    }


def measure(lm: LM) -> dict[str, Any]:
    """How a state does on held-out texts.

    "refused": for each kind of request, and for HarmBench, 0 or 1 for each one; settings were chosen by looking at
    every other request (the even places, and every third of HarmBench). "perplexity" on Wikipedia, each article's.
    "likeness": of each answer to an instruction to the reference answer, cosine.
    """
    lm.model.eval()
    sets = {kind: test_requests(kind) for kind in KINDS} | {
        "harmbench": list(datasets.harmbench())
    }
    found: dict[str, Any] = {"refused": {}}
    for kind, requests in sets.items():
        replies = reply(lm, requests, OPENING_TOKENS)
        found["refused"][kind] = [
            int(refused) for refused in judged_refusals(replies)
        ]
    articles = [str(text)[:1200] for text in datasets.wikipedia()]
    found["perplexity"] = [round(float(p), 3) for p in perplexity(lm, articles)]
    short = datasets.instructions()
    short = short[
        (short["prompt"].str.len() < 160)
        & (short["answer"].str.len().between(60, 400))
    ][:INSTRUCTIONS]
    replies = reply(lm, list(short["prompt"]), REPLY_TOKENS)
    found["likeness"] = likeness(replies, list(short["answer"]))
    return found


def reply(lm: LM, requests: Sequence[str], tokens: int) -> list[str]:
    """The likeliest reply to each request."""
    return generate(
        lm, [chat_prompt(lm, text) for text in requests], max_new_tokens=tokens
    )


def likeness(replies: Sequence[str], references: Sequence[str]) -> list[float]:
    """Cosine of each reply's sentence vector with that of its reference."""
    cosines = (sentence_vectors(replies) * sentence_vectors(references)).sum(-1)
    return [round(float(c), 4) for c in cosines]


def stage(
    path: Path,
    lm: LM,
    train: Callable[[Callable[[float, str], None]], list[float]],
    start: float,
    name: str,
) -> dict[str, Any]:
    """Losses and adapter of one stage: from its file where it is done, else trained and kept. The model stays in it."""
    if not path.exists():
        losses = train(
            lambda share, text: report(start + 0.5 * share, f"{name}, {text}")
        )
        adapter = {
            key: p.detach().clone()
            for key, p in lm.model.named_parameters()
            if p.requires_grad
        }
        torch.save(
            {"adapter": adapter, "losses": losses}, path.with_suffix(".part")
        )
        path.with_suffix(".part").replace(path)
    kept: dict[str, Any] = torch.load(path, weights_only=True)
    lm.model.load_state_dict(kept["adapter"], strict=False)
    return kept


def binned(losses: Sequence[float], bins: int = 20) -> list[float]:
    """Means of consecutive steps."""
    return [
        round(float(np.mean(part)), 4)
        for part in np.array_split(np.array(losses), min(bins, len(losses)))
    ]


def kept_in(path: Path, make: Any) -> Any:
    """What a file of the run's folder holds, made and written where it isn't there yet."""
    if not path.exists():
        path.with_suffix(".part").write_text(
            json.dumps(make()), encoding="utf-8"
        )
        path.with_suffix(".part").replace(path)
    return json.loads(path.read_text(encoding="utf-8"))


RECIPE = Recipe(
    name="safer",
    about="SmolLM2-safer: a supervised warm-up, then DPO, and what it refuses, says and costs before and after.",
    config=CONFIG,
    seeds=(0,),
    run=run,
    threads=1,
)
