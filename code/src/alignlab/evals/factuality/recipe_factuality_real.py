"""Log-probabilities of true and false answers, and of summaries, by SmolLM2 in
four states.
"""

from __future__ import annotations

from typing import Any

from alignlab.evals.factuality import choices
from alignlab.recipes import Recipe, report


def run_seed(seed: int, config: dict[str, Any]) -> dict[str, Any]:
    """All scores that the page compares; nothing is drawn, no text is kept.

    Returns by state and way of asking ("safer, question") the log-probability
    (nats) of each answer, shape (items, 4); and for the summary pairs, shape
    (pairs, 2), faithful first, the log-probability after the document and
    without it by state, and the cosine of sentence vectors with the
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
    asked = {way: choices.asked(items, way) for way in config["ways"]}
    summed = {
        "after the document": [f"{text}\nIn short:" for text in documents],
        "without it": ["In short:"] * len(documents),
    }
    result: dict[str, Any] = {}
    for state, name in config["models"].items():
        lm = load_lm(name)
        for way, prompts in (asked | summed).items():
            done = len(result) / (len(asked | summed) * len(config["models"]))
            report(done, f"{state}, {way}")
            found = logprobs(lm, prompts, told if way in asked else texts)
            rounded = [[round(p, 3) for p in row.tolist()] for row in found]
            result[f"{state}, {way}"] = rounded
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
    "the question, and of 371 pairs of summaries.",
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
