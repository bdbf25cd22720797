"""What a value does to the logits when the layers above are run.

Serves the survey's section 6.2. Geva et al. (2022) read the words that a value promotes through the unembedding, as if
nothing happened between its layer and the end. Here the value is added to the stream and the layers above are run.
"""

from __future__ import annotations

import torch
from torch import Tensor

from alignlab.lm import LM
from alignlab.lm.stack import stack_of


@torch.no_grad()
def pushed(lm: LM, streams: Tensor, layer: int, push: Tensor) -> Tensor:
    """Next-token logits (n, vocab) with something added to the last token's
    stream after a layer.

    streams: the residual stream after that layer, (n, pos, d_model); push:
    (n, d_model). The layers above are run as they are. For Llama's family.
    """
    moved = streams.clone()
    moved[:, -1] += push
    stack = stack_of(lm)
    positions = torch.arange(streams.shape[1], device=streams.device)[None]
    end = stack.run(moved, positions, first=layer + 1)
    return stack.logits(end[:, -1])
