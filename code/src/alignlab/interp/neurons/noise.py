"""Traces with noise of several sizes: what parts written at the subject bring back, beside all that is written there.

Serves section 6.3. Noise in the residual stream after layer 0 stays in the stream, and whatever is restored above has
to outshout it. So what a part brings back is compared with what all parts together bring back, at each size of noise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from alignlab.interp.facts import Fact, answer_token, subject_end
from alignlab.interp.tracing import last_probabilities
from alignlab.lm import LM, capture, patch
from alignlab.lm.load import encode
from alignlab.lm.stack import from_layer


@dataclass(frozen=True)
class Returned:
    """Probabilities of a fact's answer.

    clean: without noise; noisy: for each size of noise; restored: for each set
    of parts and each size of noise.
    """

    clean: float
    noisy: list[float]
    restored: dict[str, list[float]]


@torch.no_grad()
def noise_sizes(
    lm: LM,
    fact: Fact,
    sizes: Sequence[float],
    sets: Mapping[str, Sequence[str]],
    samples: int = 4,
    seed: int = 0,
) -> Returned:
    """Restore sets of outputs at the subject's last token, with noise on the
    subject's tokens in the residual stream after layer 0.

    sizes: standard deviations of the noise, in those of the stream's entries
        without the first token. sets: names of activations of layers from 1
        on, such as "layers.4.mlp.out", that are put back together. samples:
        draws of the noise, the same for all sizes and sets.
    """
    ids, token = encode(lm, fact.prompt), answer_token(lm, fact.answer)
    before = fact.template[: fact.template.index("{}")].rstrip()
    start = len(encode(lm, before))
    last = subject_end(lm, fact.template, fact.subject)
    names = sorted({name for names in sets.values() for name in names})
    clean = capture(lm, [ids], ["layers.0.resid", *names], "all")
    stream = clean["layers.0.resid"]
    drawn = np.random.default_rng(seed).normal(
        size=(samples, last - start + 1, lm.d_model)
    )
    scale = torch.tensor(sizes)[:, None, None, None] * stream[0, 1:].std()
    noise = scale * torch.from_numpy(drawn).to(stream)  # (size, sample, pos, d)
    state = stream.repeat(len(sizes) * samples, 1, 1)
    state[:, start : last + 1] += noise.flatten(0, 1)

    def run(names: Sequence[str], state: Tensor) -> Tensor:
        changes = {}
        for name in names:
            _, layer, part = name.split(".", 2)
            kept = clean[name][0, last]

            def change(out: Tensor, kept: Tensor = kept) -> Tensor:
                out = out.clone()
                out[:, last] = kept
                return out

            changes[f"layers.{int(layer) - 1}.{part}"] = change
        with from_layer(lm, 1), patch(lm, changes):
            return last_probabilities(lm, state)[:, token]

    def by_size(p: Tensor) -> list[float]:
        return [float(x) for x in p.reshape(len(sizes), samples).mean(1)]

    return Returned(
        float(run([], stream)[0]),
        by_size(run([], state)),
        {name: by_size(run(parts, state)) for name, parts in sets.items()},
    )
