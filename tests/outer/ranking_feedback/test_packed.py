"""Comparisons packed into one row: log-probabilities and gradients are those of two separate texts."""

import pytest
import torch
from alignlab.lm import LM, load_lm
from alignlab.outer.ranking_feedback.direct import dpo_loss
from alignlab.outer.ranking_feedback.packed import (
    JOINED,
    below,
    chat_triples,
    chosen_only,
    fit_dpo,
    pack,
    pair_logprobs,
    with_own_top,
)

COMPARISONS = [
    ("What is the capital of Norway?", "The capital of Norway is Oslo.", "I would rather talk about soup."),
    ("Name a color.", "Blue.", "There are many colors, and I could not possibly name a single one of them."),
    ("How do I boil an egg for breakfast?", "Put it into boiling water for seven minutes.", "No."),
]


@pytest.fixture(scope="module")
def lm() -> LM:
    """SmolLM2's first two layers, enough for every path through the code; the layers can be trained, the rest not."""
    lm = load_lm("smollm2-135m-instruct", device="cpu", dtype="float32")
    lm.model.model.layers = lm.model.model.layers[:2]
    lm.model.model.layers.requires_grad_(True)
    return LM(lm.model, lm.tokenizer, lm.name, lm.device, 2, lm.d_model)


def apart(lm: LM, triples) -> list[torch.Tensor]:
    """Log-probabilities of chosen and rejected answers, each text run by itself by the model's own forward pass."""
    found = []
    for which in (1, 2):
        rows = []
        for triple in triples:
            prompt, answer = list(triple[0]), list(triple[which])
            logits = lm.model(torch.tensor([prompt + answer])).logits[0, len(prompt) - 1 : -1]
            rows.append(logits.log_softmax(-1)[torch.arange(len(answer)), torch.tensor(answer)].sum())
        found.append(torch.stack(rows))
    return found


def gradients(lm: LM) -> torch.Tensor:
    found = torch.cat([p.grad.flatten() for p in lm.model.parameters() if p.grad is not None])
    lm.model.zero_grad()
    return found


def test_packed_logprobs_and_gradients_are_those_of_separate_texts(lm):
    triples = chat_triples(lm, COMPARISONS)
    packed = pack(triples)
    reference = pair_logprobs(lm, packed)._replace(chosen=torch.zeros(3), rejected=torch.zeros(3))
    ours = pair_logprobs(lm, packed)
    dpo_loss(ours, reference, 0.1).mean().backward()
    slope = gradients(lm)
    naive = apart(lm, triples)
    dpo_loss(type(ours)(*naive), reference, 0.1).mean().backward()
    assert torch.allclose(ours.chosen, naive[0], atol=2e-4) and torch.allclose(ours.rejected, naive[1], atol=2e-4)
    assert (slope - gradients(lm)).abs().max() < 1e-4
    assert [n.tolist() for n in packed.lengths] == [[len(t[i]) for t in triples] for i in (1, 2)]


def test_layers_above_a_cache_give_the_same_numbers_and_slopes(lm):
    packed = pack(chat_triples(lm, COMPARISONS))
    hidden = below(lm, packed, layers=1)
    assert not hidden.requires_grad
    some = torch.tensor([2, 0])
    whole, top = pair_logprobs(lm, packed), pair_logprobs(lm, packed[some], hidden[some], first=1)
    assert torch.allclose(whole.chosen[some], top.chosen, atol=1e-4)
    last = list(lm.model.model.layers[1].parameters())
    a = torch.autograd.grad((whole.chosen - whole.rejected)[some].sum(), last)
    b = torch.autograd.grad((top.chosen - top.rejected).sum(), last)
    assert max(float((x - y).abs().max()) for x, y in zip(a, b)) < 1e-3


def test_many_comparisons_in_joined_rows_are_those_of_each_by_itself(lm):
    asked = [(f"{question} ({i})", a, b) for i in range(4) for question, a, b in COMPARISONS]
    triples = chat_triples(lm, asked)
    assert len(triples) > JOINED
    packed = pack(triples)
    with torch.no_grad():
        cached = pair_logprobs(lm, packed, below(lm, packed, 1), first=1)
        top = pair_logprobs(lm, packed, below(lm, packed, 2), first=2)
        alone = [torch.cat(side) for side in zip(*(pair_logprobs(lm, pack([t])) for t in triples))]
        naive = apart(lm, triples)
    for which in (0, 1):
        for found in (cached[which], top[which], alone[which]):
            assert torch.allclose(found, naive[which], atol=5e-4)


def test_a_layer_of_another_kind_is_run_whole(lm, monkeypatch):
    packed = pack(chat_triples(lm, COMPARISONS))
    with torch.no_grad():
        ours = pair_logprobs(lm, packed)
        monkeypatch.setattr("alignlab.outer.ranking_feedback.packed.LLAMA", ())
        whole = pair_logprobs(lm, packed)
    assert torch.allclose(torch.cat(ours), torch.cat(whole), atol=2e-4)


def test_prompts_without_a_common_beginning_share_nothing(lm):
    triples = [([5], [7, 8], [9]), ([6, 7], [8], [9, 9, 3]), ([5, 7], [8], [4])]
    with torch.no_grad():
        ours, naive = pair_logprobs(lm, pack(triples)), apart(lm, triples)
    assert all(torch.allclose(a, b, atol=2e-4) for a, b in zip(ours, naive))


def test_rejected_answers_can_be_left_out(lm):
    packed, turned = pack(chat_triples(lm, COMPARISONS)), torch.tensor([False, True, False])
    with torch.no_grad():
        both, one = pair_logprobs(lm, packed), pair_logprobs(lm, chosen_only(packed, turned))
    assert torch.allclose(one.chosen + one.rejected, torch.where(turned, both.rejected, both.chosen), atol=2e-4)
    assert (torch.where(turned, one.chosen, one.rejected) == 0).all()
    hidden = below(lm, packed, layers=1)

    def likelihood(policy, reference, beta):
        return -policy.chosen

    tops = [
        fit_dpo(lm, rows, hidden, 1, steps=2, lr=1e-4, beta=0.1, batch=3, seed=0, turned=turned, loss_of=likelihood)[0]
        for rows in (packed, chosen_only(packed, turned))
    ]
    whole, less = (torch.cat([p.flatten() for p in m.model.model.layers[1].parameters()]) for m in tops)
    start = torch.cat([p.flatten() for p in lm.model.model.layers[1].parameters()])
    assert (whole - less).norm() < 0.02 * (whole - start).norm()


def test_answers_do_not_see_each_other(lm):
    prompt, chosen, rejected = chat_triples(lm, COMPARISONS[:1])[0]
    with torch.no_grad():
        one, other = (
            pair_logprobs(lm, pack([(prompt, chosen, text)])).chosen for text in (rejected, rejected[::-1] * 3)
        )
    assert torch.allclose(one, other, atol=1e-5)


def test_what_cannot_be_run_is_refused(lm):
    packed = pack([([1], [2], [3])])
    with pytest.raises(ValueError, match="need at least one token"):
        pack([([1, 2], [], [3])])
    with pytest.raises(ValueError, match=r"hidden=below\(lm, packed, 2\)"):
        pair_logprobs(lm, packed, first=2)
    with pytest.raises(ValueError, match="not built like Llama"):
        below(LM(torch.nn.Identity(), lm.tokenizer, "odd", lm.device, 0, 0), packed, 1)


def test_a_trained_top_leaves_the_model_as_it_was(lm):
    packed = pack(chat_triples(lm, COMPARISONS))
    before = {name: p.clone() for name, p in lm.model.state_dict().items()}
    hidden = below(lm, packed, layers=1)
    tuned, losses = fit_dpo(lm, packed, hidden, first=1, steps=6, lr=1e-3, beta=0.1, batch=3, seed=0)
    assert losses[0] == pytest.approx(0.6931, abs=1e-3) and losses[-1] < 0.5
    assert all(torch.equal(p, before[name]) for name, p in lm.model.state_dict().items())
    assert tuned.model.model.layers[0] is lm.model.model.layers[0]
    with torch.no_grad():
        ours, whole = pair_logprobs(tuned, packed, hidden, first=1), apart(tuned, chat_triples(lm, COMPARISONS))
    assert torch.allclose(ours.chosen, whole[0], atol=1e-3)
    assert with_own_top(lm, 1).model.model.layers[1] is not lm.model.model.layers[1]


def test_turned_comparisons_learn_the_other_answer(lm):
    packed = pack(chat_triples(lm, COMPARISONS))
    hidden, turned = below(lm, packed, layers=1), torch.tensor([True, False, True])
    tuned, _ = fit_dpo(lm, packed, hidden, 1, steps=6, lr=1e-3, beta=0.1, batch=3, seed=0, turned=turned)
    with torch.no_grad():
        after, before = (pair_logprobs(m, packed, hidden, first=1) for m in (tuned, lm))
    margin = (after.chosen - after.rejected) - (before.chosen - before.rejected)
    assert (margin < 0).tolist() == turned.tolist()


def test_an_order_given_decides_which_comparisons_are_seen_and_another_loss_is_used(lm):
    packed = pack(chat_triples(lm, COMPARISONS))
    hidden = below(lm, packed, layers=1)
    seen = []

    def only_chosen(policy, reference, beta):
        seen.append(reference.chosen)
        return -policy.chosen

    fit_dpo(
        lm,
        packed,
        hidden,
        1,
        steps=2,
        lr=1e-4,
        beta=0.1,
        batch=1,
        seed=0,
        order=torch.tensor([2, 0, 1]),
        loss_of=only_chosen,
    )
    with torch.no_grad():
        before = pair_logprobs(lm, packed, hidden, first=1).chosen
    assert torch.allclose(torch.cat(seen), before[[2, 0]], atol=1e-4)
