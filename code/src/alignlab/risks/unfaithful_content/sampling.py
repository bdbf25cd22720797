"""Answers of a language model in its own words, judged, and grouped by meaning.

Farquhar et al. (2024, "Detecting hallucinations in large language models using
semantic entropy") sample ten answers to a question and let a second model say
which of them mean the same. Here sentence embeddings do, and since the answers
that a question may have are known, what is said can be read off as well.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from alignlab.lm import LM, generate, logprobs
from alignlab.lm.sentences import sentence_vectors
from alignlab.risks.unfaithful_content.asking import question
from alignlab.risks.unfaithful_content.items import Item, answers_of

Floats = NDArray[np.floating]
Ints = NDArray[np.integer]

SHOTS = (
    "Question: What color is snow?\nAnswer: White.\n"
    "Question: How many days does a week have?\n"
    "Answer: A week has seven days.\n"
)
TOKENS = 12


def prompt(item: Item) -> str:
    """Two examples, one in a word and one in a sentence, and the question."""
    return f"{SHOTS}Question: {question(item)}\nAnswer:"


def answers(
    lm: LM, items: Sequence[Item], temperature: float, seed: int, samples: int
) -> list[list[str]]:
    """Answers to each item, at most 12 tokens, cut at the end of the line."""
    prompts = [prompt(item) for item in items for _ in range(samples)]
    texts = generate(
        lm, prompts, TOKENS, temperature, seed=seed, stop=["\n", "."]
    )
    cut = [text.strip() for text in texts]
    return [cut[i : i + samples] for i in range(0, len(cut), samples)]


def likelihoods(
    lm: LM, items: Sequence[Item], texts: Sequence[Sequence[str]]
) -> list[list[float]]:
    """Log-probability of each answer in nats, all its tokens together.

    An empty answer gets that of a line's end.
    """
    said = [[" " + text if text else "\n" for text in row] for row in texts]
    scores = logprobs(lm, [prompt(item) for item in items], said)
    return [row.tolist() for row in scores]


def numbered(texts: Sequence[Sequence[str]]) -> Ints:
    """A number for each text, equal for equal texts of a row.

    Shape (rows, samples).
    """
    rows = [[sorted(set(row)).index(text) for text in row] for row in texts]
    return np.array(rows)


def mentioned(item: Item, text: str) -> str:
    """The first of the relation's answers that a text names; "" for none.

    Case counts only for chemical symbols. The subject's own name is no answer.
    """
    flags = 0 if item.relation == "symbol" else re.IGNORECASE
    found = []
    for answer in answers_of(item.relation):
        word = answer.strip()
        match = re.search(rf"\b{re.escape(word)}\b", text, flags)
        if match and word != item.subject:
            found.append((match.start(), answer))
    return min(found)[1] if found else ""


def groups(
    items: Sequence[Item], texts: Sequence[Sequence[str]], likeness: float
) -> Ints:
    """A number for each answer, equal where answers mean about the same.

    Answers are read behind their question; groups are joined while the mean
    cosine between their members' embeddings is at least `likeness` (average
    linkage). Shape (items, samples).
    """
    from sklearn.cluster import AgglomerativeClustering

    joined = [
        f"{question(item)} {text}."
        for item, row in zip(items, texts)
        for text in row
    ]
    different = sorted(set(joined))
    vectors = dict(zip(different, sentence_vectors(different).numpy()))
    every = np.array([vectors[text] for text in joined])
    every = every.reshape(len(items), -1, every.shape[1])
    tree = AgglomerativeClustering(
        None,
        metric="cosine",
        linkage="average",
        distance_threshold=1 - likeness,
    )
    return np.array([tree.fit_predict(row) for row in every])


def joined_alike(found: Ints, named: Sequence[Sequence[str]]) -> float:
    """Share of pairs of answers that groups and names join alike.

    found: (items, samples). named: which answer each sample names, "" for
    none; only pairs of which both name one count.
    """
    agree = []
    for labels, row in zip(found, named):
        for i in range(len(row)):
            for j in range(i):
                if row[i] and row[j]:
                    same = labels[i] == labels[j]
                    agree.append(same == (row[i] == row[j]))
    return float(np.mean(agree))
