"""Goals: the closed form is the optimum, fronts and supported answers by hand, crowds, and the Borda theorem."""

import numpy as np
import pytest
import torch
from alignlab.outer.goals.pluralism import borda, disagreement, group_values, pooled_picks, pooled_reward
from alignlab.outer.goals.stated_goals import HELPFUL_OR_CAREFUL, HONEST_OR_KIND, effects, exchanges
from alignlab.outer.goals.tension import (
    PROPERTIES,
    crowd_picks,
    crowd_reward,
    seen_with_request,
    spanned,
    surface_features,
    word_features,
)
from alignlab.outer.goals.trade_offs import (
    GOALS,
    REPLIES,
    REQUESTS,
    VALUES,
    achieved,
    best_policy,
    candidate_answers,
    never_chosen,
    pareto,
)
from alignlab.outer.reward import agreement, fit_reward
from scipy.special import expit


def objective(policy, weights, beta, reference):
    kl = (policy * np.log(policy / reference)).sum(1).mean()
    return weights @ achieved(policy) - beta * kl


def test_best_policy_beats_every_other_on_reward_minus_divergence():
    rng = np.random.default_rng(0)
    weights, reference = np.array([0.5, 0.2, 0.3]), rng.dirichlet(np.ones(5), 5)
    best = best_policy(weights, 0.2, reference)
    assert best.sum(1) == pytest.approx(np.ones(5))
    for _ in range(20):
        other = 0.9 * best + 0.1 * rng.dirichlet(np.ones(5), 5)
        assert objective(other, weights, 0.2, reference) < objective(best, weights, 0.2, reference)


def test_without_weights_the_policy_is_its_reference_and_beta_must_be_positive():
    reference = np.random.default_rng(1).dirichlet(np.ones(5), 5)
    assert best_policy(np.zeros(3), 0.1, reference) == pytest.approx(reference)
    with pytest.raises(ValueError, match="beta=0"):
        best_policy(np.ones(3), 0)


def test_values_have_a_number_for_every_goal_request_and_reply():
    assert VALUES.shape == (len(GOALS), len(REQUESTS), len(REPLIES))
    assert VALUES.min() >= 0 and VALUES.max() <= 1


def test_front_by_hand():
    values = np.array([[3, 0], [2, 2], [0, 3], [1, 2], [2, 2], [0, 0]])
    assert pareto(values).tolist() == [True, True, True, False, True, False]


def test_a_dent_is_missed_by_sums_and_found_by_the_worst_case():
    dent, bulge = np.array([[1, 0], [0.4, 0.4], [0, 1]]), np.array([[1, 0], [0.7, 0.7], [0, 1]])
    assert never_chosen(dent).tolist() == [False, True, False]
    assert not never_chosen(bulge).any()
    assert not never_chosen(dent, "worst").any()
    with pytest.raises(ValueError, match="'best'"):
        never_chosen(dent, "best")


def test_what_sums_choose_agrees_with_trying_many_weights():
    values = candidate_answers(60, 3)
    angle = np.linspace(0, np.pi / 2, 20_001)
    tried = np.unique((values @ np.stack([np.cos(angle), np.sin(angle)])).argmax(0))
    assert set(np.flatnonzero(pareto(values) & ~never_chosen(values))) == set(tried)


def test_crowds_pick_by_their_own_reward():
    generator = torch.Generator().manual_seed(0)
    for kind in ("helpful", "harmless"):
        picks, danger = crowd_picks(kind, 4000, generator)
        better, worse = (crowd_reward(kind, picks[:, i]) for i in (0, 1))
        expected = torch.sigmoid((better - worse).abs()).mean()
        assert abs(float((better > worse).double().mean()) - float(expected)) < 0.03
        assert (danger.mean() < 0.3) == (kind == "helpful")
    with pytest.raises(ValueError, match="'kind'"):
        crowd_picks("kind", 5, generator)


def test_request_enters_as_a_product():
    answers, danger = torch.randn(4, 2, PROPERTIES), torch.tensor([0.0, 1.0, 0.5, 2.0])
    seen = seen_with_request(answers, danger)
    assert seen.shape == (4, 2, 2 * PROPERTIES)
    assert torch.equal(seen[3, :, PROPERTIES:], 2 * answers[3])


def test_a_mixture_recovers_both_crowds():
    generator = torch.Generator().manual_seed(1)
    parts = {kind: seen_with_request(*crowd_picks(kind, 20_000, generator)) for kind in ("helpful", "harmless")}
    weights = fit_reward(torch.cat([p[:10_000] for p in parts.values()]))
    assert all(agreement(weights, *p[10_000:].unbind(1)) > 0.7 for p in parts.values())


@pytest.mark.parametrize("seed", range(5))
def test_pooled_reward_orders_by_the_borda_count(seed):
    picks = pooled_picks(group_values(9, 3, seed), np.array([0.5, 0.3, 0.2]))
    assert disagreement(pooled_reward(picks), borda(picks)) == 0


def test_pooled_reward_of_one_group_is_its_value():
    values = group_values(8, 2, 0, alike=True)
    assert pooled_reward(pooled_picks(values, np.array([0.5, 0.5]))) == pytest.approx(
        values[0] - values[0].mean(), abs=1e-3
    )


def test_borda_by_hand():
    r = np.array([1.0, 0.0, -1.0])
    picks = expit(r[:, None] - r[None])
    assert borda(picks) == pytest.approx([(expit(1) + expit(2)) / 2, 0.5, (expit(-1) + expit(-2)) / 2])


CONFLICTS = (HELPFUL_OR_CAREFUL, HONEST_OR_KIND)


def test_shown_exchanges_share_no_answer_and_no_question_with_the_dilemmas():
    asked = [d for c in CONFLICTS for pair in c.dilemmas for d in pair]
    shown = [e for c in CONFLICTS for pair in c.examples for e in pair]
    assert not {a for d in asked for a in (d.first, d.second)} & {a for e in shown for a in (e.first, e.second)}
    assert not {d.question for d in asked} & {q for e in shown for q in (e.question, e.innocent)}


@pytest.mark.parametrize("conflict", CONFLICTS, ids=lambda c: c.goals[0])
def test_versions_exchange_the_forms_of_the_answers_and_nothing_else(conflict):
    def body(answer):
        return answer.split(" ", 1)[1] if answer.startswith(("Please ", "No, ", "Yes, ")) else answer

    def form(answer):
        return next((w for w in ("Please", "No", "Yes") if answer.startswith(w)), "plain")

    for v0, v1 in (*conflict.dilemmas, *conflict.examples):
        assert body(v0.first).lower() == body(v1.first).lower() and body(v0.second).lower() == body(v1.second).lower()
        assert form(v0.first) == form(v1.second) != form(v1.first) == form(v0.second)


@pytest.mark.parametrize("conflict", CONFLICTS, ids=lambda c: c.goals[0])
def test_exchanges_have_the_goal_and_the_form_asked_for(conflict):
    example = conflict.examples[0]
    answers = {(g, f): exchanges([example], g, f)[0][1] for g in (0, 1) for f in (0, 1)}
    assert answers[0, 0] == example[0].first and answers[0, 1] == example[1].first
    assert answers[1, 1] == example[0].second and answers[1, 0] == example[1].second
    innocent = exchanges([example], 1, 0, innocent=True)[0]
    assert innocent[1] == answers[1, 0] and innocent[0] == example[1].innocent != example[1].question
    assert exchanges([example], 0, 1, innocent=True) == exchanges([example], 0, 1)


def test_effects_by_hand():
    goal, form = np.array([3.0, 1.0]), np.array([5.0, -2.0])
    leads = np.zeros((2, 2, 2, 2))
    for g in (0, 1):
        for f in (0, 1):
            for version in (0, 1):
                # the first goal's answer has form 0 in version 0
                leads[g, f, version] = (0.5 - g) * goal + (0.5 - f) * form * (1 if version == 0 else -1) + 7 * version
    found = effects(leads)
    assert found[0] == pytest.approx(goal) and found[1] == pytest.approx(form)


def test_the_features_of_rivals_know_the_request_only_by_its_look_or_words():
    requests = ["Write a poem.", "Poem a write.", "Can you write a poem?"]
    look, words = surface_features(requests), word_features(requests)
    assert look.shape == (3, 2, 5) and torch.equal(look[0], look[1])
    assert torch.equal(words[0], words[1]) and not torch.equal(words[0], words[2])
    assert torch.equal(look[:, 0], -look[:, 1]) and torch.equal(words[:, 0], -words[:, 1])


def test_picks_of_one_kind_fail_on_the_other_by_construction():
    generator = torch.Generator().manual_seed(2)
    parts = {kind: seen_with_request(*crowd_picks(kind, 6000, generator)) for kind in ("helpful", "harmless")}
    for kind, other in (("helpful", "harmless"), ("harmless", "helpful")):
        weights = fit_reward(parts[kind][:2000])
        assert agreement(weights, *parts[kind][2000:].unbind(1)) > 0.7
        assert agreement(weights, *parts[other][2000:].unbind(1)) < 0.4


def test_sums_miss_answers_in_any_cloud_and_the_worst_case_none():
    cloud = np.random.default_rng(0).standard_normal((100, 2))
    assert never_chosen(cloud).any() and not never_chosen(cloud, "worst").any()
    assert not never_chosen(candidate_answers(100, 0, bulge=True)).any()


def test_a_minority_that_cares_more_moves_the_mean_value_and_not_the_borda_order():
    against = []
    for intensity in (1, 8):
        values = [group_values(12, 2, task, intensity=intensity) for task in range(10)]
        shares = np.array([0.75, 0.25])
        against.append(np.mean([disagreement(pooled_reward(pooled_picks(v, shares)), shares @ v) for v in values]))
    assert against[0] < 0.05 < against[1]


def test_fewer_dimensions_give_the_same_reward():
    pairs = torch.randn(12, 2, 40, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    directions = spanned(pairs[:8])
    assert directions.shape == (40, 8)
    whole = fit_reward(pairs[:8], ridge=0.3)
    less = directions @ fit_reward(pairs[:8] @ directions, ridge=0.3)
    assert torch.allclose(whole, less, atol=1e-8)
