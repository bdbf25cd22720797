"""The GRPO step that reads its prompt once: same logits, gradients and loss as running prompt and answer together."""

import pytest
import torch
from alignlab.outer.policy_gradients import grpo_advantages
from alignlab.outer.rlhf.grpo_step import Group, answer_logits, answer_logprobs, draw_group, grpo_step
from transformers import LlamaConfig, LlamaForCausalLM

STOP = 2


@pytest.fixture
def model():
    config = LlamaConfig(
        vocab_size=40, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=64, attn_implementation="eager",
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return LlamaForCausalLM(config).eval()


def group(model, k=5, length=7, seed=0, temperature=1.0):
    prompt = torch.tensor([5, 9, 11, 30])
    return draw_group(model, prompt, k, length, STOP, torch.Generator().manual_seed(seed), temperature)


def plain_logits(model, drawn):
    rows = torch.cat([drawn.prompt.expand(len(drawn.tokens), -1), drawn.tokens], dim=1)
    return model(input_ids=rows).logits[:, len(drawn.prompt) - 1 : -1]


def test_logits_are_those_of_prompt_and_answer_together(model):
    drawn = group(model)
    assert torch.allclose(answer_logits(model, *drawn[:2]), plain_logits(model, drawn), atol=1e-6)
    one = Group(drawn.prompt, drawn.tokens[:, :1], drawn.mask[:, :1])
    assert torch.allclose(answer_logits(model, *one[:2]), plain_logits(model, one), atol=1e-6)


def test_gradients_pass_through_the_shared_prompt(model):
    drawn = group(model)
    answer_logprobs(model, drawn).sum().backward()
    shared = [p.grad.clone() for p in model.parameters()]
    model.zero_grad()
    logp = plain_logits(model, drawn).log_softmax(-1).gather(-1, drawn.tokens[..., None]).squeeze(-1)
    (logp * drawn.mask).sum().backward()
    assert max(float((a - p.grad).abs().max()) for a, p in zip(shared, model.parameters())) < 1e-4


def test_draws_follow_the_model_and_stop(model):
    drawn = group(model, k=4000, length=2)
    p = model(input_ids=drawn.prompt[None]).logits[0, -1].softmax(-1)
    seen = torch.bincount(drawn.tokens[:, 0], minlength=40) / 4000
    assert (seen - p).abs().max() < 0.02
    ended = drawn.tokens[:, 0] == STOP
    assert ended.any() and (drawn.tokens[ended, 1] == STOP).all() and not drawn.mask[ended, 1].any()
    assert torch.equal(drawn.tokens, group(model, k=4000, length=2).tokens)


def test_a_step_is_the_plain_steps_update(model):
    import copy

    other = copy.deepcopy(model)
    drawn = [group(model, seed=seed) for seed in (0, 1)]
    rewards = torch.rand(2, 5, generator=torch.Generator().manual_seed(0))
    loss = grpo_step(model, torch.optim.SGD(model.parameters(), lr=0.1), drawn, rewards)
    advantages = grpo_advantages(rewards)
    total = torch.cat([g.mask.flatten() for g in drawn]).sum()
    plain = torch.zeros(())
    for g, a in zip(drawn, advantages):
        logp = plain_logits(other, g).log_softmax(-1).gather(-1, g.tokens[..., None]).squeeze(-1)
        plain = plain - ((logp - logp.detach()).exp() * a[:, None] * g.mask).sum() / total
    optimizer = torch.optim.SGD(other.parameters(), lr=0.1)
    plain.backward()
    optimizer.step()
    assert loss == pytest.approx(float(plain.detach()), abs=1e-5)
    assert max(float((a - b).abs().max()) for a, b in zip(model.parameters(), other.parameters())) < 1e-5


def test_steps_raise_the_probability_of_what_is_rewarded(model):
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    share = []
    for seed in range(12):
        drawn = group(model, k=32, length=3, seed=seed)
        even = ((drawn.tokens % 2 == 0) & drawn.mask).float().sum(1) / drawn.mask.sum(1)
        share.append(float(even.mean()))
        grpo_step(model, optimizer, [drawn], even[None])
    assert share[-1] > share[0] + 0.2
