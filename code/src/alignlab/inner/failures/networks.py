"""Small networks from what an agent sees to its moves, many side by side.

Three builds on the same input. "whole" looks at the whole view with each hidden
unit, "cells" looks at each cell with the same few filters (a convolution of one
cell), "linear" has no hidden layer. Every weight has a leading axis of agents.
Serves the survey's section 5.1; the builds are ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from alignlab.inner.failures.court import CELLS, CHANNELS, PLAIN

Build = Literal["whole", "cells", "linear"]
HIDDEN = 32  # units of the build "whole"
FILTERS = 4  # of the build "cells"


class Agents(NamedTuple):
    """Networks of one build. weights: each (agents, ...). seeds: (agents,)."""

    build: Build
    weights: dict[str, Tensor]
    seeds: tuple[int, ...]
    strength: tuple[float, ...] = PLAIN


def born(
    build: Build,
    seeds: Sequence[int],
    strength: tuple[float, ...] = PLAIN,
    hidden: int = HIDDEN,
) -> Agents:
    """Agents before training, one a seed; the last layer starts at zero.

    hidden: units of the build "whole".
    """
    size = CELLS * len(CHANNELS)
    shapes: dict[str, dict[str, tuple[int, ...]]] = {
        "whole": {"one": (size, hidden), "two": (hidden, 5)},
        "cells": {"one": (len(CHANNELS), FILTERS), "two": (CELLS * FILTERS, 5)},
        "linear": {"two": (size, 5)},
    }
    if build not in shapes:
        raise ValueError(f"no build {build!r}; choose one of {list(shapes)}")
    weights: dict[str, list[Tensor]] = {name: [] for name in shapes[build]}
    for seed in seeds:
        generator = torch.Generator().manual_seed(seed)
        for name, shape in shapes[build].items():
            scale = (2 / shape[0]) ** 0.5 if name == "one" else 0.0
            drawn = torch.randn(shape, generator=generator)
            weights[name].append(scale * drawn)
    stacked = {name: torch.stack(all_) for name, all_ in weights.items()}
    return Agents(build, stacked, tuple(seeds), strength)


def forward(
    build: Build, weights: dict[str, Tensor], seen: Tensor
) -> tuple[Tensor, Tensor]:
    """Log-probabilities of moves, (agents, levels, 4), and expected returns.

    seen: (agents, levels, cells, channels).
    """
    agents, levels = seen.shape[:2]
    hidden = seen.reshape(agents, levels, -1)
    if build == "cells":  # the same few filters look at every cell
        each = seen.reshape(agents, levels * CELLS, -1) @ weights["one"]
        hidden = torch.relu(each).reshape(agents, levels, -1)
    elif build == "whole":
        hidden = torch.relu(hidden @ weights["one"])
    out = hidden @ weights["two"]
    return torch.log_softmax(out[..., :4], -1), out[..., 4]
