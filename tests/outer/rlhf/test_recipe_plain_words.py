"""The reward of the plain-words recipe: short words over all words, and nothing for an answer without words."""

from types import SimpleNamespace

import pytest
import torch
from alignlab.outer.rlhf.grpo_step import Group
from alignlab.outer.rlhf.recipe_plain_words import HELD_OUT, TRAINED, plain

TEXTS = {1: "The sea is enormous.", 2: "...", 3: "A cat"}


def test_the_share_of_short_words():
    tokenizer = SimpleNamespace(decode=lambda row, skip_special_tokens: TEXTS[int(row[0])])
    tokens = torch.tensor([[1], [2], [3]])
    group = Group(torch.tensor([5]), tokens, torch.ones_like(tokens, dtype=torch.bool))
    assert plain(SimpleNamespace(tokenizer=tokenizer), group).tolist() == pytest.approx([0.75, 0.0, 1.0])


def test_no_question_is_both_trained_and_held_out():
    assert not set(TRAINED) & set(HELD_OUT)
