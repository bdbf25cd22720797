"""What each claim's method is replaced by when the tests ask whether the claim can fail.

An inert version takes the same arguments and gives results of the same kind that carry no effect: a reward model that
learned nothing, a search that keeps what it started with, a probe that guesses. It must run; a claim that merely
crashes, or measures nan, has not been shown to fail.
Each page's methods stand under a heading of their own.
"""

from collections.abc import Callable
from typing import Any

INERT: dict[str, Callable[..., Any]] = {}


# 04-outer/reward-modeling


def _indifferent(rankings: Any, ridge: float = 0.0, steps: int = 0) -> Any:
    """A reward that learned nothing: zero for every answer."""
    import torch

    return torch.zeros(rankings.shape[-1], dtype=torch.float64)


INERT["alignlab.outer.reward.fit_reward"] = _indifferent


# 01-introduction/meet-the-model


def _untrained(model: Any, tokens: Any, steps: int, lr: float, seed: int, batch: int = 32) -> None:
    """A training that leaves the model as it was."""


def _as_it_is(lm: Any, prompt: Any, system: Any = None) -> str:
    """A chat template that adds nothing."""
    return str(prompt)


def _no_preference(lm: Any, contrasts: Any, questions: Any = None) -> Any:
    """Both answers always equally probable."""
    import torch

    return torch.zeros(len(contrasts))


INERT["alignlab.evals.minilanguage.fit_exchanges"] = _untrained
INERT["alignlab.lm.generation.chat_prompt"] = _as_it_is
INERT["alignlab.evals.hhh.preference"] = _no_preference


# 06-interpretability/probing


def _blind_probe(X: Any, y: Any, C: float = 0.0) -> Any:
    """A probe that reads nothing and always answers "no"."""
    import numpy as np
    from alignlab.interp.probes import Probe

    return Probe(np.zeros(np.asarray(X).shape[1]), 1.0)


def _consistent_with_nothing(first: Any, second: Any, seed: int = 0, restarts: int = 0, steps: int = 0) -> Any:
    """A search that found no direction."""
    return _blind_probe(first, None)


def _no_shift(z: Any, y: Any, heads: int = 0) -> Any:
    """A push of length zero."""
    return {}


def _erases_nothing(X: Any, y: Any) -> Any:
    """An eraser that leaves every vector as it is."""
    import numpy as np
    from alignlab.interp.erasure import Eraser

    mean = np.asarray(X, dtype=float).mean(0)
    return Eraser(mean, np.zeros_like(mean), np.zeros_like(mean))


INERT["alignlab.interp.probes.linear_probe"] = _blind_probe
INERT["alignlab.interp.probes.contrast_consistent_search"] = _consistent_with_nothing
INERT["alignlab.interp.steering.head_shift"] = _no_shift
INERT["alignlab.interp.erasure.leace"] = _erases_nothing


# 04-outer/overoptimization


def _no_move(proxy: Any, gold: Any, seed: int, steps: int = 120, lr: float = 0.03) -> Any:
    """A policy that stays where it started."""
    import numpy as np
    from alignlab.outer.overoptimization import Path

    return Path(*np.zeros((3, steps)))


def _flat_rewards(chosen: Any, rejected: Any, seed: int, members: int = 1, steps: int = 300) -> Any:
    """Reward models that like every answer alike."""
    import torch

    return [lambda x: torch.zeros(len(x))] * members


def _no_form(path: Any, logarithmic: bool, with_beta: bool = True) -> Any:
    """A curve described as zero everywhere."""
    return 0.0, 0.0, float((path.gold**2).mean() ** 0.5)


def _first_of_n(proxy: Any, gold: Any, ns: Any) -> Any:
    """Takes the first of the n answers."""
    import numpy as np
    from alignlab.outer.overoptimization import Path, best_of_n_kl

    means = [float(r.double().mean()) * np.ones(len(ns)) for r in (proxy, gold)]
    return Path(np.sqrt(best_of_n_kl(np.array(ns))), *means)


def _first_member(rewards: Any) -> Any:
    """Only the first model is asked."""
    return rewards[0]


INERT["alignlab.outer.overoptimization.policy_gradient"] = _no_move
INERT["alignlab.outer.overoptimization.fit_proxy"] = _flat_rewards
INERT["alignlab.outer.overoptimization.fit_form"] = _no_form
INERT["alignlab.outer.overoptimization.best_of_n"] = _first_of_n
INERT["alignlab.outer.overoptimization.worst_case"] = _first_member


# 07-attacks/adversarial


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
