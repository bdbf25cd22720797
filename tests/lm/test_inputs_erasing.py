"""Nothing to erase, directions of length 0, labels that are neither true nor false, activations that are no numbers."""

import numpy as np
import pytest
import torch
from alignlab.interp.editing.rank_one import read_direction
from alignlab.interp.probes import Probe, contrast_consistent_search, difference_of_means, linear_probe, unit
from alignlab.interp.probing.erasure import (
    change,
    leace,
    mean_projection,
    project_out,
)
from alignlab.interp.probing.steering import head_shift
from alignlab.interp.refusal.direction import ablated, held
from alignlab.lm import TinyConfig, TinyTransformer

rng = np.random.default_rng(0)
Y = np.arange(200) % 2 == 0
X = rng.normal(size=(200, 8)) + Y[:, None]
ERASERS = [leace, lambda X, y: leace(X, y, False), mean_projection]


@pytest.mark.parametrize("make", ERASERS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("offset", [0.0, 100.0])
def test_erasing_twice_changes_nothing_more(make, dtype, offset):
    data = (X + offset).astype(dtype)
    once = make(data, Y)(data).astype(dtype)
    again = make(once, Y)
    assert change(data, make(data, Y)) > 0.01 and change(once, again) < 1e-6
    assert np.isfinite(again(once)).all()


@pytest.mark.parametrize("make", ERASERS)
def test_a_concept_that_is_not_there_takes_nothing(make):
    both, labels = np.vstack([X, X]), np.r_[np.ones(200, bool), np.zeros(200, bool)]
    assert np.allclose(make(both, labels)(both), both)


def test_a_weak_concept_is_still_erased():
    weak = rng.normal(size=(200, 8)) + 1e-4 * Y[:, None]
    for make in ERASERS:
        erased = make(weak, Y)(weak)
        assert np.allclose(erased[Y].mean(0), erased[~Y].mean(0), atol=1e-12)
        assert not np.allclose(weak[Y].mean(0), weak[~Y].mean(0), atol=1e-12)


def test_a_direction_of_length_zero_points_nowhere():
    tiny = TinyTransformer(TinyConfig(vocab=5, d_model=8, n_heads=2))
    for use in (
        lambda v: unit(v),
        lambda v: project_out(X, Probe(v, 0.0)),
        lambda v: ablated(tiny, v).__enter__(),
        lambda v: held(tiny, v, 0, 1.0).__enter__(),
    ):
        for length, v in (("0.0", np.zeros(8)), ("nan", np.full(8, np.nan)), ("inf", np.full(8, np.inf))):
            with pytest.raises(ValueError, match=f"a direction of length {length} points nowhere"):
                use(v)
    with pytest.raises(ValueError, match=r"a key of length 0\.0 can't be read"):
        read_direction(torch.zeros(4), None)
    assert np.allclose(unit([3.0, 4.0]), [0.6, 0.8])


def test_a_head_that_says_the_same_of_both_classes_is_not_steered():
    z = rng.normal(size=(20, 1, 2, 4))
    z[:, 0, 1] = 1.0
    shift = head_shift(z, np.arange(20) % 2 == 0, heads=2)["layers.0.attn.z"].reshape(2, 4)
    assert shift[0].any() and not shift[1].any() and np.isfinite(shift).all()


def test_activations_that_do_not_vary_have_no_share():
    with pytest.raises(ValueError, match=r"total variance is 0\.0"):
        change(np.ones((5, 3)), mean_projection(X[:, :3], Y))


@pytest.mark.parametrize("labels", [[1, 2], [-1, 1], ["no", "yes"], [0.5, 1.0]])
def test_labels_that_are_neither_true_nor_false_are_told(labels):
    for fit in (linear_probe, difference_of_means, leace, mean_projection):
        with pytest.raises(ValueError, match="labels are true or false"):
            fit(X, np.array(labels * 100))


def test_labels_may_be_one_and_zero():
    assert np.array_equal(difference_of_means(X, Y.astype(int)).direction, difference_of_means(X, Y).direction)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_activations_that_are_no_numbers_are_told(bad):
    holed = X.copy()
    holed[7, 3] = bad
    for fit in (linear_probe, difference_of_means, leace, mean_projection):
        with pytest.raises(ValueError, match=f"row 7 hold {bad}"):
            fit(holed, Y)
        with pytest.raises(ValueError, match="no activations"):
            fit(X[:0], Y[:0])
    with pytest.raises(ValueError, match="finite numbers"):
        contrast_consistent_search(holed, X)
