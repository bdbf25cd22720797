"""Inert versions of the methods of 04-outer/text-feedback."""

from collections.abc import Callable
from typing import Any

INERT: dict[str, Callable[..., Any]] = {}


def _marks_mean_nothing(
    start: Any, worse: Any, better: Any, seed: int, steps: int = 120, shuffled: bool = False
) -> Any:
    """A model that knows the marks and was not trained."""
    from alignlab.outer.hindsight import with_marks

    return with_marks(start).requires_grad_(False)


def _as_before(world: Any, judge: Any, seed: int, n: int = 512, rounds: int = 1, tries: int = 8) -> Any:
    """The model before any feedback."""
    return world.sft


def _no_second_thoughts(chains: Any, seed: int, steps: int = 300, shuffled: bool = False) -> Any:
    """An untrained writer of edits."""
    from alignlab.lm import TinyConfig, TinyTransformer
    from alignlab.outer.storyland import V

    config = TinyConfig(V + 4, d_model=32, n_layers=1, n_heads=2, context=chains.shape[1], d_mlp=64)
    return TinyTransformer(config, seed).requires_grad_(False)


def _born_not_raised(
    world: Any, seed: int, neighbors: int = 4, rounds: int = 2, agents: int = 512, revisions: int = 4
) -> Any:
    """A society that leaves its model as it was."""
    return world.sft, [0.0] * rounds


def _learns_nothing(start: Any, stories: Any, seed: int, steps: int = 60, lr: float = 2e-3, batch: int = 128) -> Any:
    """Fine-tuning that returns the model it started from."""
    return start


def _as_it_is(plain: Any, described: Any, decay: float) -> Any:
    """Probabilities that no description changes."""
    return plain


INERT["alignlab.outer.hindsight.hindsight"] = _marks_mean_nothing
INERT["alignlab.outer.textfeedback.language_feedback"] = _as_before
INERT["alignlab.outer.edits.learn_edits"] = _no_second_thoughts
INERT["alignlab.outer.society.live"] = _born_not_raised
INERT["alignlab.outer.textfeedback.imitate"] = _learns_nothing
INERT["alignlab.outer.selfdebias.debias"] = _as_it_is
