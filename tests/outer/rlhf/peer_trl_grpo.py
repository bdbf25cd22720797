"""Our GRPO losses and advantages are those of TRL's trainer on the same log-probabilities."""

import json
import subprocess
import sys

import pytest
import torch
from alignlab.outer.policy_gradients import grpo_advantages, grpo_loss
from support import ROOT

sys.path.insert(0, str(ROOT))

from benchmarks._environment import python_for
from benchmarks.grpo import TRL

pytestmark = pytest.mark.peer
KINDS = {"grpo": "text", "bnpo": "token", "dr_grpo": "constant"}

SCRIPT = """
import json, sys, types, torch
from trl import GRPOTrainer

case = json.load(sys.stdin)
logp, old, reference = (torch.tensor(case[name], dtype=torch.float64) for name in ("logp", "old", "reference"))
mask, advantages = torch.tensor(case["mask"]), torch.tensor(case["advantages"], dtype=torch.float64)
found = {}
for kind in case["kinds"]:
    same = types.SimpleNamespace(gather=lambda x: x, reduce=lambda x, reduction: x, num_processes=1)
    args = types.SimpleNamespace(delta=None, use_bias_correction_kl=False)
    me = types.SimpleNamespace(
        _get_per_token_logps_and_entropies=lambda *a, **k: (logp, torch.zeros_like(logp), None),
        aux_loss_enabled=False, top_entropy_quantile=1.0, off_policy_mask_threshold=None,
        importance_sampling_level="token", beta=case["beta"], args=args, loss_type=kind, epsilon_low=0.2,
        epsilon_high=case["high"], use_vllm=False, model=types.SimpleNamespace(training=True),
        current_gradient_accumulation_steps=1, max_completion_length=logp.shape[1], accelerator=same,
        _entropy_bonus_enabled=False, vllm_importance_sampling_correction=False,
        _metrics={"train": __import__("collections").defaultdict(list)},
    )
    inputs = {
        "prompt_ids": torch.zeros(len(logp), 1), "prompt_mask": torch.ones(len(logp), 1),
        "completion_ids": torch.zeros_like(logp), "completion_mask": mask, "advantages": advantages,
        "old_per_token_logps": old, "ref_per_token_logps": reference,
    }
    found[kind] = float(GRPOTrainer._compute_loss(me, None, inputs))
print(json.dumps(found))
"""


def test_losses_are_those_of_trl():
    g = torch.Generator().manual_seed(0)
    logp, old, reference = (-torch.rand(3, 6, 9, dtype=torch.float64, generator=g) * 2).unbind()
    lengths = torch.tensor([9, 4, 1, 7, 9, 3])
    mask = torch.arange(9) < lengths[:, None]
    advantages = grpo_advantages(torch.rand(2, 3, dtype=torch.float64, generator=g)).flatten()
    case = {name: value.tolist() for name, value in zip(("logp", "old", "reference"), (logp, old, reference))}
    case |= {
        "mask": mask.long().tolist(),
        "advantages": advantages.tolist(),
        "kinds": list(KINDS),
        "beta": 0.1,
        "high": 0.28,
    }
    done = subprocess.run(
        [python_for(TRL), "-W", "ignore", "-c", SCRIPT],
        input=json.dumps(case),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    theirs = json.loads(done.stdout.splitlines()[-1])
    for kind, count in KINDS.items():
        ours = grpo_loss(
            logp, old, advantages, mask, clip=0.2, clip_high=0.28, reference=reference, beta=0.1, count=count
        )
        assert float(ours) == pytest.approx(theirs[kind], abs=1e-10), kind
