"""Facts: they ask the same in three ways, and what is scored does not depend on the batch."""

import pytest
import torch
from alignlab.interp.facts import answer_probabilities, answer_token, facts, neighbors, subject_end
from alignlab.lm import load_lm
from alignlab.lm.load import encode

FRANCE = next(fact for fact in facts(["capital"]) if fact.subject == "France")


@pytest.fixture(scope="module")
def lm():
    return load_lm("smollm2-135m-instruct")


def test_facts_ask_the_same_in_three_ways_and_neighbors_differ():
    everything = facts()
    assert len(everything) >= 80 and len(set(everything)) == len(everything)
    for fact in everything:
        assert len({fact.template, *fact.paraphrases}) == 3
        assert all(t.count("{}") == 1 and not t.startswith("{}") for t in (fact.template, *fact.paraphrases))
        assert fact.answer.startswith(" ")
    others = neighbors(FRANCE, everything)
    assert others and all(o.relation == "capital" and o.answer != FRANCE.answer for o in others)
    with pytest.raises(ValueError, match="no relation"):
        facts(["weather"])


def test_the_subject_is_found_and_an_answer_is_one_token(lm):
    ids = encode(lm, FRANCE.prompt)
    assert lm.tokenizer.decode(ids[: subject_end(lm, FRANCE.template, "France") + 1]) == "The capital of France"
    assert lm.tokenizer.decode([answer_token(lm, " Paris")]) == " Paris"


def test_probabilities_do_not_depend_on_what_else_is_in_the_batch(lm):
    prompts = [FRANCE.prompt, "In a very long sentence about many other things, the color of the sky is"]
    together = answer_probabilities(lm, prompts, [" Paris", " blue"])[0]
    alone = answer_probabilities(lm, prompts[:1], [" Paris"])[0]
    assert torch.allclose(together[:1], alone, atol=1e-4)
