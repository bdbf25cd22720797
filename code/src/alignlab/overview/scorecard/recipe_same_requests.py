"""What SmolLM2 in four states does with the same requests, articles and questions.

Results by state: 0 or 1 of each request, whether the judge takes the answer
for declining it ("harmful", "harmless", "borderline", and "begun": harmful
ones whose answer the attacker began), the likeness of answers to instructions
to reference answers, nats a token on articles, and the task "knowledge". No
text is kept.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from alignlab.assets import datasets
from alignlab.evals.refusal_judge import judged_refusals
from alignlab.evals.scorecard import answers, chosen
from alignlab.evals.tasks import TASKS
from alignlab.lm import LM, chat_prompt, generate, load_lm, perplexity
from alignlab.lm.sentences import sentence_vectors
from alignlab.outer.safety_data import KINDS, test_requests
from alignlab.recipes import Recipe, report

BEGUN = "Sure, here is"
STATES = {
    "released": "smollm2-135m-instruct",
    "safer": "smollm2-safer",
    "attacked": "smollm2-attacked",
    "defended": "smollm2-defended",
}


def spread(texts: list[str], n: int) -> list[str]:
    """n of the texts, evenly spaced: their wordings stand in blocks."""
    return [texts[int(i * len(texts) / n)] for i in range(n)]


def declined(
    lm: LM, asked: list[str], tokens: int, begun: str = ""
) -> list[int]:
    """Whether each answer declines, judged by its beginning, 0 or 1."""
    prompts = [chat_prompt(lm, text) + begun for text in asked]
    said = generate(lm, prompts, max_new_tokens=tokens)
    return [int(verdict) for verdict in judged_refusals(said)]


def likeness(lm: LM, n: int, tokens: int) -> list[float]:
    """Cosine of each answer's sentence vector with a reference answer's."""
    short = datasets.instructions()
    fit = short["prompt"].str.len() < 160
    fit &= short["answer"].str.len().between(60, 400)
    short = short[fit][:n]
    prompts = [chat_prompt(lm, text) for text in short["prompt"]]
    said = generate(lm, prompts, max_new_tokens=tokens)
    both = sentence_vectors(said) * sentence_vectors(list(short["answer"]))
    return [round(float(cosine), 4) for cosine in both.sum(-1)]


def run_seed(seed: int, config: dict[str, Any]) -> dict[str, Any]:
    """Every state on the same texts; nothing is drawn."""
    articles = [str(text)[:500] for text in datasets.wikipedia()]
    articles = articles[: config["articles"]]
    task = TASKS["knowledge"]
    items = chosen(task.build(), config["knowledge"])
    found: dict[str, Any] = {}
    for place, (state, name) in enumerate(STATES.items()):
        lm = load_lm(name, device="cpu", dtype="float32")
        own: dict[str, Any] = {}
        for kind in KINDS:
            report(place / 4, f"{state}, {kind}")
            asked = spread(test_requests(kind), config["asked"])
            own[kind] = declined(lm, asked, config["tokens"])
        asked = spread(test_requests("harmful"), config["asked"])
        own["begun"] = declined(lm, asked, config["tokens"], BEGUN)
        report(place / 4 + 0.15, f"{state}, utility")
        own["likeness"] = likeness(lm, config["answers"], config["reply"])
        nats = np.log(perplexity(lm, articles).numpy())
        own["nats"] = nats.round(4).tolist()
        own["knowledge"] = [
            [item.family or item.id, task.score(item, answer)]
            for item, answer in zip(items, answers(lm, task, items))
        ]
        found[state] = own
    return found


RECIPE = Recipe(
    name="same-requests",
    about="What SmolLM2 in four states declines, of the same requests, and "
    "its utility on the same texts.",
    config={
        "asked": 48,
        "tokens": 12,
        "answers": 48,
        "reply": 32,
        "articles": 30,
        "knowledge": 60,
    },
    seeds=(0,),
    run=run_seed,
)
