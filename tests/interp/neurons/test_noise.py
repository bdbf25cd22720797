"""Traces with noise of several sizes: without noise nothing is lost, and a restored window agrees with `trace_from`."""

import pytest
from alignlab.interp.facts import facts
from alignlab.interp.neurons.noise import noise_sizes
from alignlab.interp.neurons.recipe_noise_sizes import outputs, sets_of
from alignlab.interp.tracing import trace_from
from alignlab.lm import load_lm

JAPAN = next(fact for fact in facts(["capital"]) if fact.subject == "Japan")


@pytest.fixture(scope="module")
def lm():
    return load_lm("smollm2-135m-instruct")


def test_without_noise_nothing_is_lost_and_nothing_comes_back(lm):
    found = noise_sizes(lm, JAPAN, [0.0, 2.0], {"few": outputs(1, 3, "mlp")}, samples=2)
    assert found.noisy[0] == pytest.approx(found.clean, abs=1e-4)
    assert found.restored["few"][0] == pytest.approx(found.clean, abs=1e-4)
    assert found.noisy[1] < 0.8 * found.clean


def test_it_agrees_with_the_trace_of_a_window(lm):
    found = noise_sizes(lm, JAPAN, [2.0], {"window": outputs(1, 6, "mlp")}, samples=2, seed=3)
    trace = trace_from(lm, JAPAN, 1, [4], ["mlp"], noise=2.0, samples=2, window=6, seed=3)
    assert found.noisy[0] == pytest.approx(trace.corrupted, abs=1e-4)
    assert found.restored["window"][0] == pytest.approx(trace.restored[0, 0, trace.last], abs=1e-4)


def test_sets_cover_the_layers_above_the_first(lm):
    sets = sets_of(lm, 6)
    assert sets["MLPs 1-6"] == [f"layers.{i}.mlp.out" for i in range(1, 7)]
    assert len(sets["all"]) == 2 * (lm.n_layers - 1) == 2 * len(sets["all MLPs"])
    assert not any(name.startswith("layers.0.") for names in sets.values() for name in names)
