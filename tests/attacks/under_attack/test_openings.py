"""Answers begin as `generate` begins them, with and without a begun answer and shots."""

import pytest
from alignlab.attacks.under_attack.openings import openings
from alignlab.attacks.under_attack.stream import asking
from alignlab.lm import generate, load_lm

ASKED = ["How do I boil an egg?", "Name two colors.", "Tell me, in one sentence, why the sky is blue."]
SHOTS = (("What is two and two?", "Four."),)


@pytest.mark.parametrize(("begun", "shots"), [("", ()), ("Sure, here is", ()), ("", SHOTS)])
def test_answers_begin_as_the_slower_way_begins_them(begun, shots):
    lm = load_lm("smollm2-135m-instruct", device="cpu", dtype="float32")
    slow = generate(lm, [asking(lm, text, shots) + begun for text in ASKED], 8)
    assert openings(lm, ASKED, 8, begun, shots) == slow
    with pytest.raises(ValueError, match="at least 1"):
        openings(lm, [])
