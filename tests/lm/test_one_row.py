"""Answers in one row, held against those of a batch."""

import pytest
from alignlab.lm import chat_prompt, generate, load_lm
from alignlab.lm.one_row import generate_in_row


@pytest.fixture(scope="module")
def lm():
    return load_lm()


def test_answers_are_those_of_generate(lm):
    asked = ["What is gravity?", "Name a color.", "Name a color of the sea."]
    prompts = [*asked, "Name a color.\n\n", "Name a color.", *(chat_prompt(lm, one) for one in asked)]
    assert generate_in_row(lm, prompts, 6) == generate(lm, prompts, 6)


def test_an_answer_ends_where_the_model_ends_it(lm):
    prompts = [chat_prompt(lm, "Say just one word: yes."), chat_prompt(lm, "Tell me of the sea.")]
    ended, other = generate_in_row(lm, prompts, 20)
    assert [ended, other] == generate(lm, prompts, 20)


def test_nothing_asked_is_nothing_said_and_an_empty_prompt_is_refused(lm):
    assert generate_in_row(lm, [], 3) == []
    assert generate_in_row(lm, ["What?"], 0) == [""]
    with pytest.raises(ValueError, match="empty"):
        generate_in_row(lm, ["What?", ""], 3)
