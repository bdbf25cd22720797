"""Inert versions of the methods of 07-attacks/adversarial."""

from collections.abc import Callable
from typing import Any

INERT: dict[str, Callable[..., Any]] = {}


def _blind_words(victim: Any, suffix: Any, words: Any, n: int, top: int, generator: Any) -> Any:
    """Proposals without the gradient: every allowed word equally likely."""
    from alignlab.attacks.suffix import random_words

    return random_words(victim, suffix, words, n, top, generator)


def _no_search(victim: Any, start: Any, words: Any, steps: int, **how: Any) -> Any:
    """A search that stays where it starts."""
    from alignlab.attacks.suffix import Search

    return Search(start, start.expand(steps + 1, -1), [0.0] * (steps + 1), 0)


def _never_begun(model: Any, requests: Any, suffixes: Any) -> Any:
    """An answer that is left to the guide."""
    from alignlab.attacks.toychat import complies

    return complies(model, requests, suffixes)


def _asked_once(model: Any, requests: Any, tries: int, generator: Any, words: int = 0, temperature: float = 0.0) -> Any:
    """The same likeliest answer every time."""
    import torch
    from alignlab.attacks.toychat import complies

    nothing = torch.empty(1, 0, dtype=torch.long)
    return complies(model, requests, nothing).expand(tries, -1)


def _unmoved(model: Any, requests: Any, suffix: Any, radius: float, steps: int = 0) -> Any:
    """Embeddings left where they are, up to a hair."""
    import torch

    return torch.full((len(requests), len(suffix), model.config.d_model), 1e-9)


def _no_shots(lm: Any, shots: Any, question: str, answer: str, counts: Any) -> list[float]:
    """A conversation in which nothing is learned from what came before."""
    return [20.0 for _ in counts]


def _open_gate(model: Any, prompts: Any, threshold: float) -> Any:
    """A filter that lets everything pass."""
    import torch

    return torch.ones(len(prompts), dtype=torch.bool)


def _no_votes(model: Any, asked: Any, suffix: Any, generator: Any, copies: int = 1, share: float = 0.0) -> Any:
    """The one request as it came."""
    from alignlab.attacks.toychat import complies

    return complies(model, asked, suffix[None])[0]


INERT["alignlab.attacks.suffix.gradient_words"] = _blind_words
INERT["alignlab.attacks.suffix.search"] = _no_search
INERT["alignlab.attacks.jailbreaks.prefill"] = _never_begun
INERT["alignlab.attacks.jailbreaks.best_of_n"] = _asked_once
INERT["alignlab.attacks.jailbreaks.many_shot"] = _no_shots
INERT["alignlab.attacks.continuous.soft_suffix"] = _unmoved
INERT["alignlab.attacks.defenses.fluent"] = _open_gate
INERT["alignlab.attacks.defenses.smooth"] = _no_votes
