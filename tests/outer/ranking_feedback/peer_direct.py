"""Losses of preference learning equal TRL's on the same log-probabilities: its trainers' own code, without a model.

Not part of the ordinary run: `scripts/parity_check.sh`.
"""

import importlib
from collections import defaultdict
from types import SimpleNamespace

import pytest
import torch
from alignlab.outer.ranking_feedback.direct import (
    Pair,
    dpo_loss,
    hinge_loss,
    ipo_loss,
    kto_loss,
    mismatched_kl,
    orpo_loss,
    simpo_loss,
    slic_loss,
)

pytestmark = pytest.mark.peer


def draw(seed: int = 0, n: int = 5) -> tuple[Pair, Pair, Pair]:
    """Log-probabilities of policy and reference, and lengths."""
    g = torch.Generator().manual_seed(seed)
    policy, reference = (Pair(*(-20 * torch.rand(2, n, dtype=torch.float64, generator=g) - 1)) for _ in range(2))
    return policy, reference, Pair(*torch.randint(2, 9, (2, n), generator=g))


def trl(module: str):
    pytest.importorskip("trl", reason="pip install './code[bench]'")
    return importlib.import_module(f"trl.{module}")


def answers_of(policy: Pair, lengths: Pair) -> tuple[SimpleNamespace, torch.Tensor]:
    """A model's output whose answers have these summed log-probabilities, and the mask of their tokens."""
    total, length = torch.cat(policy), torch.cat(lengths)
    mask = (torch.arange(10) >= 1) & (torch.arange(10) < 1 + length[:, None])
    each = (mask[:, 1:] * (total / length)[:, None]).double()
    rest = torch.zeros_like(each)
    return SimpleNamespace(log_probs=each, entropy=rest, mean_logits=rest, is_top1=rest.bool(), aux_loss=None), mask


def accelerator() -> SimpleNamespace:
    return SimpleNamespace(device="cpu", gather_for_metrics=lambda x: x, gather=lambda x: x)


@pytest.mark.parametrize("name", ["sigmoid", "hinge", "ipo"])
def test_dpo_hinge_and_ipo_equal_trl(name):
    trainer = trl("trainer.dpo_trainer").DPOTrainer
    policy, reference, lengths = draw(7)
    out, mask = answers_of(policy, lengths)
    peer = SimpleNamespace(
        model=SimpleNamespace(training=True),
        accelerator=accelerator(),
        aux_loss_enabled=False,
        ld_alpha=None,
        precompute_ref_logps=True,
        f_divergence_type="reverse_kl",
        loss_types=[name],
        loss_weights=[1.0],
        beta=0.3,
        use_weighting=False,
        _metrics={"train": defaultdict(list)},
        _total_train_tokens=0,
        _tp_size=1,
    )
    batch = {
        "input_ids": torch.zeros(10, 10, dtype=torch.long),
        "attention_mask": torch.ones(10, 10),
        "completion_mask": mask.long(),
        "ref_chosen_logps": reference.chosen,
        "ref_rejected_logps": reference.rejected,
    }
    theirs = trainer._compute_loss(peer, lambda **_: out, batch, False)
    if name == "ipo":
        policy, reference = (Pair(*(p / n for p, n in zip(pair, lengths))) for pair in (policy, reference))
    ours = {"sigmoid": dpo_loss, "hinge": hinge_loss, "ipo": ipo_loss}[name](policy, reference, 0.3)
    assert ours.mean().item() == pytest.approx(theirs.item(), abs=1e-12)


def test_simpo_and_slic_equal_trl():
    trainer = trl("experimental.cpo.cpo_trainer").CPOTrainer
    policy, _, lengths = draw(8)
    settings = {"accelerator": accelerator(), "alpha": 0.0, "label_smoothing": 0.0}
    peer = SimpleNamespace(**settings, beta=2.5, loss_type="simpo", simpo_gamma=0.8)
    theirs = trainer.cpo_loss(peer, policy.chosen / lengths.chosen, policy.rejected / lengths.rejected)[0]
    assert torch.allclose(simpo_loss(policy, lengths, 2.5, 0.8), theirs)
    peer = SimpleNamespace(**settings, beta=0.4, loss_type="hinge")
    theirs = trainer.cpo_loss(peer, *policy)[0]
    scaled = slic_loss(policy, policy.chosen, delta=1 / 0.4, weight=0.0) * 0.4  # TRL scales the margin, the paper delta
    assert torch.allclose(scaled, theirs)


def test_orpo_equals_trl():
    trainer = trl("experimental.orpo.orpo_trainer").ORPOTrainer
    policy, _, lengths = draw(9)
    peer = SimpleNamespace(accelerator=accelerator(), beta=0.2)
    means = [p / n for p, n in zip(policy, lengths)]
    odds = trainer.odds_ratio_loss(peer, *means)[0]
    assert torch.allclose(orpo_loss(policy, lengths, 0.2), -means[0] - odds, atol=1e-6)  # TRL computes in float32


def test_kto_equals_trl():
    trainer = trl("trainer.kto_trainer").KTOTrainer
    policy, reference, lengths = draw(10)
    out, mask = answers_of(policy, lengths)
    desirable = torch.tensor([True, False, True, True, False] * 2)
    other, other_reference = -torch.arange(1.0, 11.0).double(), -1.5 * torch.arange(1.0, 11.0).double()
    peer = SimpleNamespace(
        model=SimpleNamespace(training=True),
        accelerator=accelerator(),
        _compute_kl_logps=lambda model, batch: other,
        aux_loss_enabled=False,
        precompute_ref_logps=True,
        calculate_KL=True,
        loss_type="kto",
        beta=0.3,
        desirable_weight=1.0,
        undesirable_weight=1.0,
        _metrics={"train": defaultdict(list)},
        _total_train_tokens=0,
        _tp_size=1,
    )
    batch = {
        "input_ids": torch.zeros(10, 10, dtype=torch.long),
        "attention_mask": torch.ones(10, 10),
        "completion_mask": mask.long(),
        "label": desirable,
        "ref_logps": torch.cat(reference),
        "ref_KL_logps": other_reference,
    }
    method = getattr(trainer, "_compute_loss", None) or trainer.compute_loss
    theirs = method(peer, lambda **_: out, batch, False)
    ours = kto_loss(torch.cat(policy), torch.cat(reference), desirable, mismatched_kl(other, other_reference), 0.3)
    assert ours.mean().item() == pytest.approx(float(theirs), abs=1e-6)
