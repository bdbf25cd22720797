"""The sentiment scorer on vectors whose rating is known."""

import numpy as np
import pytest
from alignlab.evals.bias.sentiment import fit_sentiment

RNG = np.random.default_rng(0)
VECTORS = RNG.normal(size=(400, 5))
WORDS = [f"w{i}" for i in range(400)]
RANK = {word: i for i, word in enumerate(WORDS)}
GOOD = VECTORS[:, 0] > 0


def test_it_finds_the_direction_and_scores_rows_of_any_shape() -> None:
    score, accuracy = fit_sentiment([*WORDS, "unknown"], [*GOOD, True], RANK, VECTORS, 0, train=300)
    assert accuracy > 0.9
    found = score(np.arange(400).reshape(4, 100))
    assert found.shape == (4, 100)
    cosine = VECTORS[:, 0] / np.linalg.norm(VECTORS, axis=1)
    assert np.corrcoef(found.ravel(), cosine)[0, 1] > 0.95


def test_too_few_rated_words_are_refused() -> None:
    with pytest.raises(ValueError, match="lower `train`"):
        fit_sentiment(WORDS, GOOD, RANK, VECTORS, 0, train=399)
