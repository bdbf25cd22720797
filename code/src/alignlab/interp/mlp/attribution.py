"""Direct logit attribution: what each layer's attention and MLP add to a token's logit, in sum exactly the logit.

Serves the survey's section 6.2. The residual stream is a sum: the embedding, and what every attention and MLP wrote.
Up to the last norm's scale, which is taken from the run itself, a logit is linear in that sum (Elhage et al. 2021),
so that it falls into one share for each part. Indirect effects, of one part on later ones, are in the later ones'
shares.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from alignlab.interp.mlp.lens import unembedding
from alignlab.lm import LM, capture


@torch.no_grad()
def direct_attribution(
    lm: LM,
    prompts: Sequence[str],
    tokens: Sequence[int],
    minus: Sequence[int] | None = None,
) -> Tensor:
    """Shares of the next-token logit of tokens[i] after prompts[i], shape
    (prompt, 1 + 2 * layers).

    The first column is the embedding's share, then layer 0's attention, layer
    0's MLP, layer 1's attention, and so on; a row's sum is the logit. minus:
    other tokens, whose logit is subtracted. For models whose last norm is an
    RMSNorm without bias and whose residual stream is the sum of these parts
    (Llama's family). Raises ValueError for others, and where the lengths
    differ.
    """
    if len(prompts) != len(tokens) or (
        minus is not None and len(minus) != len(tokens)
    ):
        raise ValueError(
            f"{len(prompts)} prompts, {len(tokens)} tokens: one token a prompt"
        )
    names = [
        "embed",
        *(
            f"layers.{i}.{part}"
            for i in range(lm.n_layers)
            for part in ("attn.out", "mlp.out")
        ),
    ]
    norm, matrix = unembedding(lm)
    last = f"layers.{lm.n_layers - 1}.resid"
    found = capture(lm, prompts, [*names, last])
    parts = torch.stack(
        [found[name] for name in names], dim=1
    )  # (prompt, part, d_model)
    stream = parts.sum(1)
    off = (stream - found[last]).abs().max()
    if off > 0.01 * found[last].abs().max():
        raise ValueError(
            f"the parts of {lm.name}'s residual stream don't add up to it (by "
            f"{float(off):.3g}): what its attention "
            "and MLPs write is changed before it is added, so it has no shares"
        )
    if torch.allclose(norm(stream + stream.abs().max()), norm(stream)):
        raise ValueError(
            f"the last norm of {lm.name} subtracts a mean, so a logit is no "
            "sum of shares: take a model with RMSNorm"
        )
    scale = norm(stream) / stream.where(
        stream != 0, 1.0
    )  # the norm is a scale of its own for each coordinate
    direction = matrix[list(tokens)] - (
        matrix[list(minus)] if minus is not None else 0
    )  # (prompt, d_model)
    return (parts * (scale * direction)[:, None]).sum(-1)
