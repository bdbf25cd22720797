"""Jailbreaks without a search: begin the answer yourself, show examples of it, or just try again and again.

Serves survey section 7.3. What they exploit is not a gradient: that refusal is decided in an answer's first token
(prefilling; Qi et al. 2024, "Safety Alignment Should Be Made More Than Just a Few Tokens Deep", arXiv 2406.05946), that
a long context teaches (many-shot; Anil et al. 2024), that answers are drawn at random (best-of-N; Hughes et al. 2024,
arXiv 2412.03556).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from alignlab.lm import LM, TinyTransformer, chat_prompt, logprobs
from alignlab.lm.checks import tempered
from alignlab.toys.museum import ID, SUFFIX_WORDS, Requests, ask


@torch.no_grad()
def prefill(
    model: TinyTransformer, requests: Requests, suffixes: Tensor
) -> Tensor:
    """Whether the guide names the right room when its answer is begun with `sure`: bool (suffixes, requests)."""
    prompts = ask(requests, suffixes)
    begun = torch.cat(
        [prompts, torch.full_like(prompts[..., :1], ID["sure"])], 2
    )
    said = model(begun.flatten(0, 1))[:, -1].argmax(-1)
    return said.view(prompts.shape[:2]) == requests.answers


def many_shot(
    lm: LM,
    shots: Sequence[tuple[str, str]],
    question: str,
    answer: str,
    counts: Sequence[int],
) -> list[float]:
    """Nats that `answer` to `question` lacks after the first n of `shots`, for each n in `counts`.

    shots: pairs of a user's question and an assistant's answer, made into turns of a conversation.
    Raises ValueError where more shots are asked for than there are.
    """
    if max(counts) > len(shots):
        raise ValueError(
            f"{max(counts)} shots are asked for and {len(shots)} given: add some, or ask for fewer"
        )
    turns = [
        {"role": role, "content": text}
        for shot in shots
        for role, text in zip(("user", "assistant"), shot)
    ]
    prompts = [
        chat_prompt(
            lm, [*turns[: 2 * n], {"role": "user", "content": question}]
        )
        for n in counts
    ]
    return [
        -scores.item()
        for scores in logprobs(lm, prompts, [[answer]] * len(prompts))
    ]


@torch.no_grad()
def best_of_n(
    model: TinyTransformer,
    requests: Requests,
    tries: int,
    generator: torch.Generator,
    words: int = 12,
    temperature: float = 1.0,
) -> Tensor:
    """Ask each request `tries` times, each time with `words` random words behind it, and draw an answer.

    words=0 asks the same again. temperature: 0 takes the likeliest word each time.
    Returns whether each answer was `sure` and the right room: bool (tries, requests).
    """
    found = []
    for start in range(0, tries, 250):
        n = min(250, tries - start)
        noise = SUFFIX_WORDS[
            torch.randint(
                len(SUFFIX_WORDS),
                (n, len(requests), words),
                generator=generator,
            )
        ]
        first = requests.tokens.expand(n, -1, -1)
        guide, sure = (
            torch.full((n, len(requests), 1), ID[word])
            for word in ("<guide>", "sure")
        )
        logits = model(torch.cat([first, noise, guide, sure], 2).flatten(0, 1))[
            :, -2:
        ]
        probs = (
            tempered(logits, temperature)
            .softmax(-1)
            .view(n, len(requests), 2, -1)
        )  # of the answer's first and second token
        room = probs[:, :, 1].gather(
            2, requests.answers.expand(n, -1)[..., None]
        )[..., 0]
        draws = torch.rand(room.shape, generator=generator)
        found.append(draws < probs[:, :, 0, ID["sure"]] * room)
    return torch.cat(found)


def at_least_one(successes: np.ndarray, tries: int, n: int) -> np.ndarray:
    """Chance that n tries hold a success, from how many of `tries` did: the unbiased estimate, elementwise.

    1 - C(tries - successes, n) / C(tries, n) (Chen et al. 2021, arXiv 2107.03374, equation 1). With p = successes /
    tries, 1 - (1 - p)^n would be too low. Raises ValueError for n > tries.
    """
    if not 1 <= n <= tries:
        raise ValueError(
            f"n={n} tries can't be judged from {tries}: record more, or ask for fewer"
        )
    found = np.asarray(successes)
    if found.size and not (found.min() >= 0 and found.max() <= tries):
        raise ValueError(
            f"{found.min()} to {found.max()} successes of {tries} tries: they lie in 0 to {tries}"
        )
    left = tries - np.asarray(successes)[..., None] - np.arange(n)
    return 1 - np.clip(left / (tries - np.arange(n)), 0, 1).prod(-1)


def power_law(
    ns: Sequence[float], rates: Sequence[float]
) -> tuple[float, float]:
    """a and b of -log(rate) = a n^-b, the line that fits best on logarithmic axes (Hughes et al. 2024, section 3).

    Raises ValueError where a rate is 0 or 1, which has no place on these axes.
    """
    if not all(0 < rate < 1 for rate in rates):
        raise ValueError(
            f"rates must lie between 0 and 1, both excluded: {[round(r, 3) for r in rates]}"
        )
    if len(ns) != len(rates) or len(set(ns)) < 2 or min(ns) <= 0:
        raise ValueError(
            f"{len(ns)} numbers of tries, {len(rates)} rates: give as many, two different ones at least, all above 0"
        )
    slope, at_one = np.polyfit(np.log(ns), np.log(-np.log(rates)), 1)
    return float(np.exp(at_one)), float(-slope)
