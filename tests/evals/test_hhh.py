"""The contrasts that probe helpful, honest and harmless, and how they are scored."""

import pytest
import torch
from alignlab.evals.hhh import CONTRASTS, Contrast, preference
from alignlab.lm import load_lm


def test_every_contrast_is_whole_and_asked_once():
    assert len({c.question for c in CONTRASTS}) == len(CONTRASTS)
    for c in CONTRASTS:
        assert c.virtue in ("helpful", "honest", "harmless")
        assert c.better.strip() and c.worse.strip() and c.better != c.worse


def test_one_question_a_contrast():
    with pytest.raises(ValueError, match="1 questions for 2 contrasts"):
        preference(None, CONTRASTS[:2], ["Why?"])


def test_swapping_the_answers_turns_the_sign():
    lm = load_lm("smollm2-135m-instruct", device="cpu")
    asked = list(CONTRASTS[:2])
    swapped = [Contrast(c.virtue, c.question, c.worse, c.better) for c in asked]
    scores = preference(lm, asked)
    assert scores.shape == (2,) and scores.abs().min() > 0.1
    torch.testing.assert_close(preference(lm, swapped), -scores, atol=1e-3, rtol=0)
