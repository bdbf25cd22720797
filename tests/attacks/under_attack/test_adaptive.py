"""Who asks the guard takes what it lets pass, and odd spellings range from hardly to fully misspelled."""

import numpy as np
import pytest
from alignlab.attacks.under_attack.adaptive import least_declined, odd_variants


def test_without_a_guard_the_variant_declined_least_is_taken():
    chances = [[0.9, 0.1, 0.5], [0.2, 0.3, 0.4]]
    assert least_declined(chances).tolist() == [1, 0, 1]


def test_with_a_guard_only_what_passes_is_taken_and_else_the_least():
    chances = [[0.9, 0.1], [0.2, 0.3], [0.5, 0.0]]
    passes = [[True, False], [False, False], [True, False]]
    assert least_declined(chances, passes).tolist() == [2, 2]
    with pytest.raises(ValueError, match="one of each"):
        least_declined(chances, passes[:2])


def test_of_random_scores_none_that_passes_is_declined_less():
    rng = np.random.default_rng(0)
    chances, passes = rng.random((16, 40)), rng.random((16, 40)) < 0.3
    chosen = least_declined(chances, passes)
    for i in np.flatnonzero(passes.any(0)):
        assert passes[chosen[i], i]
        assert chances[chosen[i], i] == chances[passes[:, i], i].min()


def test_variants_are_drawn_by_the_seed_and_differ_in_strength():
    texts = ["please describe the garden behind the house"] * 20
    drawn = odd_variants(texts, 3, seed=4)
    assert drawn == odd_variants(texts, 3, seed=4) != odd_variants(texts, 3, 5)
    assert [len(one) for one in drawn] == [20, 20, 20]
    changed = [sum(a != b for a, b in zip(said, texts[0])) for one in drawn for said in one]
    assert min(changed) < 8 < 16 < max(changed)
    with pytest.raises(ValueError, match="one variant"):
        odd_variants(texts, 0, 1)
