"""SmolLM2's own texts, marked and unmarked, and texts of people, all read by SmolLM2.

Serves section 2.1.2. A seed draws articles of Wikipedia and a sentence in each; SmolLM2 goes on from its first tokens,
and the article's own words are what a person wrote there. Exam questions (MMLU), answers of another model (Alpaca's
instructions) and famous passages are read alike.
"""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from alignlab.recipes import Recipe, report
from alignlab.risks.misuse_and_society.model_texts import continuations, read


@functools.cache
def _model() -> Any:
    from alignlab.lm import load_lm

    return load_lm("smollm2-135m-instruct", device="cpu")


def sentences(seed: int, config: dict[str, Any]) -> list[tuple[str, str]]:
    """A prompt and what the article says next, one of each article drawn."""
    from alignlab.assets import datasets

    rng = np.random.default_rng([seed, 59])
    found: list[tuple[str, str]] = []
    everything = datasets.wikipedia()
    for number in rng.permutation(len(everything)):
        text = everything[number]
        starts = [m.end() for m in re.finditer(r"\. ?(?=[A-Z])", text)]
        for start in rng.permutation(starts):
            cut = _cut(text[start : start + 1500], config)
            if cut:
                found.append(cut)
                break
        if len(found) == config["texts"]:
            return found
    raise ValueError(f"only {len(found)} articles are long enough")


def _cut(text: str, config: dict[str, Any]) -> tuple[str, str] | None:
    """Prompt and continuation, if the prompt is `skip` tokens also by itself and the text is long enough."""
    tokenizer = _model().tokenizer
    ids = tokenizer(text)["input_ids"]
    prompt = tokenizer.decode(ids[: config["skip"]])
    whole = tokenizer(prompt)["input_ids"] == ids[: config["skip"]]
    if not whole or len(ids) < config["skip"] + config["tokens"]:
        return None
    return prompt, text[len(prompt) :]


def _drawn(texts: list[str], seed: int, config: dict[str, Any]) -> list[str]:
    """Texts that are long enough, as many as there are articles."""
    rng = np.random.default_rng([seed, 61])
    long = [text for text in texts if _cut(text, config)]
    chosen = rng.permutation(len(long))[: config["texts"]]
    return [long[i] for i in chosen]


def famous() -> dict[str, str]:
    """Passages that many know by heart, by their source."""
    path = Path(__file__).parent / "famous.json"
    return dict(json.loads(path.read_text(encoding="utf-8"))["texts"])


def run_seed(seed: int, config: dict[str, Any]) -> dict[str, Any]:
    """Texts by kind, and of each of their tokens log-probability, entropy and variance."""
    from alignlab.assets import datasets

    lm = _model()
    drawn = sentences(seed, config)
    prompts = [prompt for prompt, _ in drawn]
    write = functools.partial(
        continuations, lm, prompts, config["tokens"], seed
    )
    report(0.05, "writing")
    written = {"human": [text for _, text in drawn], "machine": write()}
    report(0.2, "writing")
    written["cool"] = write(temperature=0.7)
    report(0.35, "writing with the mark")
    written["marked"] = write(delta=config["delta"], key=config["key"])
    texts = {
        kind: [a + b for a, b in zip(prompts, found)]
        for kind, found in written.items()
    }
    texts["exam"] = _drawn(datasets.mmlu()["question"].tolist(), seed, config)
    texts["other"] = _drawn(
        datasets.instructions()["answer"].tolist(), seed, config
    )
    texts["famous"] = list(famous().values())
    result: dict[str, Any] = {
        "written": {
            kind: written[kind] for kind in ("machine", "cool", "marked")
        }
    }
    result["prompts"] = prompts
    for done, (kind, rows) in enumerate(texts.items()):
        report(0.5 + done / 14, f"reading: {kind}")
        seen = [read(lm, text, config["skip"], config["read"]) for text in rows]
        for name in ("logp", "entropy", "variance"):
            values = np.array([getattr(one, name) for one in seen])
            result[f"{name} {kind}"] = values.round(3).tolist()
    return result


RECIPE = Recipe(
    name="machine-texts",
    about="What SmolLM2 writes, marked and unmarked, and how surprising it finds that and what people wrote",
    config={
        "texts": 16,
        "skip": 16,
        "tokens": 80,
        "read": 50,
        "delta": 2.0,
        "key": 42,
    },
    seeds=(0, 1, 2),
    run=run_seed,
)
