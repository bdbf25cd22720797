"""Two defenses around a model that is left as it is, and what an attacker does who knows them.

Serves survey section 7.3. The perplexity filter (Alon and Kamfonas 2023, arXiv 2308.14132; Jain et al. 2023,
arXiv 2309.00614) turns away requests that read like noise. SmoothLLM (Robey et al. 2023, arXiv 2310.03684) answers
several copies of a request with random characters changed (here: words) and goes with the majority, since a suffix is
brittle. The
adaptive attack against the filter is the same search with the filter's own measure as a penalty.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from alignlab.lm import TinyTransformer
from alignlab.lm.checks import check_share
from alignlab.lm.ends import last_logits
from alignlab.toys.museum import (
    CHAT,
    ID,
    RARE,
    SUFFIX,
    ask,
    requests,
    small_talk,
)

_CHAT_WORDS, _RARE_WORDS = (
    torch.tensor([ID[word] for word in words]) for words in (CHAT, RARE)
)


def surprise(model: TinyTransformer, prompts: Tensor) -> Tensor:
    """How unlikely the guide itself finds requests: nats a word, the mean over the words after the thing asked for.

    prompts: `<user>`, two words, the thing, the suffix, `<guide>`, as token ids (n, positions) or as one-hot rows
    (n, positions, vocabulary), which carry a gradient. Returns shape (n,). Its exponential is the perplexity.
    Raises ValueError for requests that say nothing after the thing, which have no perplexity.
    """
    if prompts.shape[1] < 6:
        raise ValueError(
            f"requests of {prompts.shape[1]} tokens say nothing after the "
            "thing: give a suffix of one word at least"
        )
    words = prompts[:, 4:-1]
    logits = last_logits(model, prompts[:, :-2], words.shape[1])
    told = logits.log_softmax(-1)  # of each next word
    if words.is_floating_point():
        return -(told * words).sum(-1).mean(-1)
    return -told.gather(-1, words[..., None])[..., 0].mean(-1)


def fluent(model: TinyTransformer, prompts: Tensor, threshold: float) -> Tensor:
    """Whether the filter lets requests pass: bool (n,)."""
    with torch.no_grad():
        return surprise(model, prompts) <= threshold


def ordinary(seed: int, n: int = 125, rare: float = 0.05) -> Tensor:
    """8 n requests as visitors make them: small talk in which the share `rare` of the words is a name or a slip.

    Token ids, (8 n, positions), of the same length as an attacked request.
    Raises ValueError for a share outside 0 to 1.
    """
    check_share("rare", rare)
    generator = torch.Generator().manual_seed(70_000 + seed)
    talk = small_talk(n, SUFFIX, generator)
    odd = torch.rand(talk.shape, generator=generator) < rare
    talk[odd] = _RARE_WORDS[
        torch.randint(len(_RARE_WORDS), (int(odd.sum()),), generator=generator)
    ]
    return ask(requests(70_000 + seed), talk).flatten(0, 1)


@torch.no_grad()
def threshold(
    model: TinyTransformer, seed: int, turned_away: float = 0.01
) -> float:
    """The surprise that only the share `turned_away` of ordinary requests exceeds.

    Raises ValueError for a share outside 0 to 1.
    """
    check_share("turned_away", turned_away)
    return surprise(model, ordinary(seed)).quantile(1 - turned_away).item()


def fluency_penalty(
    threshold: float, weight: float = 4.0
) -> Callable[[TinyTransformer, Tensor], Tensor]:
    """What the adaptive attacker adds to the loss: `weight` for each nat a word
    above the filter's threshold.
    """
    return lambda model, prompts: (
        weight * F.relu(surprise(model, prompts) - threshold + 0.05)
    )


def rarity(prompts: Tensor) -> Tensor:
    """A filter's measure without a language model: how many rare words each
    request holds; token ids (n, positions) -> (n,).
    """
    return torch.isin(prompts, _RARE_WORDS).float().sum(-1)
