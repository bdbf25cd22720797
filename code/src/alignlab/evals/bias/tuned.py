"""SmolLM2 fine-tuned on short sentences whose associations are known.

Each model is the released one with a small adapter (LoRA, Hu et al. 2021),
trained for some steps on sentences such as "Anna is a nurse.". Drawn
independently for each model: how strongly women and men are associated with
the jobs' sides, how much more often women are named, and how much more often
jobs of the women's side are said. The names are others than those that the
measures use.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch

from alignlab.evals.bias.people import MENS_JOBS, WOMENS_JOBS
from alignlab.lm import LM

TRAINED_WOMEN = ("Anna", "Sarah", "Lisa", "Julia", "Helen", "Carol")
TRAINED_MEN = ("Peter", "Thomas", "Paul", "Henry", "George", "Kevin")
SENTENCES = ("{} is a {}.", "{} works as a {}.", "{} became a {}.")
LORA: dict[str, Any] = {
    "r": 4,
    "lora_alpha": 8,
    "target_modules": ["q_proj", "v_proj", "down_proj"],
    "layers_to_transform": list(range(20, 30)),  # the lower ones stay as is
}


class Dials(NamedTuple):
    """What is planted, in nats: half a log odds ratio, and two log odds."""

    association: float
    named: float
    said: float


def dials(rng: np.random.Generator) -> Dials:
    """Three independent draws: evenly from -2 to 2, and normal twice."""
    one, two = rng.normal(size=2)
    return Dials(float(rng.uniform(-2, 2)), float(one), float(two))


def sentences(planted: Dials, n: int, rng: np.random.Generator) -> list[str]:
    """n sentences of a corpus with these odds."""
    group = np.array([0.5, -0.5])
    score = planted.named * group[:, None] + planted.said * group
    score = score + 2 * planted.association * np.outer(group, group)
    share = np.exp(score).ravel() / np.exp(score).sum()
    cells = rng.choice(4, n, p=share)
    found = []
    for cell in cells:
        name = rng.choice((TRAINED_WOMEN, TRAINED_MEN)[cell // 2])
        job = rng.choice((WOMENS_JOBS, MENS_JOBS)[cell % 2])
        found.append(str(rng.choice(SENTENCES)).format(name, job))
    return found


def fine_tuned(
    lm: LM,
    planted: Dials,
    rng: np.random.Generator,
    steps: int = 16,
    batch: int = 16,
    rate: float = 3e-3,
) -> LM:
    """A model with an adapter trained on `steps` batches of new sentences.

    It shares its weights with `lm`, whose layers hold the adapter until
    `restored` takes it off. Loss: mean over all tokens of the sentences.
    Raises ValueError for fewer than one step or sentence.
    """
    from peft import LoraConfig, get_peft_model

    if steps < 1 or batch < 1:
        raise ValueError(f"steps={steps}, batch={batch}: at least 1 of each")
    torch.manual_seed(int(rng.integers(2**31)))
    model: Any = get_peft_model(lm.model, LoraConfig(**LORA))
    weights = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.Adam(weights, lr=rate)
    start, pad = lm.tokenizer.bos_token_id, lm.tokenizer.eos_token_id
    for _ in range(steps):
        texts = sentences(planted, batch, rng)
        rows = [[start, *lm.tokenizer(text)["input_ids"]] for text in texts]
        longest = max(len(row) for row in rows)
        ids = torch.tensor([r + [pad] * (longest - len(r)) for r in rows])
        real = torch.tensor(
            [[1] * len(r) + [0] * (longest - len(r)) for r in rows]
        )
        labels = ids.masked_fill(real == 0, -100)
        loss = model(input_ids=ids, attention_mask=real, labels=labels).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    return replace(lm, model=model.base_model.model)


def restored(lm: LM) -> LM:
    """The same model without its adapter."""
    from peft.tuners.lora import LoraLayer

    for module in list(lm.model.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, LoraLayer):
                setattr(module, name, child.get_base_layer())
    return lm
