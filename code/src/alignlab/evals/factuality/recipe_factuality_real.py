"""SmolLM2's log-probabilities of true and false answers, and of summaries."""

from __future__ import annotations

from typing import Any

from alignlab.evals.factuality import choices
from alignlab.recipes import Recipe


def run_seed(seed: int, config: dict[str, Any]) -> dict[str, Any]:
    """All scores that the page compares; nothing is drawn, no text is kept.

    Returns by way of asking the log-probability (nats) of each answer, shape
    (items, 4); and for the summary pairs, shape (pairs, 2), faithful first,
    the log-probability after the document, without it, and the cosine of
    sentence vectors with the document's.
    """
    from alignlab.assets import datasets
    from alignlab.lm import load_lm
    from alignlab.lm.scoring import logprobs
    from alignlab.lm.sentences import sentence_vectors

    lm = load_lm(config["model"])
    items = choices.misconceptions()
    told = choices.answers(items)

    def scored(prompts: list[str], texts: list[list[str]]) -> list[list[float]]:
        found = logprobs(lm, prompts, texts)
        return [[round(p, 3) for p in row.tolist()] for row in found]

    result: dict[str, Any] = {
        way: scored(choices.asked(items, way), told) for way in config["ways"]
    }
    pairs = datasets.summary_pairs()
    documents = [text.strip() for text in pairs.document]
    texts = [
        [f" {good.strip()}", f" {bad.strip()}"]
        for good, bad in zip(pairs.faithful, pairs.unfaithful)
    ]
    after = [f"{text}\nIn short:" for text in documents]
    result["after the document"] = scored(after, texts)
    result["without it"] = scored(["In short:"] * len(after), texts)
    vectors = [
        sentence_vectors(part)
        for part in (documents, *([t[i] for t in texts] for i in (0, 1)))
    ]
    cosines = [(vectors[0] * v).sum(1).tolist() for v in vectors[1:]]
    result["sentence vectors"] = [
        [round(a, 4), round(b, 4)] for a, b in zip(*cosines)
    ]
    return result


RECIPE = Recipe(
    name="factuality-real",
    about="Log-probabilities by SmolLM2 of true and false answers to 40 questions, with and without the question, and "
    "of 371 pairs of summaries.",
    config={
        "model": "smollm2-135m-instruct",
        "ways": ["question", "nothing", "empty", "another"],
    },
    seeds=(0,),
    run=run_seed,
)
