"""The modules of `alignlab.risks.misuse_and_society`, held against what is known without them."""

import itertools

import numpy as np
import pytest
from alignlab.risks.misuse_and_society import energy, marks, measures, negotiation, writer
from alignlab.risks.misuse_and_society.negotiation import OFFERS, Asker, payoffs
from alignlab.risks.misuse_and_society.selfplay import self_play
from alignlab.risks.misuse_and_society.surprise import Surprise, auroc, curvature, surprise
from alignlab.risks.misuse_and_society.words import WordModel, halves, passages, word_model, words
from gymnasium.utils.env_checker import check_env

# ---- words and the word model


def test_words_are_letters_with_an_apostrophe_inside():
    assert words("It\u2019s 5 o'clock\u2014don't!") == ["it's", "o'clock", "don't"]


def test_passages_do_not_overlap_and_know_their_article():
    found, source = passages(100, 0, 2, most=3)
    assert [len(one) for one in found] == [100] * 6 and source.tolist() == [0, 0, 0, 1, 1, 1]
    assert found[0][-1:] + found[1][:1] != found[0][:2]


def test_word_model_gives_probabilities_and_follows_its_own_frequencies():
    model = word_model()
    assert np.allclose(model.follows.sum(1), 1) and np.isclose(model.unigram.sum(), 1)
    assert model.follows.min() > 0
    after_of, vocab = [], set(model.vocab)
    for text in halves(0):
        known = [word for word in text if word in vocab]
        after_of += [b for a, b in itertools.pairwise(known) if a == "of"]
    of, the = model.vocab.index("of"), model.vocab.index("the")
    share = after_of.count("the") / len(after_of)
    assert model.follows[of, the] == pytest.approx(0.8 * share + 0.2 * model.unigram[the])


# ---- the watermark


def small() -> WordModel:
    vocab = ("ant", "bee", "cat", "dog", "eel", "fox")
    p = np.array([0.3, 0.25, 0.2, 0.1, 0.1, 0.05])
    return WordModel(vocab, p, np.tile(p, (6, 1)))


def test_hash_is_fowler_noll_vos():
    """The published value of FNV-1a for "a" is e40c292c; ours hashes a word, a space and a letter alike."""

    def fnv(text):
        found = 0x811C9DC5
        for byte in text.encode():
            found = ((found ^ byte) * 0x01000193) % 2**32
        return found

    assert fnv("a") == 0xE40C292C
    assert marks.codes([("of", "the")]).tolist() == [fnv("of t")]


def test_half_of_all_pairs_are_green_and_keys_are_independent():
    code = marks.codes(("".join(p), q) for p in itertools.product("abcdefghij", repeat=3) for q in "xyz")
    keys = np.arange(400)
    green = marks.is_green(code[:, None], keys[None])
    assert abs(green.mean() - 0.5) < 0.003
    together = np.corrcoef(green[:, :40].T.astype(float))
    assert abs(together - np.eye(40)).max() < 5 / np.sqrt(len(code))


def test_a_repeated_pair_counts_once_and_order_is_kept():
    text = ["the", "cat", "and", "the", "cow", "and", "the", "dog"]
    assert marks.pairs_of(text) == [("the", "cat"), ("cat", "and"), ("and", "the"), ("cow", "and"), ("the", "dog")]
    assert len(marks.pairs_of(text, once=False)) == 7


def test_many_keys_give_what_each_key_gives():
    texts = [["the", "cat", "and", "the", "cow", "and", "the", "dog"], ["of", "the", "end", "of", "the", "tale"]]
    keys = np.array([3, 42, 2**31])
    for once in (True, False):
        z = marks.z_under_keys(texts, keys, once)
        one = [[marks.z_of_text(text, int(key), once) for key in keys] for text in texts]
        assert z == pytest.approx(np.array(one), abs=1e-5)


def test_z_score_is_standardized_as_a_binomial():
    greens = np.random.default_rng(0).binomial(64, 0.5, 40_000)
    z = marks.z_score(greens, 64)
    assert abs(z.mean()) < 0.02 and z.std() == pytest.approx(1, abs=0.02)


def test_marked_distribution_has_the_closed_form():
    """Green mass G becomes G e^d / (1 + G (e^d - 1)); the divergence is G' d - log(1 + G (e^d - 1))."""
    p = np.array([0.5, 0.3, 0.2])
    green = np.array([False, True, True])
    marked = marks.marked_distribution(p, green, 1.5)
    mass = 1 + 0.5 * (np.exp(1.5) - 1)
    assert marked[green].sum() == pytest.approx(0.5 * np.exp(1.5) / mass)
    divergence = (marked * np.log(marked / p)).sum()
    assert marks.price(p, green, 1.5) == pytest.approx(divergence)


def test_writer_writes_its_model_and_a_mark_pushes_green_letters():
    model = small()
    plain = writer.write(model, 400, 41, seed=1)
    share = np.bincount(plain.tokens.ravel(), minlength=6) / plain.tokens.size
    assert share == pytest.approx(model.unigram, abs=0.015)
    assert np.allclose(plain.paid, 0)
    table = marks.green_letters(model.vocab, 7)
    first = np.array([marks.LETTERS.index(word[0]) for word in model.vocab])
    marked = writer.write(model, 400, 41, seed=1, delta=50.0, key=7).tokens
    possible = table[marked[:, :-1]][:, :, first].any(2)
    is_green = np.take_along_axis(table[marked[:, :-1]], first[marked[:, 1:]][..., None], 2)[..., 0]
    assert is_green[possible].all()


def test_pushed_without_a_key_pays_alike_and_carries_no_mark():
    model = word_model()
    marked, blind = (writer.write(model, 60, 101, 3, delta=2.0, key=9, keyless=k) for k in (False, True))
    assert blind.paid.mean() == pytest.approx(marked.paid.mean(), rel=0.2)
    z = [[marks.z_of_text(text, 9) for text in writer.as_words(model, w.tokens)] for w in (marked, blind)]
    assert np.mean(z[0]) > 5 and abs(np.mean(z[1])) < 2


def test_replaced_changes_the_asked_share_scattered_or_in_one_block():
    model = small()
    tokens = np.full((50, 40), 9)  # no word of the model, so that every replacement shows
    for block in (False, True):
        new = writer.replaced(tokens, 0.25, model, 0, block)
        changed = new != tokens
        assert (changed.sum(1) == 10).all()
        runs = np.abs(np.diff(np.pad(changed, ((0, 0), (1, 1))).astype(int))).sum(1) / 2
        assert (runs == 1).all() if block else runs.mean() > 5


# ---- surprise


def test_curvature_of_a_models_own_text_has_mean_0_and_variance_1():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(2000, 30, 8)) * 1.5
    logp = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    drawn = (np.exp(logp).cumsum(-1) < rng.random((2000, 30, 1))).sum(-1)
    found = curvature(surprise(logp, drawn))
    assert abs(found.mean()) < 0.07 and found.std() == pytest.approx(1, abs=0.05)
    best = curvature(surprise(logp, logp.argmax(-1)))
    assert best.min() > 2


def test_surprise_of_a_fair_coin():
    seen = surprise(np.log(np.full((3, 2), 0.5)), np.array([0, 1, 1]))
    assert seen.entropy == pytest.approx(np.log(2)) and seen.logp == pytest.approx(-np.log(2))
    assert seen.variance == pytest.approx(0)


def test_curvature_by_hand():
    seen = Surprise(np.array([-1.0, -2.0]), np.array([0.5, 0.5]), np.array([0.0, 4.0]))
    assert curvature(seen) == pytest.approx(-1.0)


def test_auroc_is_scikit_learns():
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(3)
    high, low = rng.integers(5, size=40), rng.integers(4, size=30)
    labels = np.r_[np.ones(40), np.zeros(30)]
    assert auroc(high, low) == pytest.approx(roc_auc_score(labels, np.r_[high, low]))


# ---- what the page measures


def test_a_detector_tells_the_models_own_text_and_likelihood_alone_tells_it_too():
    """The reason why the page makes no claim of the expectation in the toy."""
    found = measures.told_apart(100)
    assert found["c"][0] > 0.9 and found["log-probability"][0] > 0.9
    assert abs(found["c"][1] - 0.5) < 0.15 and abs(found["frequency of words"][0] - 0.5) < 0.2


def test_learned_passages_are_accused_and_unread_ones_seldom():
    assert measures.accused(100) > 0.9 and measures.accused(100, learned=False) < 0.15


def test_a_mark_is_told_under_its_own_key_alone():
    assert measures.mark_told(100) > 0.95
    for terms in ({"keyless": True}, {"other_key": True}, {"by": "c"}, {"by": "log-probability"}):
        assert abs(measures.mark_told(100, **terms) - 0.5) < 0.15, terms


def test_marked_and_unmarked_texts_are_as_likely_to_pass_a_limit_of_likelihood():
    (z, likely), (plain_z, plain) = measures.caught(100), measures.caught(100, marked=False)
    assert z > 0.5 > 0.1 > plain_z and abs(likely - plain) < 0.2


def test_mark_falls_with_the_pairs_that_are_spared():
    for block, left in ((True, 0.5), (False, 0.25)):
        z = measures.after_changes(100, block, [0.0, 0.5])
        assert z[1] / z[0] == pytest.approx(left, abs=0.15)


def test_theory_of_false_alarms_knows_a_text_without_repetition(monkeypatch):
    from scipy.stats import norm

    def passages_of(distinct):
        return [[f"w{i % distinct}" for i in range(400)]]

    monkeypatch.setattr(measures, "human_passages", lambda _: passages_of(400))
    assert measures.alarms_in_theory() == pytest.approx(1000 * norm.sf(3))
    monkeypatch.setattr(measures, "human_passages", lambda _: passages_of(1))  # one pair, 399 times
    assert measures.alarms_in_theory() == pytest.approx(1000 * norm.sf(3 / 399**0.5))


def test_false_alarms_by_key_have_the_promised_mean_and_more_spread_than_chance():
    by_key, (worst, none) = measures.alarms_by_key(100, keys=100), measures.alarms_by_chance(100)
    assert by_key.mean() == pytest.approx(1, abs=0.4)
    assert by_key.max() > 1.3 * worst and (by_key == 0).mean() > none / 100 + 0.05


def test_reading_by_rows_is_what_the_general_function_reads():
    rows = measures.own_texts(100)[:7]
    logp = np.log(word_model().follows)[rows[:, :-1]]
    for ours, known in zip(measures.seen(rows), surprise(logp, rows[:, 1:]), strict=True):
        assert ours == pytest.approx(known)


def test_smollm2s_mark_is_told_under_the_recipes_key_better_than_by_reading_it():
    from alignlab.recipes import record

    r = record("machine-texts")
    for seed in r.seeds:
        told = measures.recorded_mark_told(r, seed)
        assert told > max(measures.recorded_mark_told(r, seed, by=name) for name in ("c", "log-probability"))
        assert abs(measures.recorded_under_other_keys(r, seed, keys=20) - 0.5) < 0.1


# ---- the negotiation


def test_environment_keeps_gymnasiums_rules():
    check_env(Asker(np.array([[4, 4], [6, 3]])))


def test_environment_pays_what_the_table_pays():
    offers = np.array([[4, 2], [6, 3]])
    env, (asker_pay, _) = Asker(offers), payoffs()
    seen, _ = env.reset(seed=0)
    for step in range(200):
        said = step % 2
        kind, owner = divmod(seen, 2)
        _, reward, ended, _, _ = env.step(said)
        assert ended and reward == pytest.approx(asker_pay[kind, owner, offers[said, owner]])
        seen, _ = env.reset()


def test_payoffs_by_hand():
    """Three books and no hat: ten points for who wants books alone; the owner that loves the hat keeps five."""
    asker, owner = payoffs()
    all_books = OFFERS.index((3, False))
    assert asker[negotiation.BOOKS, 0, all_books] == pytest.approx(10)
    assert owner[negotiation.BOOKS, 0, all_books] == pytest.approx(5)
    one_book = OFFERS.index((1, False))  # too little for anyone: all walk away
    assert (asker[:, :, one_book] == negotiation.WALKS).all() and (owner[:, :, one_book] == 0).all()
    for worth in (negotiation.ASKERS, negotiation.OWNERS):
        assert np.allclose(worth @ [3, 1], 10)


def test_feigning_pays_where_the_owner_loves_the_hat_alone():
    """Best offers by enumeration: who wants books alone gets two, who wants both gets three from a lover of the hat."""
    asker, owner = payoffs()
    best = owner.argmax(2)  # (asker's kind, owner's kind), the owner knowing
    assert [OFFERS[i] for i in best[negotiation.BOOKS]] == [(2, False), (2, False)]
    assert [OFFERS[i] for i in best[negotiation.BOTH]] == [(3, False), (1, True)]
    honest = [asker[0, k, best[0, k]] for k in (0, 1)]
    feigned = [asker[0, k, best[1, k]] for k in (0, 1)]
    assert feigned[0] - honest[0] == pytest.approx(10 / 3) and feigned[1] < honest[1]


def test_self_play_repeats_with_the_seed_and_publicity_ends_feigning():
    short = {"pairs": 8, "seed": 3, "episodes": 6000}
    again = self_play(**short).claims
    assert np.array_equal(again, self_play(**short).claims)
    assert self_play(**short, public=True).claims[:, 0, 0].mean() < 0.2 < again[:, 0, 0].mean()


# ---- energy


def test_energy_by_hand():
    """A machine of 1 operation a second and 3.6 million watts: one operation is one kilowatt hour."""
    machine = energy.Machine(1.0, energy.JOULES_PER_KWH)
    assert energy.kwh(5.0, machine, pue=1.5) == pytest.approx(7.5)
    assert energy.kwh_of_seconds(3600, 1000) == pytest.approx(1)
    training, writing = energy.emissions(1, 2, np.array([1.0, 6.0]), machine, grams=2e6, pue=1.5)
    assert training == pytest.approx(36) and writing == pytest.approx([6, 36])


def test_writing_costs_as_much_as_training_at_three_times_its_tokens():
    tokens = energy.even_at(2e12)
    assert energy.writing_flops(1e8, tokens) == pytest.approx(energy.training_flops(1e8, 2e12))


def test_two_operations_a_weight_as_torch_counts_them():
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    layer = torch.nn.Linear(64, 32, bias=False)
    with FlopCounterMode(display=False) as counter:
        layer(torch.zeros(10, 64))
    assert counter.get_total_flops() == energy.writing_flops(64 * 32, 10)


# ---- the page's examples


def test_examples_to_paste_are_what_smollm2_wrote_and_only_one_carries_the_mark():
    from alignlab.recipes import record
    from support import ROOT

    page = (ROOT / "text/02-why/misuse-and-society.md").read_text()
    r = record("machine-texts")
    for kind, label, found in (("machine", "one", False), ("marked", "two", True)):
        text = " ".join((r.value("prompts", 0)[0] + r.value("written", 0)[kind][0]).split())
        assert f"Text {label}: {text}\n" in page
        assert (marks.z_of_text(words(text), r.config["key"]) > 4) == found
