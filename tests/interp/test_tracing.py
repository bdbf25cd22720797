"""Causal tracing against plain patched runs, with noise in the embeddings and above them."""

import numpy as np
import pytest
import torch
from alignlab.interp.facts import answer_probabilities, answer_token, facts, subject_end
from alignlab.interp.tracing import by_role, causal_trace, last_probabilities, restore_sets, trace_from
from alignlab.lm import capture, load_lm, patch
from alignlab.lm.load import encode
from alignlab.lm.stack import from_layer

FRANCE = next(fact for fact in facts(["capital"]) if fact.subject == "France")


@pytest.fixture(scope="module")
def lm():
    return load_lm("smollm2-135m-instruct")


def test_starting_at_a_layer_is_the_whole_run(lm):
    ids = encode(lm, FRANCE.prompt)
    state = capture(lm, [ids], ["layers.9.resid"], positions="all")["layers.9.resid"]
    with torch.no_grad(), from_layer(lm, 10):
        p = last_probabilities(lm, state)[0, answer_token(lm, " Paris")]
    assert float(p) == pytest.approx(float(answer_probabilities(lm, [FRANCE.prompt], [" Paris"])[0]), abs=1e-4)
    assert len(lm.model.model.layers) == lm.n_layers


def test_a_restored_site_is_what_a_plain_patched_run_gives(lm):
    trace = causal_trace(lm, FRANCE, layers=(5,), parts=("mlp",), samples=1, window=1, seed=3)
    ids, at = encode(lm, FRANCE.prompt), subject_end(lm, FRANCE.template, "France")
    clean = capture(lm, [ids], ["layers.5.mlp.out"], positions="all")["layers.5.mlp.out"]
    scale = 3.0 * float(lm.model.get_input_embeddings().weight.std())
    noise = torch.from_numpy(np.random.default_rng(3).normal(size=(1, 1, lm.d_model)) * scale).float()

    def disturb(x):
        return torch.cat([x[:, :at], x[:, at : at + 1] + noise, x[:, at + 1 :]], dim=1)

    def restore(x):
        return torch.cat([x[:, :at], clean[:, at : at + 1], x[:, at + 1 :]], dim=1)

    with patch(lm, {"embed": disturb, "layers.5.mlp.out": restore}):
        plain = float(answer_probabilities(lm, [FRANCE.prompt], [" Paris"])[0])
    assert trace.restored[0, 0, 0] == pytest.approx(plain, abs=1e-4)
    assert trace.last == 0 and set(by_role(trace)) == {"subject, earlier", "subject, last", "between", "prompt, last"}
    assert trace.clean > 0.5 > trace.corrupted


def test_noise_above_a_layer_is_noise_in_what_the_next_one_reads(lm):
    trace = trace_from(lm, FRANCE, 1, layers=(6,), parts=("mlp",), samples=1, window=1, seed=3)
    ids, at = encode(lm, FRANCE.prompt), subject_end(lm, FRANCE.template, "France")
    names = ["layers.0.resid", "layers.6.mlp.out"]
    stream, kept = (value for value in capture(lm, [ids], names, positions="all").values())
    noise = torch.from_numpy(np.random.default_rng(3).normal(size=(1, 1, lm.d_model))).float()
    noise = 3.0 * float(stream[0, 1:].std()) * noise

    def disturb(x):
        return torch.cat([x[:, :at], x[:, at : at + 1] + noise, x[:, at + 1 :]], dim=1)

    def restore(x):
        return torch.cat([x[:, :at], kept[:, at : at + 1], x[:, at + 1 :]], dim=1)

    with patch(lm, {"layers.0.resid": disturb, "layers.6.mlp.out": restore}):
        plain = float(answer_probabilities(lm, [FRANCE.prompt], [" Paris"])[0])
    assert trace.restored[0, 0, 0] == pytest.approx(plain, abs=1e-4)
    assert trace.clean == pytest.approx(float(answer_probabilities(lm, [FRANCE.prompt], [" Paris"])[0]), abs=1e-4)


def test_the_whole_stream_above_the_noise_brings_all_back(lm):
    trace = trace_from(lm, FRANCE, 1, layers=(1,), parts=("resid",), samples=2)
    assert trace.corrupted < 0.5 * trace.clean
    assert trace.restored[0, 0, trace.last] > 0.8 * trace.clean


def test_sets_restored_in_one_pass_are_those_of_the_trace(lm):
    fact = next(fact for fact in facts(["kind"]) if fact.subject == "violin")
    settings = {"samples": 2, "seed": 5}
    trace = causal_trace(lm, fact, layers=(4, 21), parts=("mlp", "attn"), **settings)
    layers = {"early": range(1, 7), "late": range(18, 24)}
    sets = {
        (part, when, place): ([f"layers.{i}.{part}.out" for i in layers[when]], place)
        for part in ("mlp", "attn")
        for when in layers
        for place in ("subject", "end")
    }
    found = restore_sets(lm, fact, sets, **settings)
    assert found.clean == pytest.approx(trace.clean, abs=1e-4)
    assert found.noisy == pytest.approx(trace.corrupted, abs=1e-4)
    for (part, when, place), p in found.back.items():
        at = trace.restored[["mlp", "attn"].index(part), list(layers).index(when)]
        assert p == pytest.approx(at[trace.last if place == "subject" else -1], abs=1e-4)
