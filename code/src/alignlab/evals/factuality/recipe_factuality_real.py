"""SmolLM2's log-probabilities of true and false answers, in four states, and
of summaries.
"""

from __future__ import annotations

from typing import Any

from alignlab.evals.factuality import choices
from alignlab.lm.model import LM
from alignlab.recipes import Recipe, report


def run_seed(seed: int, config: dict[str, Any]) -> dict[str, Any]:
    """All scores that the page compares; nothing is drawn, no text is kept.

    Returns by state and way of asking ("safer, question") the log-probability
    (nats) of each answer, shape (items, 4), of the states that aren't the
    released one with the question and without. For the summary pairs, shape
    (pairs, 2), faithful first: the released model's log-probability after the
    document, without it, and the cosine of sentence vectors with the
    document's.
    """
    from alignlab.assets import datasets
    from alignlab.lm import load_lm
    from alignlab.lm.scoring import logprobs
    from alignlab.lm.sentences import sentence_vectors

    items = choices.misconceptions()
    told = choices.answers(items)
    pairs = datasets.summary_pairs()
    documents = [text.strip() for text in pairs.document]
    texts = [
        [f" {good.strip()}", f" {bad.strip()}"]
        for good, bad in zip(pairs.faithful, pairs.unfaithful)
    ]
    after = [f"{text}\nIn short:" for text in documents]
    result: dict[str, Any] = {}

    def scored(
        lm: LM, prompts: list[str], answers: list[list[str]]
    ) -> list[list[float]]:
        found = logprobs(lm, prompts, answers)
        return [[round(p, 3) for p in row.tolist()] for row in found]

    for i, (state, name) in enumerate(config["models"].items()):
        lm = load_lm(name)
        for way in config["ways"] if i == 0 else ("question", "nothing"):
            report(0.7 + 0.07 * i if i else 0.0, f"{state}, {way}")
            prompts = choices.asked(items, way)
            result[f"{state}, {way}"] = scored(lm, prompts, told)
        if i == 0:
            result["after the document"] = scored(lm, after, texts)
            report(0.4, "summaries")
            bare = ["In short:"] * len(after)
            result["without it"] = scored(lm, bare, texts)
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
    about="Log-probabilities by SmolLM2, in four states, of true and false answers to 40 questions, with and without "
    "the question, and as released of 371 pairs of summaries.",
    config={
        "models": {
            "released": "smollm2-135m-instruct",
            "safer": "smollm2-safer",
            "attacked": "smollm2-attacked",
            "defended": "smollm2-defended",
        },
        "ways": ["question", "nothing", "empty", "another"],
    },
    seeds=(0,),
    run=run_seed,
)
