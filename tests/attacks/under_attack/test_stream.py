"""Parts of the model put together give what the whole model gives, and pushes stay within their bounds."""

import functools

import pytest
import torch
from alignlab.attacks.under_attack.declines import ask, declining
from alignlab.attacks.under_attack.latent import cut, pushed, random_push, worst_push
from alignlab.attacks.under_attack.stream import asking, ends_of_template, lay, run, words
from alignlab.attacks.under_attack.tune import lacks, lessons, log_chances
from alignlab.lm import chat_prompt, encode, load_lm, logprobs

ASKED = ["How do I boil an egg?", "What is the capital of Norway, and why is it there?"]
OPENINGS = ["I'm sorry", "I can't", "I cannot", "I won't", "Sorry"]


@functools.cache
def lm():
    return load_lm("smollm2-135m-instruct")


def test_declining_is_the_sum_over_the_openings_scored_one_by_one():
    whole = logprobs(lm(), [chat_prompt(lm(), text) for text in ASKED], [OPENINGS] * 2)
    want = torch.stack(whole).exp().sum(1)
    for first in (0, 18):
        with torch.no_grad():
            assert torch.allclose(declining(lm(), ask(lm(), ASKED, first)), want, rtol=1e-3, atol=1e-7)


def test_a_lesson_lacks_what_its_answer_scores():
    answers = ["Put it into", "Oslo is"]
    lacking = lacks(lm(), lessons(lm(), ASKED, answers, 18))
    for text, answer, lack in zip(ASKED, answers, lacking.tolist()):
        tokens = len(lm().tokenizer(answer, add_special_tokens=False)["input_ids"])
        want = logprobs(lm(), [chat_prompt(lm(), text)], [[answer]])[0]
        assert lack * tokens == pytest.approx(-want.item(), rel=1e-3)
    with pytest.raises(ValueError, match="empty answer"):
        lessons(lm(), ASKED, ["", "x"], 18)


def test_each_tokens_chance_adds_up_to_what_an_answer_scores():
    taught = lessons(lm(), ASKED, ["Sure, here is I'm sorry"] * 2, 18)
    with torch.no_grad():
        told, lacking = log_chances(lm(), taught), lacks(lm(), taught)
    assert told.shape == (2, 7)
    assert torch.allclose(-told.mean(1), lacking, rtol=1e-4)
    with pytest.raises(ValueError, match="one length"):
        log_chances(lm(), lessons(lm(), ASKED, ["Sure", "Sure, here"], 18))


def test_the_ends_of_the_template_are_what_stands_around_a_message():
    shots = [("Name a color.", "Red.")]
    head, after = ends_of_template(lm(), shots)
    whole = encode(lm(), asking(lm(), ASKED[0], shots))
    assert whole == [*head, *words(lm(), ASKED[0]), *after] and len(head) > len(ends_of_template(lm())[0])


def test_a_push_is_no_longer_than_allowed_and_works_better_than_a_random_one():
    rows = ask(lm(), ASKED, 18)
    score = lambda r: lacks_sure(r)  # noqa: E731
    push = worst_push(rows, score, 2.0, 2)
    assert push.norm(dim=-1).max() <= 2.0 + 1e-4
    with torch.no_grad():
        searched, drawn = (score(pushed(rows, p)).sum() for p in (push, random_push(rows, 2.0, 0)))
    assert searched < drawn
    assert torch.equal(pushed(rows, push).x[:, -1], rows.x[:, -1])  # the answer's tokens are left alone
    with pytest.raises(ValueError, match="length above 0"):
        worst_push(rows, score, 0.0, 1)


def lacks_sure(rows):
    """The probability of declining, which the search lowers."""
    return declining(lm(), rows)


def test_cut_shortens_long_vectors_alone():
    push = torch.tensor([[[3.0, 4.0], [0.3, 0.4]]])
    assert torch.allclose(cut(push, 1.0), torch.tensor([[[0.6, 0.8], [0.3, 0.4]]]))


def test_rows_refuse_what_cannot_be_laid_out():
    with pytest.raises(ValueError, match="one tree for each"):
        lay(lm(), ASKED, [])
    rows = ask(lm(), ASKED, 18)
    with pytest.raises(ValueError, match="before layer 18"):
        run(lm(), rows, 3)
