"""Probes, erasure and statements, on a synthetic residual stream whose truth is known."""

import numpy as np
import pytest
import torch
from alignlab.interp.probes import (
    center,
    contrast_consistent_search,
    contrast_consistent_searches,
    control_labels,
    cosine,
    difference_of_means,
    linear_probe,
    selectivity,
    untrained,
)
from alignlab.interp.probing.erasure import change, leace, linear_information, mean_projection, project_out
from alignlab.interp.probing.statements import contrast_pairs, split_by_group, statements
from alignlab.lm import LM


def stream(seed: int, n: int = 600, d: int = 16, loud: float = 3.0):
    """Activations (n, d), labels, the direction the concept is written along; a loud direction leans on it."""
    rng = np.random.default_rng(seed)
    basis, _ = np.linalg.qr(rng.normal(size=(d, d)))
    concept, noise = basis[:, 0], 0.8 * basis[:, 0] + 0.6 * basis[:, 1]
    y = rng.permutation(n) < n // 2
    X = 2 + np.where(y, 1.0, -1.0)[:, None] * concept + rng.normal(size=(n, d)) + loud * rng.normal(size=(n, 1)) * noise
    return X, y, concept


@pytest.mark.parametrize("seed", range(3))
def test_difference_of_means_finds_the_written_direction_and_the_fitted_probe_reads_better(seed):
    X, y, concept = stream(seed, n=2000)
    new, labels, _ = stream(seed, n=2000)
    means, fitted = difference_of_means(X, y), linear_probe(X, y, C=1.0)
    assert cosine(means.direction, concept) > 0.95
    assert cosine(fitted.direction, concept) < 0.8
    assert fitted.accuracy(new, labels) > means.accuracy(new, labels) + 0.05


def test_difference_of_means_is_what_it_says():
    X = np.array([[3.0, 1.0], [1.0, 1.0], [0.0, 0.0], [0.0, 4.0]])
    probe = difference_of_means(X, [True, True, False, False])
    assert probe.direction == pytest.approx([2.0, -1.0])
    assert probe.scores([[1.0, 1.5]]) == pytest.approx([0.0])  # halfway between the means


def test_linear_probe_gives_logistic_regressions_own_answers():
    from sklearn.linear_model import LogisticRegression

    X, y, _ = stream(0)
    X = X * np.linspace(0.1, 20, X.shape[1])
    standard = (X - X.mean(0)) / X.std(0)
    expected = LogisticRegression(C=0.01, tol=1e-6).fit(standard, y).decision_function(standard)
    assert linear_probe(X, y).scores(X) == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("probe", [linear_probe, difference_of_means, leace, mean_projection])
def test_one_kind_of_label_is_refused(probe):
    with pytest.raises(ValueError, match="both kinds"):
        probe(np.zeros((3, 2)), [True, True, True])


def test_contrast_consistent_search_needs_no_labels_but_needs_pairs():
    rng = np.random.default_rng(0)
    concept = np.eye(12)[3]
    truth = rng.random(150) < 0.5
    sign = np.where(truth, 2.0, -2.0)[:, None]
    topic = rng.normal(size=(150, 12))
    first, second = (topic + s * sign * concept + 0.3 * rng.normal(size=(150, 12)) for s in (1, -1))
    probe = contrast_consistent_search(first, second, seed=0)
    found = probe.accuracy(first, truth)
    assert max(found, 1 - found) > 0.95
    assert abs(cosine(probe.direction, concept)) > 0.7
    with pytest.raises(ValueError, match="two sets"):
        contrast_consistent_search(first, second[:-1])


def test_contrast_consistent_search_repeats():
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(2, 20, 4))
    one, two = (contrast_consistent_search(a, b, seed=5, steps=20) for _ in range(2))
    assert np.array_equal(one.direction, two.direction)


def test_several_sets_are_searched_as_each_by_itself():
    rng = np.random.default_rng(2)
    firsts, seconds = rng.normal(size=(2, 3, 20, 6))
    together = contrast_consistent_searches(firsts, seconds, [4, 5, 6], steps=50)
    for a, b, seed, found in zip(firsts, seconds, [4, 5, 6], together):
        alone = contrast_consistent_search(a, b, seed=seed, steps=50)
        assert np.allclose(found.direction, alone.direction, atol=1e-5)
        assert found.threshold == pytest.approx(alone.threshold, abs=1e-5)


def test_control_labels_belong_to_words_and_are_balanced():
    words = [f"word {i % 40}" for i in range(400)]
    labels = control_labels(words, seed=0)
    assert labels.mean() == 0.5
    assert len({(word, bool(label)) for word, label in zip(words, labels)}) == 40
    assert not np.array_equal(labels, control_labels(words, seed=1))
    assert selectivity(0.9, 0.75) == pytest.approx(0.15)


def test_a_probe_memorizes_words_and_a_split_by_word_shows_it():
    rng = np.random.default_rng(0)
    words = np.arange(400) % 40
    X = rng.normal(size=(40, 64))[words] + 0.5 * rng.normal(size=(400, 64))
    labels = control_labels(list(words), seed=0)
    seen, new = np.arange(400) < 200, words < 20
    assert linear_probe(X[seen], labels[seen]).accuracy(X[~seen], labels[~seen]) > 0.9
    assert linear_probe(X[new], labels[new]).accuracy(X[~new], labels[~new]) < 0.7


@pytest.mark.parametrize("seed", range(3))
def test_leace_leaves_a_linear_probe_nothing_on_the_data_it_was_fitted_on(seed):
    X, y, _ = stream(seed)
    assert linear_information(X, y) > 0.05
    assert abs(linear_information(leace(X, y)(X), y)) < 1e-6
    assert abs(linear_information(mean_projection(X, y)(X), y)) < 1e-6


def test_projecting_out_a_probe_does_not_erase():
    X, y, _ = stream(0)
    assert linear_information(project_out(X, linear_probe(X, y, C=1.0))(X), y) > 0.01


def test_leace_is_the_whitened_projection_of_the_paper():
    X, y, _ = stream(0)
    centered = X - X.mean(0)
    values, vectors = np.linalg.eigh(centered.T @ centered / len(X))
    W, W_plus = (vectors * values**p @ vectors.T for p in (-0.5, 0.5))
    u = W @ (centered.T @ (y - y.mean()) / len(X))
    expected = X - centered @ (W_plus @ (np.outer(u, u) / (u @ u)) @ W).T
    assert leace(X, y)(X) == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("seed", range(3))
def test_leace_changes_less_than_the_mean_projection_and_nothing_the_second_time(seed):
    X, y, _ = stream(seed)
    eraser = leace(X, y)
    assert change(X, eraser) < 0.5 * change(X, mean_projection(X, y))
    assert eraser(eraser(X)) == pytest.approx(eraser(X), abs=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_leace_fitted_on_few_rows_leaves_the_concept_in_new_ones(seed):
    rng = np.random.default_rng(seed)

    def found_in_new_rows(n: int) -> float:
        y = np.arange(n + 1000) % 2 == 0
        X = rng.normal(size=(n + 1000, 80)) + np.where(y, 1.5, -1.5)[:, None] * np.eye(80)[0]
        erased = leace(X[:n], y[:n])(X)
        assert abs(linear_information(erased[:n], y[:n])) < 1e-5  # on its own rows nothing is left
        train, test = slice(n, n + 500), slice(n + 500, None)
        return linear_probe(erased[train], y[train]).accuracy(erased[test], y[test])

    assert found_in_new_rows(40) > 0.68  # fewer rows than the 80 dimensions
    assert found_in_new_rows(1600) < 0.62


def test_an_eraser_treats_tensors_and_leading_axes_alike():
    X, y, _ = stream(0)
    eraser = leace(X, y)
    tensor = torch.from_numpy(X).float().reshape(3, -1, X.shape[1])
    erased = eraser(tensor)
    assert erased.dtype == torch.float32 and erased.shape == tensor.shape
    assert erased.reshape(X.shape).numpy() == pytest.approx(eraser(X), abs=1e-4)


def test_center_takes_each_groups_mean():
    X = center([[1.0], [3.0], [10.0]], ["a", "a", "b"])
    assert X.ravel().tolist() == [-1.0, 1.0, 0.0]


def test_words_say_nothing_about_the_truth_of_the_statements():
    items = statements()
    assert len(items) == len({item.text for item in items}) == 576
    for family in dict.fromkeys(item.family for item in items):
        inside = [item for item in items if item.family == family]
        for word in {word for item in inside for word in item.text.strip(".").lower().split()}:
            labels = [item.true for item in inside if word in item.text.strip(".").lower().split()]
            assert sum(labels) * 2 == len(labels), (family, word)


def test_statements_and_their_negations_disagree():
    items = {item.text: item.true for item in statements()}
    assert items["The city of Paris is in France."] and not items["The city of Paris is not in France."]
    assert not items["A sparrow is a kind of vegetable."] and items["A sparrow is not a kind of vegetable."]
    assert items["Eight is larger than three."] and not items["Eight is smaller than three."]
    with pytest.raises(ValueError, match="no family 'rivers'"):
        statements(("rivers",))


def test_pairs_hold_one_true_and_one_false_statement_about_a_subject():
    items = statements()
    for true, false in contrast_pairs(items):
        assert items[true].true and not items[false].true
        assert (items[true].subject, items[true].family) == (items[false].subject, items[false].family)


def test_split_shares_no_fact():
    items = statements()
    train, test = split_by_group(items, seed=0)
    assert len(train) + len(test) == len(items)
    assert not {items[i].group for i in train} & {items[i].group for i in test}
    assert {items[i].family for i in test} == {item.family for item in items}
    assert not np.array_equal(test, split_by_group(items, seed=1)[1])


def test_an_untrained_model_has_the_shape_but_not_the_weights(tiny_lm):
    one, same, other = (untrained(tiny_lm, seed, layers=2) for seed in (0, 0, 1))
    weights = [lm.model.model.layers[0].mlp.up_proj.weight for lm in (one, same, other, tiny_lm)]
    assert one.n_layers == 2 and len(one.model.model.layers) == 2 and tiny_lm.n_layers == 3
    assert torch.equal(weights[0], weights[1]) and one.tokenizer is tiny_lm.tokenizer
    assert all(w.shape == weights[0].shape and not torch.equal(w, weights[0]) for w in weights[2:])


def test_an_untrained_model_leaves_the_global_random_state(tiny_lm):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    untrained(tiny_lm, seed=0)
    assert torch.equal(torch.rand(3), expected)
    with pytest.raises(ValueError, match="4 layers asked for"):
        untrained(tiny_lm, seed=0, layers=4)


@pytest.fixture(scope="module")
def tiny_lm():
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=32,
        hidden_size=16,
        intermediate_size=24,
        num_hidden_layers=3,
        num_attention_heads=2,
        num_key_value_heads=1,
    )
    return LM(LlamaForCausalLM(config), object(), "tiny", torch.device("cpu"), 3, 16)
