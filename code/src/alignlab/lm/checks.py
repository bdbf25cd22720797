"""What a caller may hand in: texts, temperatures, seeds, numbers and lengths, each checked in one place.

An input that can't be served is refused with one line that holds the value and says what to do instead; without that,
a wrong one gives a plausible number. The survey's rooms build on these, so that all of them refuse alike.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from alignlab.lm.load import LM

COLD = 1e-2  # below this temperature logits are shifted before they are divided, so that nothing overflows


def check_texts(texts: Any, what: str = "prompts") -> list[str]:
    """A list of strings, as a list. Raises TypeError for one string, or an element that is no string."""
    if isinstance(texts, str | bytes):
        raise TypeError(f"{what} is one string: give a list of {what}")
    found = list(texts)
    for i, text in enumerate(found):
        if not isinstance(text, str):
            raise TypeError(f"{what}[{i}] is {text!r}, not text: give strings")
    return found


def check_numbers(x: Tensor, what: str, infinite: bool = False) -> None:
    """Raise ValueError where `x` holds NaN, or (unless `infinite`) an infinity; the error says where."""
    bad = x.isnan() if infinite else ~x.isfinite()
    if bad.any():
        at = bad.nonzero()[0].tolist()
        raise ValueError(
            f"{what}{at or ''} is {float(x[tuple(at)])}: leave out what could not be scored"
        )


def check_seed(seed: Any) -> int:
    """A seed as a Python integer. Raises ValueError unless it is an integer of at least 0."""
    try:
        value = operator.index(seed)
    except TypeError:
        value = -1
    if value < 0:
        raise ValueError(f"seed={seed!r} must be an integer of at least 0")
    return value


def check_share(name: str, value: float) -> None:
    """Raise ValueError unless a share lies in 0 to 1."""
    if not 0 <= value <= 1:
        raise ValueError(f"{name}={value} must be a share, 0 to 1")


def check_temperature(temperature: float, lowest: float = 0.0) -> None:
    """Raise ValueError unless a temperature is a finite number, at least 0 (above 0 where `lowest` is positive)."""
    if not (math.isfinite(temperature) and temperature >= lowest):
        bound = "above 0" if lowest else "at least 0 (0 takes the likeliest)"
        raise ValueError(
            f"temperature={temperature} must be a finite number, {bound}"
        )


def tempered(logits: Tensor, temperature: float) -> Tensor:
    """logits / temperature, whose softmax is what a sampler draws from; at temperature 0 only the likeliest is left.

    logits: (..., vocab). Very low temperatures neither overflow nor give NaN. Raises ValueError for a temperature that
    is negative, infinite or not a number.
    """
    check_temperature(temperature)
    if temperature >= COLD:
        return logits / temperature
    if temperature == 0:
        best = logits.argmax(-1, keepdim=True)
        check_drawable(logits.gather(-1, best))
        return torch.full_like(logits, -math.inf).scatter(-1, best, 0.0)
    return (
        logits.double() - logits.double().amax(-1, keepdim=True)
    ) / temperature


def check_drawable(values: Tensor) -> None:
    """Raise ValueError where the probability or logit that a token is chosen by is not a number."""
    if values.isnan().any():
        raise ValueError(
            "the model's logits are not numbers: its weights are damaged or its dtype overflows, load it in float32"
        )


def place_of(index: int, length: int, what: str) -> int:
    """An index, negative from the end, as one from the start. Raises IndexError where there is no such place."""
    if not -length <= index < length:
        raise IndexError(
            f"{what} {index} is not there: give {-length} to {length - 1}"
        )
    return index % length


def context_of(lm: LM) -> int | None:
    """How many tokens the model was built for; None where its configuration names no limit."""
    limit = getattr(
        lm.model.config.get_text_config(), "max_position_embeddings", None
    )
    return limit if isinstance(limit, int) and limit > 0 else None


def check_fits(lm: LM, tokens: int, remedy: str = "shorten the text") -> None:
    """Raise ValueError where so many tokens are more than the model's context."""
    limit = context_of(lm)
    if limit is not None and tokens > limit:
        raise ValueError(
            f"{tokens} tokens exceed the context of {lm.name}, {limit}: {remedy}"
        )


def check_ids(rows: Sequence[Sequence[int]]) -> None:
    """Raise ValueError where there is no row of token ids, or one without tokens."""
    if not len(rows):
        raise ValueError("no prompts given: give at least one")
    for i, row in enumerate(rows):
        if not len(row):
            raise ValueError(
                f"prompt {i} is empty and has no activations: leave it out"
            )
