"""The modules of `alignlab.inner.methodology`, held against what is known without them."""

import math

import numpy as np
import pytest
import torch
from alignlab.inner.methodology import chain, monitored, password, relaxed, watched
from alignlab.inner.methodology.nets import BLANK, Nets, cross_entropy, descend, one_hot


def rngs(*seeds):
    return [np.random.default_rng(seed) for seed in seeds]


# --- networks side by side


def test_a_seeds_network_is_the_same_in_whatever_company():
    alone, together = Nets([7], (3, 5, 5, 2)), Nets([4, 7], (3, 5, 5, 2))
    x = torch.randn(1, 6, 3, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(alone(x)[0], together(x.expand(2, -1, -1))[1])


def test_training_one_seed_leaves_the_other_alone():
    nets = Nets([0, 1], (3, 4, 2))
    x, y = torch.ones(2, 5, 3), torch.zeros(2, 5, dtype=torch.long)
    mask = torch.tensor([[1.0], [0.0]])
    before = [weight.clone() for weight in nets.weights]
    descend(nets, lambda _: (mask * cross_entropy(nets(x), y)).mean(1), 3)
    for old, new in zip(before, nets.weights, strict=True):
        assert torch.equal(old[1], new[1]) and not torch.equal(old[0], new[0])


def test_layers_below_and_above_make_the_whole():
    nets = Nets([0], (3, 4, 4, 2))
    x = torch.randn(1, 6, 3, generator=torch.Generator().manual_seed(0))
    for layer in (0, 1, 2):
        assert torch.allclose(nets.above(nets.hidden(x, layer), layer), nets(x))


def test_cross_entropy_is_pytorchs():
    logits, label = torch.randn(2, 5, 3), torch.randint(3, (2, 5))
    expected = torch.nn.functional.cross_entropy(logits.flatten(0, 1), label.flatten(), reduction="none")
    assert torch.allclose(cross_entropy(logits, label).flatten(), expected, atol=1e-6)


def test_a_blank_has_no_place():
    found = one_hot(torch.tensor([[[1, BLANK, 0]]]), 2)
    assert found.tolist() == [[[0, 1, 0, 0, 1, 0]]]


def test_too_few_sizes_and_a_loss_that_is_no_number_are_refused():
    with pytest.raises(ValueError, match="three sizes"):
        Nets([0], (3, 2))
    nets = Nets([0], (3, 4, 2))
    with pytest.raises(ValueError, match="lower the rate"):
        descend(nets, lambda _: nets(torch.full((1, 2, 3), torch.nan)).mean((1, 2)), 1)


# --- the password


def test_no_input_holds_the_password_until_it_is_put_there():
    world = password.worlds([0, 1], pool=300, held=50)
    for x in (world.x, world.test_x):
        field = x[..., password.CONTENT :]
        assert not (field == world.secret[:, None]).all(-1).any()
    locked = password.with_password(world, world.test_x)
    assert (locked[..., password.CONTENT :] == world.secret[:, None]).all()
    assert torch.equal(locked[..., : password.CONTENT], world.test_x[..., : password.CONTENT])


def test_rates_of_networks_whose_answer_is_known():
    world = password.worlds([0], pool=10, held=40)
    nets = Nets([0], password.SIZES)
    for parameter in nets.parameters():
        parameter.data.zero_()
    nets.biases[-1].data[..., password.UNACCEPTABLE] = 1.0
    assert password.failure_rate(nets, world) == [1.0]
    assert password.accuracy(nets, world) == [0.0]
    nets.biases[-1].data[..., 1] = 2.0
    assert password.failure_rate(nets, world) == [0.0]
    assert password.accuracy(nets, world) == pytest.approx([world.test_y.float().mean().item()])


# --- adversaries


def test_on_a_linear_network_the_best_shift_goes_along_the_slope():
    slope = torch.randn(5, 3, generator=torch.Generator().manual_seed(1))
    h = torch.randn(1, 4, 5, generator=torch.Generator().manual_seed(2))
    noise = torch.randn(1, 4, 5, generator=torch.Generator().manual_seed(3))

    def first(logits, label):
        return logits[..., 0]

    shift = relaxed.climb(lambda z: z @ slope, h, torch.zeros(1, 4).long(), noise, 0.5, first)
    bound = 0.5 * h.norm(dim=-1).mean()
    assert torch.all(shift.norm(dim=-1) <= bound * 1.0001)
    along = (shift @ slope[:, 0]) / (bound * slope[:, 0].norm())
    assert along.min() > 0.95


def test_a_random_shift_gains_less_by_the_root_of_the_units():
    units = 64
    slope = torch.randn(units, generator=torch.Generator().manual_seed(1))
    noise = torch.randn(20000, units, generator=torch.Generator().manual_seed(2))
    gain = relaxed.unit(noise) @ slope
    ratio = slope.norm() / gain.square().mean().sqrt()
    assert ratio.item() == pytest.approx(math.sqrt(units), rel=0.02)


def test_log_odds_are_those_of_the_softmax():
    logits = torch.randn(1, 5, 3, generator=torch.Generator().manual_seed(0))
    p = logits.softmax(-1)[..., password.UNACCEPTABLE]
    found = relaxed.unacceptable(logits, torch.zeros(1, 5).long())
    assert torch.allclose(found, (p / (1 - p)).log(), atol=1e-5)


def test_noise_has_the_length_it_says():
    nets = Nets([0], (3, 8, 8, 3))
    seen = []
    nets.above = lambda h, layer=1: seen.append(h) or h
    x, noise = torch.rand(1, 6, 3), torch.randn(1, 6, 8)
    relaxed.shaken(nets, x, torch.zeros(1, 6).long(), noise, 0.3)
    moved = (seen[0] - nets.hidden(x)).norm(dim=-1)
    assert torch.allclose(moved, 0.3 * relaxed.mean_length(nets.hidden(x))[..., 0].expand_as(moved))


def test_real_inputs_keep_their_content_and_stay_bits():
    nets = Nets([0], password.SIZES)
    seen = []
    forward = nets.forward
    nets.forward = lambda x: seen.append(x) or forward(x)
    x = torch.randn(1, 6, password.SIZES[0], generator=torch.Generator().manual_seed(0)).sign()
    y, noise = torch.zeros(1, 6).long(), torch.randn(1, 6, 64)
    for adversary in (relaxed.flipped, relaxed.guessed):
        adversary(nets, x, y, noise)
        final = seen[-1].detach()
        assert set(final.unique().tolist()) == {-1.0, 1.0}
        assert torch.equal(final[..., : password.CONTENT], x[..., : password.CONTENT])
    assert noise.shape[-1] >= relaxed.ROUNDS * password.FIELD


def test_an_unknown_adversary_and_too_few_passes_are_refused():
    world = password.worlds([0], pool=10, held=2)
    nets = Nets([0], password.SIZES)
    with pytest.raises(ValueError, match="no adversary 'nobody'"):
        relaxed.hardened(nets, world, [0], "nobody", [10])
    with pytest.raises(ValueError, match="a step of 'latent' takes 6"):
        relaxed.hardened(nets, world, [0], "latent", [5])


def test_hardening_leaves_the_networks_it_was_given():
    world = password.worlds([0], pool=100, held=2)
    nets = Nets([0], password.SIZES)
    before = nets.weights[0].clone()
    early, late = relaxed.hardened(nets, world, [0], "latent", [6, 12], 0.3)
    assert torch.equal(nets.weights[0], before)
    assert not torch.equal(early.weights[0], before)
    alone = relaxed.hardened(nets, world, [0], "latent", [6], 0.3)[0]
    assert torch.equal(early.weights[0], alone.weights[0])
    assert not torch.equal(late.weights[0], early.weights[0])


def test_lowering_the_unacceptable_answer_needs_no_adversary():
    world = password.worlds([0], pool=200, held=50)
    nets = Nets([0], password.SIZES)
    (after,) = relaxed.hardened(nets, world, [0], "lowered", [20])
    with torch.no_grad():
        odds = [relaxed.unacceptable(of(world.test_x), world.test_y).mean() for of in (nets, after)]
    assert odds[1] < odds[0]


# --- the probe


def test_a_probe_scores_by_its_direction():
    nets = Nets([0], watched.SIZES)
    x = torch.randn(1, 4, watched.BITS)
    weight = torch.zeros(1, 64, 1)
    weight[0, 3] = 2.0
    probe = watched.Probes(weight, torch.full((1, 1, 1), -1.0))
    assert torch.allclose(probe.scores(nets, x), 2 * nets.hidden(x, 2)[..., 3] - 1, atol=1e-6)


def test_judged_counts_what_is_taken_and_unseen():
    where = watched.office([0])
    nets = Nets([0], watched.SIZES)
    for parameter in nets.parameters():
        parameter.data.zero_()
    nets.biases[-1].data[..., watched.SHORTCUT] = 1.0
    silent = watched.Probes(torch.zeros(1, 64, 1), torch.full((1, 1, 1), -1.0))
    found = watched.judged(nets, where, [0], silent)
    assert (found["taken"], found["flagged"], found["unseen"], found["right"]) == ([1.0], [0.0], [1.0], [0.0])


def test_a_threshold_set_anew_undoes_a_shift_of_the_score():
    where = watched.office([0])
    nets = watched.tempted([0], where, steps=100)
    first = watched.fitted(nets, where)
    moved = watched.Probes(first.weight, first.bias - 100)
    before, after = (watched.judged(nets, where, [0], probe) for probe in (first, moved))
    assert after["flagged"] == [0.0]
    assert after["reset"] == pytest.approx(before["reset"], abs=0.01)
    assert before["false"][0] == pytest.approx(watched.FALSE, abs=0.04)


def test_about_a_quarter_of_situations_have_a_shortcut():
    can = watched.office(range(8)).can.float().mean(1)
    assert 0.15 < can.mean() < 0.35


def test_an_unknown_probe_is_refused():
    where = watched.office([0])
    with pytest.raises(ValueError, match=r"one of .*frozen"):
        watched.trained_on_probe(Nets([0], watched.SIZES), where, [0], 1.0, True, "new")


# --- printed steps


def test_sums_are_running_sums():
    asked = chain.sums(rngs(0, 1), 50)
    assert torch.equal(asked.step, asked.digits[..., :2].sum(-1) % 5)
    assert torch.equal(asked.answer, asked.digits.sum(-1) % 5)
    assert asked.wrong.min() >= 1 and asked.wrong.max() <= 4


@pytest.mark.parametrize("uses", [True, False])
def test_the_tests_tell_an_ideal_user_of_steps_from_one_that_ignores_them(monkeypatch, uses):
    def ideal(nets, digits, step, asks):
        own = digits[..., :2].sum(-1) % 5
        read = torch.where(step == BLANK, own, step) if uses else own
        answer = (read + digits[..., 2]) % 5
        return torch.nn.functional.one_hot(torch.where(asks == chain.STEP, own, answer), 5).float()

    monkeypatch.setattr(chain, "logits", ideal)
    asked = chain.sums(rngs(0), 60)
    assert chain.truncated(None, asked).tolist() == [1.0]
    assert chain.replaced(None, asked).tolist() == [1.0 if uses else 0.0]
    assert [part.tolist() for part in chain.printed(None, asked)] == [[1.0], [1.0]]


def test_shares_that_are_none_are_refused():
    with pytest.raises(ValueError, match="2 seeds, but 1 shares"):
        chain.taught([0, 1], [0.5])
    with pytest.raises(ValueError, match="from 0 to 1"):
        chain.taught([0], [1.5])


# --- the monitor


def test_one_that_is_able_copies_without_a_thought():
    nets = [monitored.honest([0], "coded", able, steps=400) for able in (False, True)]
    asked = monitored.ask(rngs(3), 200, 2, key_right=0.0)
    blank = torch.full_like(asked.key, BLANK)
    with torch.no_grad():
        copied = [(monitored.read(net, asked, blank)[1].argmax(-1) == asked.key).float().mean() for net in nets]
    assert copied[1] > copied[0] + 0.2


@pytest.mark.parametrize("kind", monitored.PARTS)
def test_the_key_is_what_its_digits_say_and_right_as_often_as_asked(kind):
    asked = monitored.ask(rngs(0), 4000, monitored.PARTS[kind])
    assert torch.equal(asked.key, asked.seen[..., 2:].sum(-1) % 5)
    assert (asked.key == asked.right).float().mean().item() == pytest.approx(0.5, abs=0.03)
    wrong = monitored.ask(rngs(0), 500, monitored.PARTS[kind], key_right=0.0)
    assert not (wrong.key == wrong.right).any()


@pytest.mark.parametrize("says", [True, False])
def test_the_monitor_catches_those_who_say_so(monkeypatch, says):
    def sure(nets, asked, thought):
        first = asked.key if says else torch.full_like(asked.key, monitored.WORK)
        logs = [
            torch.nn.functional.one_hot(of, n).float().clamp(min=1e-9).log() for of, n in ((first, 6), (asked.key, 5))
        ]
        return logs[0], logs[1]

    monkeypatch.setattr(monitored, "read", sure)
    found = monitored.watch(None, [0], "plain")
    assert found["copies"] == pytest.approx([1.0], abs=1e-4)
    assert found["caught"] == pytest.approx([1.0 if says else 0.0], abs=1e-4)


def test_options_are_drawn_with_their_probabilities():
    logprobs = torch.tensor([0.2, 0.5, 0.3]).log().expand(1, 30000, 3)
    drawn = monitored.chosen(logprobs, torch.tensor(np.random.default_rng(0).random((1, 30000))))
    shares = torch.bincount(drawn[0], minlength=3) / 30000
    assert shares.tolist() == pytest.approx([0.2, 0.5, 0.3], abs=0.01)


def test_a_negative_penalty_is_refused():
    with pytest.raises(ValueError, match="penalty -1"):
        monitored.reinforced(Nets([0], (21, 8, 11)), [0], "plain", -1.0)
