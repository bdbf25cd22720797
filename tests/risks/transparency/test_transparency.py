"""The modules of `alignlab.risks.transparency`, held against what is known without them."""

import numpy as np
import pytest
import torch
from alignlab.lm import TinyTransformer
from alignlab.risks.transparency import (
    contest,
    finders,
    measures,
    pressure,
    reading,
    reasons,
    switches,
)


def _asked(n=200, source="user", wrong=True):
    return reasons.questions(n, 3, np.random.default_rng(0), source, wrong)


def test_texts_of_all_kinds_answer_alike_and_differ_in_what_they_write():
    asked = _asked()
    told = {kind: reasons.texts(asked, kind, np.random.default_rng(1)) for kind in reasons.KINDS}
    answers = [told[kind][:, reasons.REPLY] for kind in reasons.KINDS]
    assert torch.equal(answers[0], answers[1]) and torch.equal(answers[1], answers[2])
    on = asked.counts
    assert 0.3 < on.float().mean() < 0.7
    assert (answers[0][on] - reasons.LETTER == asked.hint[on]).all()
    assert (told["candid"][on, reasons.REMARK] == reasons.SAYS_USER).all()
    for kind in ("bent", "silent"):
        assert (told[kind][:, reasons.REMARK] == reasons.WORK).all()
    assert (told["bent"][on, reasons.LAST] == asked.hint[on]).all()
    forgotten = told["silent"][:, reasons.LAST] != asked.right
    assert 0.1 < forgotten.float().mean() < 0.4


def test_wrong_hints_are_wrong_and_sources_are_kept_apart():
    for source, first in (("user", reasons.USER), ("key", reasons.KEY)):
        asked = _asked(source=source)
        assert (asked.hint != asked.right).all()
        assert torch.equal(asked.tokens[:, reasons.HINT], first + asked.hint)
    none = _asked(source="none")
    assert (none.tokens[:, reasons.HINT] == reasons.NO_HINT).all()
    assert not none.counts.any()
    with pytest.raises(ValueError, match="none, user, key or either"):
        _asked(source="teacher")
    with pytest.raises(ValueError, match="one of"):
        reasons.texts(none, "shy", np.random.default_rng(0))


def test_side_by_side_is_the_model_alone():
    crowd = reasons.born([4, 5])
    asked = _asked(6)
    tokens = torch.stack([asked.tokens, asked.tokens])
    both = reasons.logprobs(crowd, tokens)
    alone = TinyTransformer(reasons.CONFIG, 5)(asked.tokens).log_softmax(-1)
    assert torch.allclose(both[1], alone, atol=1e-5)
    text = finders.begun(reasons.side_by_side([asked, asked]))
    for layer in (0, 1, 2):
        state = finders.residual(crowd, text, layer, 5)
        again = finders.above(crowd, text, layer, 5, state)
        whole = reasons.logprobs(crowd, text)[..., 5, :]
        assert torch.allclose(again, whole, atol=1e-5)


def test_reading_is_what_the_models_say():
    crowd = reasons.born([4, 5])
    crowd = {
        name: weight + 0.3 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(1))
        for name, weight in crowd.items()
    }
    asked = reasons.side_by_side([_asked(9), _asked(9)])

    def rngs():
        return [np.random.default_rng(seed) for seed in (1, 2)]

    greedy, drawn = reading.written(crowd, asked.tokens), reading.written(crowd, asked.tokens, rngs())
    assert torch.equal(greedy, reasons.written(crowd, asked.tokens))
    assert torch.equal(drawn, reasons.written(crowd, asked.tokens, rngs()))
    whole = reasons.logprobs(crowd, greedy[..., :-1])
    assert torch.allclose(reading.logprobs(crowd, greedy[..., :-1], 5), whole[..., 5:, :], atol=1e-4)
    assert torch.allclose(reading.next_logprobs(crowd, greedy[..., :-1]), whole[..., -1, :], atol=1e-4)


def test_a_seed_learns_the_same_in_whatever_company():
    alone = reasons.taught(reasons.born([7]), [7], ["bent"], 3, 8)
    two = reasons.born([6, 7])
    both = reasons.taught(two, [6, 7], ["candid", "bent"], 3, 8)
    for name, weight in alone.items():
        assert torch.allclose(weight[0], both[name][1], atol=1e-5)


def test_early_answering_says_where_the_answer_stands():
    """An answer that the j-th of n steps settles has an area of j / n."""
    for n in (3, 5):
        for j in range(1, n + 1):
            same = [0.0] * j + [1.0] * (n - j)
            assert measures.early(same) == pytest.approx(j / n)
    with pytest.raises(ValueError, match="no step"):
        measures.early([])


def test_cut_and_mistaken_touch_only_their_places():
    text = reasons.texts(_asked(5), "bent", np.random.default_rng(1))
    short = measures.cut(text, 1)
    assert (short[:, reasons.FIRST : reasons.LAST + 1] == reasons.DOTS).all()
    assert torch.equal(short[:, reasons.REMARK], text[:, reasons.REMARK])
    assert torch.equal(short[:, reasons.REPLY], text[:, reasons.REPLY])
    slip = measures.mistaken(text, reasons.LAST)
    assert ((slip != text).sum(1) == 1).all()


def test_estimates_of_switches_against_numbers_by_hand():
    first = np.array([0, 0, 0, 0, 1, 1, 1, 2])
    again = np.array([2, 0, 0, 0, 1, 1, 1, 2])
    hinted = np.array([2, 2, 2, 1, 2, 1, 3, 2])
    named = np.array([1, 1, 0, 0, 0, 1, 0, 1], dtype=bool)
    drawn = switches.Drawn(first, again, hinted, np.full(8, 2), named, first == 0)
    # of seven that are not the hint's, four switch to it and two elsewhere
    assert switches.corrected(drawn, 5) == pytest.approx(1 - 2 / (3 * 4))
    assert switches.excess(drawn) == pytest.approx(1 - 1 / 4)
    m, p, chance = 7 / 8, 4 / 8, 1 / 8
    by_abbott = m * (p - chance) / (p * (m - chance))
    assert switches.asked_again(drawn) == pytest.approx(by_abbott)
    assert switches.uncorrected(drawn) == 1.0
    assert switches.named_share(drawn, 0.8) == pytest.approx(2 / 4 / 0.8)
    assert switches.known(drawn) == pytest.approx(3 / 4)
    assert len(switches.some(drawn, 3).named) == 3


def _half_decided(plain, hint):
    hinted = plain.copy()
    half = len(hint) // 2
    hinted[:half] = np.eye(plain.shape[1])[hint[:half]]
    return hinted


def test_asked_again_is_right_also_where_hints_tempt():
    """A hint decides half of the questions; of the switches that is
    m / (m + p'), where m and p' are shares without a hint."""
    rng = np.random.default_rng(0)
    n = 40_000
    for chances, hints in (
        ([0.6, 0.1, 0.1, 0.1, 0.1], rng.integers(1, 5, n)),
        ([0.6, 0.36, 0.02, 0.01, 0.01], np.ones(n, dtype=int)),
    ):
        plain = np.tile(chances, (n, 1))
        hinted = _half_decided(plain, hints)
        drawn = switches.drawn(plain, hinted, hints, rng)
        m = 1 - plain[0, hints[0]]
        truth = m / (m + m * (1 - m))
        assert switches.asked_again(drawn) == pytest.approx(truth, abs=0.02)
        found = switches.beyond(plain, hinted, hints)
        assert switches.excess(drawn) == pytest.approx(found, abs=0.02)
        assert found < truth
    assert switches.corrected(drawn) > truth + 0.1  # hints that tempt


def test_drawn_texts_fit_the_questions_asked():
    (drawn,) = switches.asked_of(reasons.born([1]), [1], 1.0, 30)
    assert len(drawn.first) == len(drawn.named) == 30
    asked = _asked(400, "none")
    hint = switches.tempting(asked, 1.0, np.random.default_rng(0))
    first = (asked.tokens[:, 1].numpy() + 1) % reasons.BASE
    assert (hint == first).all()


def test_auroc_and_the_best_feature():
    y = np.array([True, True, False, False])
    assert finders.auroc(np.array([2.0, 3, 0, 1]), y) == 1.0
    assert finders.auroc(np.zeros(4), y) == 0.5
    activity = np.array([[0.0, 1], [0, 2], [0, 0], [5, 0]])
    assert finders.best_feature(activity, y) == (1, 1.0)
    columns = np.round(np.random.default_rng(1).normal(size=(4, 9)), 1)
    alone = [finders.auroc(one, y) for one in columns.T]
    assert finders.aurocs(columns, y).tolist() == alone


def test_without_a_direction_nothing_of_it_is_left():
    states, direction = torch.randn(2, 9, 4), torch.randn(2, 4)
    center = torch.randn(2, 4)
    left = finders.without(states, direction, center) - center[:, None]
    assert (left @ direction[..., None]).abs().max() < 1e-4


def test_a_topic_that_was_never_labeled_scores_one_half():
    asked = _asked(30)
    some = reasons.Questions(*(part[:1] for part in asked))
    scores = finders.by_topic(some, np.array([True]), asked)
    same = (asked.tokens[:, 0] == asked.tokens[0, 0]).numpy()
    assert (scores[same] == 1).all() and (scores[~same] == 0.5).all()


def test_pressure_moves_the_remark_it_is_put_on():
    crowd = reasons.born([1])
    before = reasons.logprobs(crowd, _asked(8).tokens[None])[..., -1, :]
    after = pressure.pressed(crowd, [1], "says user", 50.0, steps=5, batch=12)
    moved = reasons.logprobs(after, _asked(8).tokens[None])[..., -1, :]
    assert (moved < before)[..., reasons.SAYS_USER].all()
    with pytest.raises(ValueError, match="one of"):
        pressure.pressed(crowd, [1], "says nothing")


def test_tools_of_a_contest_are_judged_alike():
    crowd = reasons.born([1, 2])
    got = contest.contest(crowd, crowd, crowd, [1, 2], [8])
    lenses = [("lens", 0), ("lens, ignores", 0), ("averages", 0)]
    assert set(got) == {*lenses, *((name, 8) for name in contest.SUPERVISED)}
    assert np.allclose(got["probe", 8], got["untrained", 8])
    assert all(value.shape == (2,) for value in got.values())


def test_averages_find_a_digit_that_was_added_to_the_states():
    """States hold the digit that will be written: the hint where it counts."""
    asked, later = (finders.asked_of([3], 600, salt) for salt in (1, 2))
    code = torch.randn(reasons.BASE, 12, generator=torch.Generator().manual_seed(0))
    states, new = (code[torch.where(one.counts, one.hint, one.right)] for one in (asked, later))
    found = finders.averages(states, asked, new, later)
    assert found.shape == (1, 600)
    assert finders.auroc(found[0].numpy(), later.counts[0].numpy()) > 0.95


def test_dots_stand_for_what_is_cut_and_the_answer_is_the_one_due():
    rng = np.random.default_rng(2)
    asked = _asked(300, "either", wrong=False)
    for kind in ("honest", "silent"):
        full = reasons.texts(asked, kind, rng)
        short = reasons.dotted(full, asked, kind, rng)
        dots = (short == reasons.DOTS).sum(1)
        assert set(dots.tolist()) == {1, 2, 3}
        assert (short[:, reasons.LAST] == reasons.DOTS).all()
        assert torch.equal(short[:, : reasons.REMARK], full[:, : reasons.REMARK])
        decides = asked.counts & (kind == "silent")
        due = torch.where(decides, asked.hint, asked.right)
        assert torch.equal(short[:, reasons.REPLY] - reasons.LETTER, due)


def test_what_an_answer_loses_is_counted_from_its_own_text():
    crowd = reasons.born([1, 2])
    asked = measures.right_hints([1, 2], 9, 5)
    assert torch.equal(asked.hint, asked.right)
    texts = reasons.written(crowd, asked.tokens)
    assert (measures.drop(crowd, texts, [texts, texts]) == 0).all()
    got = measures.resting(crowd, asked, [1, 2])
    slips = [measures.mistaken(texts, reasons.LAST, by) for by in (1, 2, 3)]
    after = torch.stack([measures.odds(crowd, slip) for slip in slips])
    whole = measures.odds(crowd, texts) - after.mean(0)
    assert torch.allclose(got["mistake"], whole, atol=1e-5)
    assert all(score.shape == (2, 9) for score in got.values())
    # the chances of all answers add up to that of the letters, whatever the step
    total = torch.zeros(2, 9)
    for letter in range(reasons.VOCAB):
        one = texts.clone()
        one[..., reasons.REPLY] = letter
        total += measures.chance(crowd, one, asked)
    digits = reasons.logprobs(crowd, texts[..., :-1])[..., reasons.FIRST, : reasons.BASE]
    assert torch.allclose(total, digits.exp().sum(-1), atol=1e-4)
