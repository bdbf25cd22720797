"""Rank-one edits: directions that read one key, what settings do, fine-tuning beside them, clean-up."""

import math

import numpy as np
import pytest
import torch
from alignlab.interp.editing.rank_one import (
    PREFIXES,
    Edit,
    changed,
    edit_scores,
    edited,
    edited_rows,
    gradient_change,
    rank_one_edits,
    read_direction,
    second_moments,
)
from alignlab.interp.facts import answer_probabilities, facts, neighbors
from alignlab.lm import load_lm

FRANCE = next(fact for fact in facts(["capital"]) if fact.subject == "France")


@pytest.fixture(scope="module")
def lm():
    return load_lm("smollm2-135m-instruct")


def test_a_direction_reads_its_key_and_no_other_while_there_is_room():
    rng = np.random.default_rng(0)
    keys = torch.from_numpy(rng.normal(size=(10, 6)))
    direction = read_direction(keys[:, 0], keys @ keys.T / 6, ridge=1e-9)
    assert torch.allclose(direction @ keys, torch.eye(6, dtype=torch.float64)[0], atol=1e-4)
    assert float(read_direction(keys[:, 0], None) @ keys[:, 0]) == pytest.approx(1.0)


def test_an_edit_is_of_rank_one_and_gone_afterwards(lm):
    weight = lm.model.model.layers[3].mlp.down_proj.weight
    before = weight.clone()
    edit = Edit(3, torch.ones(weight.shape[0]), torch.ones(weight.shape[1]))
    with pytest.raises(RuntimeError, match="on purpose"), edited(lm, edit, edit):
        assert torch.allclose(weight - before, torch.full_like(before, 2.0), atol=1e-5)
        raise RuntimeError("on purpose")
    assert torch.equal(weight, before)


def test_second_moments_and_an_edit_that_makes_its_answer_likely(lm):
    moments = second_moments(lm, ["The sky is blue and the grass is green in summer. " * 8], [2])[2]
    assert torch.allclose(moments, moments.T) and float(torch.linalg.eigvalsh(moments)[0]) > -1e-6
    (edit,) = rank_one_edits(lm, [(FRANCE, " Rome")], 2, moments, steps=8)
    start = float(answer_probabilities(lm, [FRANCE.prompt], [" Rome"])[0])
    with edited(lm, edit):
        assert float(answer_probabilities(lm, [FRANCE.prompt], [" Rome"])[0]) > max(0.3, 10 * start)


def test_edits_of_one_layer_add_up(lm):
    weight = lm.model.model.layers[3].mlp.down_proj.weight
    before = weight.clone()
    generator = torch.Generator().manual_seed(0)
    edits = [
        Edit(3, torch.randn(weight.shape[0], generator=generator), torch.randn(weight.shape[1], generator=generator))
        for _ in range(3)
    ]
    total = sum(torch.outer(edit.value, edit.direction) for edit in edits)
    with edited(lm, *edits):
        assert torch.allclose(weight, before + total, atol=1e-5)
    with changed(lm, {3: total}):
        assert torch.allclose(weight, before + total, atol=1e-5)
    assert torch.equal(weight, before)


def what_it_is(lm):
    """Probabilities of what follows "France is a"."""
    with torch.no_grad():
        ids = lm.tokenizer("France is a", return_tensors="pt")["input_ids"]
        return lm.model(input_ids=ids).logits[0, -1].softmax(-1)


def test_the_essence_term_keeps_what_the_subject_is(lm):
    plain = what_it_is(lm)
    apart = {}
    for weight in (0.0, 5.0):
        (edit,) = rank_one_edits(lm, [(FRANCE, " Rome")], 4, None, steps=6, essence=weight)
        with edited(lm, edit):
            now = what_it_is(lm)
            rome, paris = answer_probabilities(lm, [FRANCE.prompt] * 2, [" Rome", " Paris"])[0]
        apart[weight] = float((now * (now / plain).log()).sum())
        assert rome > paris
    assert apart[5.0] < 0.5 * apart[0.0]


def test_the_clamp_bounds_the_value_and_changes_nothing_where_it_is_wide(lm):
    asked = [(FRANCE, " Rome")]
    (free,) = rank_one_edits(lm, asked, 4, None, steps=3)
    (wide,) = rank_one_edits(lm, asked, 4, None, steps=3, clamp=1e6)
    (tight,) = rank_one_edits(lm, asked, 4, None, steps=3, clamp=0.5)
    (tighter,) = rank_one_edits(lm, asked, 4, None, steps=3, clamp=0.25)
    assert torch.allclose(free.value, wide.value, atol=1e-5)
    assert float(tight.value.norm()) < float(free.value.norm())
    assert float(tighter.value.norm()) == pytest.approx(0.5 * float(tight.value.norm()), rel=1e-3)


def test_fine_tuning_goes_as_far_as_it_is_told_and_leaves_no_trace(lm):
    weight = lm.model.model.layers[4].mlp.down_proj.weight
    before = weight.clone()
    prompts = [prefix + FRANCE.prompt for prefix in PREFIXES]
    start = float(answer_probabilities(lm, prompts, [" Rome"] * 2)[0].log().mean())
    change = gradient_change(lm, FRANCE, " Rome", 4, until=math.log(0.3))
    assert torch.equal(weight, before) and not weight.requires_grad
    with changed(lm, {4: change}):
        end = float(answer_probabilities(lm, prompts, [" Rome"] * 2)[0].log().mean())
    assert end >= math.log(0.3) - 0.05 > start
    assert not gradient_change(lm, FRANCE, " Rome", 4, until=start - 1).any()


def test_scores_of_no_change(lm):
    around = neighbors(FRANCE, facts(["capital"]))[:2]
    found = edit_scores(lm, FRANCE, " Rome", [fact for fact in around if fact.answer != " Rome"], changed(lm, {}))
    assert found == {"efficacy": 0.0, "paraphrase": 0.0, "neighborhood": 1.0, "loss": 0.0, "gain": 0.0}


def test_edits_by_row_are_those_in_the_weights(lm):
    generator = torch.Generator().manual_seed(0)
    edits = [
        Edit(4, 5 * torch.randn(lm.d_model, generator=generator), 0.1 * torch.randn(1536, generator=generator))
        for _ in range(2)
    ]
    prompts, answers = [FRANCE.prompt, FRANCE.asked(FRANCE.paraphrases[0])], [" Paris"] * 2
    with edited_rows(lm, edits):
        together = answer_probabilities(lm, prompts, answers)[0].log()
    start = answer_probabilities(lm, prompts, answers)[0].log()
    for i, edit in enumerate(edits):
        with edited(lm, edit):
            alone = float(answer_probabilities(lm, prompts[i : i + 1], answers[:1])[0].log())
        assert float(together[i]) == pytest.approx(alone, abs=1e-3)
        assert abs(alone - float(start[i])) > 0.1
    with (
        pytest.raises(ValueError, match="give one layer's"),
        edited_rows(lm, [edits[0], Edit(5, *[torch.ones(3)] * 2)]),
    ):
        pass
