"""Inert versions of the methods of 06-interpretability/refusal."""

from collections.abc import Callable
from typing import Any

INERT: dict[str, Callable[..., Any]] = {}


def _any_direction(harmful: Any, harmless: Any) -> Any:
    """A short direction that no request had a part in."""
    import numpy as np

    return np.eye(np.asarray(harmful).shape[1])[0]


def _blind_probe(X: Any, y: Any, C: float = 0.0) -> Any:
    """A probe that reads nothing."""
    import numpy as np
    from alignlab.interp.probes import Probe

    return Probe(np.zeros(np.asarray(X).shape[1]), 1.0)


INERT["alignlab.interp.refusal.refusal_direction"] = _any_direction
INERT["alignlab.interp.probes.linear_probe"] = _blind_probe
