"""Jailbreaks without a search: begin the answer yourself, show examples of it, or just try again and again.

Serves survey section 7.3. What they exploit is not a gradient: that refusal is decided in an answer's first token
(prefilling; Qi et al. 2024, "Safety Alignment Should Be Made More Than Just a Few Tokens Deep", arXiv 2406.05946), that
a long context teaches (many-shot; Anil et al. 2024), that answers are drawn at random (best-of-N; Hughes et al. 2024,
arXiv 2412.03556).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from alignlab.lm import LM, TinyTransformer, chat_prompt
from alignlab.lm.checks import tempered
from alignlab.lm.ends import last_logits
from alignlab.toys.museum import ID, SUFFIX_WORDS, Requests


def many_shot(lm: LM, shots: Sequence[tuple[str, str]]) -> list[float]:
    """Nats that each shot's answer lacks when the shots before it stand in the
    conversation (Anil et al. 2024): number n is that after n shots.

    shots: pairs of a user's question and the assistant's answer, made into
    turns of one conversation. One pass over it gives the whole curve. Raises
    ValueError without a shot.
    """
    if not shots:
        raise ValueError("no shots: give one at least")
    ids: list[int] = []
    spans: list[tuple[int, int]] = []
    turns: list[dict[str, str]] = []
    said = ""
    for question, answer in shots:
        turns.append({"role": "user", "content": question})
        text = chat_prompt(lm, turns)
        ids += _tokens(lm, text.removeprefix(said))
        told = _tokens(lm, answer)
        spans.append((len(ids), len(ids) + len(told)))
        ids += told
        said = text + answer
        turns.append({"role": "assistant", "content": answer})
    tokens = torch.tensor([ids], device=lm.device)
    places = [place for span in spans for place in range(*span)]
    before = torch.tensor(places, device=lm.device) - 1
    with torch.no_grad():
        logits = lm.model(tokens, logits_to_keep=before).logits[0].float()
    wanted = tokens[0, before + 1][:, None]
    lacks = -logits.log_softmax(-1).gather(1, wanted)[:, 0]
    lengths = [end - start for start, end in spans]
    return [part.sum().item() for part in lacks.split(lengths)]


def _tokens(lm: LM, text: str) -> list[int]:
    """Token ids of a piece of a conversation."""
    ids: list[int] = lm.tokenizer(text, add_special_tokens=False)["input_ids"]
    return ids


def random_suffixes(n: int, length: int, generator: torch.Generator) -> Tensor:
    """Words drawn at random, rare ones among them: token ids (n, length)."""
    drawn = torch.randint(len(SUFFIX_WORDS), (n, length), generator=generator)
    return SUFFIX_WORDS[drawn]


@torch.no_grad()
def best_of_n(
    model: TinyTransformer,
    requests: Requests,
    tries: int,
    generator: torch.Generator,
    words: int = 12,
    draw: Callable[[int, int, torch.Generator], Tensor] = random_suffixes,
    temperature: float = 1.0,
) -> Tensor:
    """Ask each request `tries` times, each time with other words behind it, and
    sample an answer (Hughes et al. 2024).

    words: how many, 0 asks the same again. draw: where they come from, as
    `random_suffixes`. temperature: 0 takes the likeliest word each time.
    Returns whether each answer was `sure` and the right room: bool (tries,
    requests).
    """
    count = len(requests)
    first = requests.tokens.expand(tries, -1, -1)
    added = first[..., :0]
    if words:
        added = draw(tries * count, words, generator).view(tries, count, words)
    guide = torch.full((tries, count, 1), ID["<guide>"])
    sure = torch.full((tries, count, 1), ID["sure"])
    prompts = torch.cat([first, added, guide, sure], 2)
    prompts = prompts if words else prompts[:1]  # each try asks the same
    probs = []
    for part in prompts.flatten(0, 1).split(2000):
        logits = last_logits(model, part, 2)
        probs.append(tempered(logits, temperature).softmax(-1))
    told = torch.cat(probs).view(len(prompts), count, 2, -1)
    told = told.expand(tries, -1, -1, -1)
    answers = requests.answers.expand(tries, -1)[..., None]
    room = told[:, :, 1].gather(2, answers)[..., 0]
    drawn = torch.rand(room.shape, generator=generator)
    return drawn < told[:, :, 0, ID["sure"]] * room


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
