"""Shapes that broadcasting lets through, layers and places that aren't there, logits that are no numbers, measures."""

import numpy as np
import pytest
import torch
from alignlab.attacks.adversarial.jailbreaks import at_least_one, power_law
from alignlab.attacks.suffix import search
from alignlab.interp.attention import patching
from alignlab.interp.challenges.explain import score
from alignlab.interp.editing import rank_one
from alignlab.interp.facts import answer_probabilities
from alignlab.interp.mlp.lens import divergence, fit_translator, read
from alignlab.interp.mlp.recall import answer_logprobs
from alignlab.interp.probes import Probe, center
from alignlab.lm import LM, TinyConfig, TinyTransformer, capture, generate, load_lm, patch
from alignlab.lm.checks import place_of
from alignlab.lm.generation import sample
from alignlab.lm.masks import masked_mean
from alignlab.lm.stack import from_layer
from alignlab.outer.policy_gradients import (
    alol_weights,
    grpo_loss,
    optimize,
)
from alignlab.outer.ppo import (
    Settings,
    gae,
    policy_loss,
    ppo,
    response_mask,
    token_rewards,
    value_loss,
    whiten,
)
from alignlab.outer.ranking_feedback import packed
from alignlab.outer.ranking_feedback.cached import answer_sums, run_lower
from alignlab.outer.ranking_feedback.direct import Pair, kto_loss, slic_loss
from alignlab.outer.ranking_feedback.ranked import cringe_loss
from alignlab.outer.reward import agreement, bradley_terry_loss, calibration_error
from alignlab.outer.rl_variants import helpers
from alignlab.outer.rlhf.grpo_step import draw_group
from alignlab.toys import storyland
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

NAN = float("nan")
L, M, A = (
    torch.randn(3, 3, generator=torch.Generator().manual_seed(0)),
    torch.ones(3, 3, dtype=torch.bool),
    torch.ones(3),
)
SHAPES = {
    "advantages of texts": lambda: policy_loss(L, L, A, M, 0.2),
    "one row of old": lambda: policy_loss(L, L[:1], L, M, 0.2),
    "a row's mask": lambda: policy_loss(L, L, L, M[0], 0.2),
    "returns of texts": lambda: value_loss(L, L, A, M, 0.2),
    "values with an axis": lambda: value_loss(L[..., None], L, L, M, 0.2),
    "values of texts": lambda: gae(L, A, M, 1.0, 0.9),
    "a value more": lambda: gae(L, torch.zeros(3, 4), M, 1.0, 0.9),
    "advantages of tokens": lambda: grpo_loss(L, L, L, M),
    "advantages with an axis": lambda: grpo_loss(L, L, A[:, None], M),
    "one advantage": lambda: grpo_loss(L, L, A[:1], M),
    "a reference of texts": lambda: grpo_loss(L, L, A, M, reference=A, beta=0.1),
    "no reference": lambda: grpo_loss(L, L, A, M, beta=0.1),
    "divergence of texts": lambda: token_rewards(A, A, M, 0.1),
    "one score": lambda: token_rewards(A[:1], L, M, 0.1),
    "a row's mask of a mean": lambda: masked_mean(L, M[0]),
    "a row's mask of whitening": lambda: whiten(L, M[0]),
    "values with an axis, A-LoL": lambda: alol_weights(A, A[:, None], A),
    "one value": lambda: alol_weights(A, A[:1], A),
    "one rejected answer": lambda: agreement(A.double(), L, L[:1]),
    "a rejected axis": lambda: bradley_terry_loss(A, A[:, None]),
    "one label": lambda: cringe_loss(L[..., None].expand(3, 3, 9), M.long(), M[0, :1], M, torch.Generator()),
    "a row of counts": lambda: cringe_loss(L[..., None].expand(3, 3, 9), M.long(), M[0], M[0], torch.Generator()),
    "two baselines": lambda: kto_loss(A, A, M[0], A[:2]),
    "a target with an axis": lambda: slic_loss(Pair(A, A), A[:, None]),
    "one text": lambda: response_mask(torch.tensor([1, 2, 3]), 0, 2),
}


@pytest.mark.parametrize("case", SHAPES)
def test_a_shape_that_broadcasting_lets_through_is_told(case):
    with pytest.raises(ValueError, match=r"shape|prices"):
        SHAPES[case]()


# --- rewards of one's own


@pytest.fixture(scope="module")
def teller() -> TinyTransformer:
    shape = {"d_model": 16, "n_layers": 1, "n_heads": 2, "context": storyland.LENGTH}
    return TinyTransformer(TinyConfig(vocab=storyland.V, **shape))


@pytest.mark.parametrize(
    "reward",
    [
        lambda tokens, mask: torch.ones(1),
        lambda tokens, mask: torch.tensor(1.0),
        lambda tokens, mask: torch.ones(len(tokens), 1),
        lambda tokens, mask: torch.ones(tokens.shape),
        lambda tokens, mask: torch.full((len(tokens),), NAN),
        lambda tokens, mask: 1.0,
    ],
)
def test_a_reward_gives_one_number_a_story(teller, reward):
    with pytest.raises(ValueError, match="reward"):
        ppo(teller, reward, 0, Settings(steps=1, texts=8))
    for method in ("reinforce", "rloo", "grpo"):
        with pytest.raises(ValueError, match="reward"):
            optimize(teller, reward, 0, method, steps=1, texts=8)


# --- logits that are no numbers


def test_no_token_is_chosen_by_what_is_not_a_number(teller):
    broken = storyland.clone(teller)
    broken.norm.weight.data.fill_(NAN)
    for temperature in (0.0, 1.0):
        with pytest.raises(ValueError, match="logits are not numbers"):
            storyland.sample(broken, 4, torch.Generator().manual_seed(0), temperature=temperature)
    with pytest.raises(ValueError, match="logits are not numbers"):
        helpers.draw(torch.full((2, 3), NAN), 2, torch.Generator())
    with pytest.raises(ValueError, match="logits are not numbers"):
        sample(torch.tensor([[0.0, 1.0], [float("inf"), 1.0]]), torch.tensor([0.5, 0.5]))
    masked = torch.tensor([[float("-inf"), 0.0, float("-inf")]])
    assert sample(masked, torch.tensor([0.7])) == [1], "words that may not come are no fault"


def test_a_model_of_broken_weights_writes_nothing():
    lm = load_lm("smollm2-135m-instruct", device="cpu")
    lm.model.model.norm.weight.fill_(NAN)
    for temperature in (0.0, 1.0):
        with pytest.raises(ValueError, match="load it in float32"):
            generate(lm, ["Hi"], 2, temperature=temperature)
    with pytest.raises(ValueError, match="logits are not numbers"):
        draw_group(lm.model, torch.tensor([3, 4]), 2, 2, 2, torch.Generator())


def test_a_character_of_several_tokens_is_whole_or_not_there(monkeypatch):
    lm = load_lm("smollm2-135m-instruct", device="cpu")
    ids = lm.tokenizer("🙂 ok", add_special_tokens=False)["input_ids"]
    assert len(lm.tokenizer("🙂", add_special_tokens=False)["input_ids"]) > 1
    row = torch.full((len(ids), lm.model.config.vocab_size), -100.0)
    row[torch.arange(len(ids)), ids] = 100.0
    inner, step = lm.model.forward, iter(range(100))

    def speak(*args, logits_to_keep=0, **kwargs):
        out = inner(*args, logits_to_keep=logits_to_keep, **kwargs)
        out.logits[:] = row[next(step) % len(ids)]
        return out

    monkeypatch.setattr(lm.model, "forward", speak)
    assert generate(lm, ["x"], len(ids)) == ["🙂 ok"]
    for stop, want in (("🙂", ""), ("\ufffd", "🙂 ok"), (None, "🙂 ok")):
        step = iter(range(100))
        assert generate(lm, ["x"], len(ids), stop=stop) == [want]
    step = iter(range(100))
    assert generate(lm, ["x"], 1) == [""]


# --- layers and places


@pytest.fixture(scope="module")
def lm() -> LM:
    shape = {"vocab_size": 50, "hidden_size": 16, "intermediate_size": 16}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = LlamaForCausalLM(LlamaConfig(**shape, num_hidden_layers=3, num_attention_heads=2))
    return LM(model.eval().requires_grad_(False), None, "small", torch.device("cpu"), 3, 16)


IDS, OTHER = [3, 4, 5, 6], [3, 9, 5, 6]


def test_a_site_that_is_not_there_is_told(lm):
    assert (place_of(-1, 3, "layer"), place_of(2, 3, "layer")) == (2, 2)
    with pytest.raises(IndexError, match="layer 3 is not there: give -3 to 2"):
        place_of(3, 3, "layer")
    last = patching.patch_sweep(lm, IDS, OTHER, [2], [3])
    torch.testing.assert_close(patching.patch_sweep(lm, IDS, OTHER, [-1], [-1]), last)
    for layer, position in ((3, 0), (-4, 0), (0, 4), (0, -5)):
        for sweep in (patching.patch_sweep, patching.patch_each):
            with pytest.raises((IndexError, KeyError), match=r"not there|has layers"):
                sweep(lm, IDS, OTHER, [layer], [position])
    for layers, positions in (([], [0]), ([0], [])):
        with pytest.raises(ValueError, match="give at least one of each"):
            patching.patch_sweep(lm, IDS, OTHER, layers, positions)


@pytest.mark.parametrize("layer", [4, 99, -1])
def test_a_layer_that_is_not_there_is_told(lm, layer):
    pairs = packed.pack([(IDS, [7], [8])])
    hidden = packed.below(lm, pairs, 1)
    for run in (
        lambda: packed.below(lm, pairs, layer),
        lambda: packed.with_own_top(lm, layer),
        lambda: packed.pair_logprobs(lm, pairs, hidden, layer),
        lambda: from_layer(lm, layer).__enter__(),
    ):
        with pytest.raises(ValueError, match=f"layer {layer} asked for, small has 3: give 0 to 3"):
            run()


def test_one_answer_and_one_place_a_prompt(lm):
    smollm2 = load_lm("smollm2-135m-instruct", device="cpu")
    for ask in (
        lambda: answer_probabilities(smollm2, ["a", "b"], [" c"]),
        lambda: answer_probabilities(smollm2, ["a"], [""]),
        lambda: answer_probabilities(smollm2, [], []),
        lambda: answer_logprobs(smollm2, ["a", "b"], [" c"]),
        lambda: answer_logprobs(smollm2, ["a"], [""]),
        lambda: answer_logprobs(smollm2, ["a", "b"], [" c", " d"], places=[0], layers=[1]),
        lambda: rank_one._answer_logprobs(smollm2, ["a", "b"], " x", [" c"]),
        lambda: run_lower(lm, [IDS, IDS], [[5]], 1),
    ):
        with pytest.raises(ValueError, match=r"give|nothing to score"):
            ask()
    with pytest.raises(IndexError, match="place 99 is not there"):
        answer_logprobs(smollm2, ["a"], [" c"], places=[99], layers=[1])


# --- hooks and adapters


def test_a_patch_is_a_function(lm):
    with pytest.raises(TypeError, match="the patch of 'embed' is 3"), patch(lm, {"embed": 3}):
        pass
    assert not lm.model.get_input_embeddings()._forward_hooks


def test_partial_runs_see_the_adapter_that_is_on_and_none_that_is_off(lm):
    import copy

    with torch.random.fork_rng():
        torch.manual_seed(0)
        lora = LoraConfig(r=2, target_modules=["q_proj", "down_proj"])
        model = get_peft_model(copy.deepcopy(lm.model), lora).eval()
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(weight, std=5.0)
    with_adapter = LM(model, None, "adapted", lm.device, 3, 16)

    @torch.no_grad()
    def plain() -> torch.Tensor:
        logp = model(torch.tensor([[*IDS, 7, 8]])).logits[0].log_softmax(-1)
        return logp[3, 7] + logp[4, 8]

    @torch.no_grad()
    def agrees() -> torch.Tensor:
        pair = packed.pair_logprobs(with_adapter, packed.pack([(IDS, [7, 8], [9])]))
        torch.testing.assert_close(pair.chosen[0], plain(), atol=1e-4, rtol=1e-4)
        sums = answer_sums(with_adapter, run_lower(with_adapter, [IDS], [[7, 8]], 1))
        torch.testing.assert_close(sums[0], plain(), atol=1e-4, rtol=1e-4)
        last = capture(with_adapter, [IDS], ["layers.2.resid"])["layers.2.resid"]
        want = model(torch.tensor([IDS])).logits[0, -1].log_softmax(-1)
        torch.testing.assert_close(read(with_adapter, last)[0], want, atol=1e-4, rtol=1e-4)
        return plain()

    on = agrees()
    with model.disable_adapter():
        off = agrees()
    assert (on - off).abs() > 0.01
    with pytest.raises(ValueError, match="adapted carries an adapter: merge it"):
        packed.with_own_top(with_adapter, 1)


# --- searches


class Scored:
    """A victim that scores suffixes by a function and slopes at random."""

    def __init__(self, losses, slope=0.0):
        self.losses, self.slope = losses, slope

    def gradient(self, suffix):
        return torch.full((len(suffix), 20), self.slope)


def total(suffixes):
    return suffixes.float().sum(1)


@pytest.mark.parametrize(
    ("victim", "start", "words"),
    [
        (Scored(lambda s: torch.full((len(s),), NAN)), [1, 2, 3], "loss of suffix .* is nan"),
        (Scored(lambda s: torch.where(s[:, 0] == 1, total(s), NAN)), [1, 2, 3], "loss of suffix .* is nan"),
        (Scored(lambda s: total(s)[:, None]), [1, 2, 3], r"losses has shape \(1, 1\)"),
        (Scored(lambda s: total(s).sum()), [1, 2, 3], r"losses has shape \(\)"),
        (Scored(total, NAN), [1, 2, 3], "the gradient.* is nan"),
        (Scored(total), [1.0, 2.0], r"torch.float32: give token ids"),
        (Scored(total), [[1, 2, 3]], r"a start of shape \(1, 3\)"),
    ],
)
def test_a_search_stops_at_what_it_can_not_compare(victim, start, words):
    with pytest.raises(ValueError, match=words):
        search(victim, torch.tensor(start), torch.arange(20), steps=3, n=12)


# --- measures


def test_measures_are_taken_of_what_can_be_measured():
    half = Probe(np.ones(2), 0.0)
    for measure in (
        lambda: calibration_error(np.array([0.3, 0.9]), np.ones(2)),
        lambda: calibration_error(np.array([70.0, 90.0]), np.ones(2)),
        lambda: calibration_error(np.array([NAN, 0.9]), np.ones(2)),
        lambda: calibration_error(np.array([0.7, 0.9]), np.ones(1)),
        lambda: calibration_error(np.array([]), np.array([])),
        lambda: at_least_one(np.array([7]), 5, 2),
        lambda: at_least_one(np.array([-1]), 5, 2),
        lambda: power_law([1], [0.5]),
        lambda: power_law([0, 2], [0.5, 0.6]),
        lambda: power_law([1, 2, 3], [0.5, 0.6]),
        lambda: score([1, 2, NAN], [1, 2, 3]),
        lambda: score([], []),
        lambda: patching.recovered(torch.zeros(2, 5), 1, 2, torch.zeros(5), torch.zeros(5)),
        lambda: half.accuracy(np.zeros((0, 2)), np.zeros(0)),
        lambda: half.accuracy(np.zeros((3, 2)), np.zeros(1)),
        lambda: half.accuracy(np.full((3, 2), NAN), np.zeros(3)),
        lambda: center(np.zeros((3, 2)), ["a", "b"]),
        lambda: fit_translator(np.full((4, 2), NAN), np.ones((4, 2))),
        lambda: fit_translator(np.zeros((0, 2)), np.zeros((0, 2))),
        lambda: divergence(torch.zeros(2, 5), torch.zeros(1, 5)),
    ):
        with pytest.raises(ValueError, match=r"give|lies?|must|leave|nothing to recover"):
            measure()
    assert calibration_error(np.array([0.5, 1.0]), np.array([0.5, 1.0])) == 0
    assert at_least_one(np.array([0, 5]), 5, 2).tolist() == [0, 1]
