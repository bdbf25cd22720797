"""Greedy coordinate gradient: search for a suffix after which an aligned model begins the answer it should refuse.

Serves survey section 7.3. Zou et al. 2023, "Universal and Transferable Adversarial Attacks on Aligned Language
Models" (arXiv 2307.15043), algorithms 1 and 2. A token is a choice, so it has no gradient; but a one-hot row over the
vocabulary has one, and its most negative entries are the words that a linear guess would swap in. The guess is rough,
so many swaps are drawn from it, each is tried, and the best is kept. `random_words` is the control: the same search,
same number of swaps tried, the words drawn blindly.

What is attacked stands behind two functions, so that the search is the same for the toy guide (`GuideVictim`) and for a
real model (`alignlab.attacks.adversarial.prefix.ChatVictim`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from alignlab.lm import LM, TinyTransformer
from alignlab.lm.checks import check_numbers
from alignlab.lm.ends import last_logits
from alignlab.lm.masks import check_shapes
from alignlab.toys.museum import ID, Requests, ask


class Victim(Protocol):
    """What a suffix search needs to know of a model."""

    def losses(self, suffixes: Tensor) -> Tensor:
        """Nats that the target still lacks after each suffix: token ids (n,
        length) -> (n,).
        """

    def gradient(self, suffix: Tensor) -> Tensor:
        """Slope of the loss in each one-hot entry: token ids (length,) ->
        (length, vocabulary).
        """


Propose = Callable[[Victim, Tensor, Tensor, int, int, torch.Generator], Tensor]


@dataclass(frozen=True)
class Search:
    """What a search found.

    suffix: the best suffix, shape (length,). path: the best suffix after each
        step, the start first, shape (steps + 1, length). losses: their losses
        in nats. tried: how many suffixes were scored.
    """

    suffix: Tensor
    path: Tensor
    losses: list[float]
    tried: int


def gradient_words(
    victim: Victim,
    suffix: Tensor,
    words: Tensor,
    n: int,
    top: int,
    generator: torch.Generator,
) -> Tensor:
    """GCG's proposals: n copies of `suffix`, one position in each swapped for
    one of its `top` most promising words.

    words: the token ids that may be used, shape (allowed,). Returns shape (n,
        length).
    """
    slope = victim.gradient(suffix)[:, words]
    check_numbers(slope, "the gradient")
    promising = words[
        (-slope).topk(min(top, len(words)), dim=1).indices
    ]  # (length, top)
    return swap(suffix, promising, n, generator)


def one_position_words(
    victim: Victim,
    suffix: Tensor,
    words: Tensor,
    n: int,
    top: int,
    generator: torch.Generator,
) -> Tensor:
    """AutoPrompt's proposals (Shin et al. 2020, arXiv 2010.15980): one random
    position is swapped for each of its n most promising words.

    The gradient is the same as GCG's; what is missing is that all positions
    are tried at once. `top` is not used. Returns shape (n, length), fewer rows
    where fewer words are allowed.
    """
    slope = victim.gradient(suffix)[:, words]
    check_numbers(slope, "the gradient")
    position = torch.randint(len(suffix), (1,), generator=generator).item()
    best = (-slope[position]).topk(min(n, len(words))).indices  # type: ignore[index]
    proposals = suffix.repeat(len(best), 1)
    proposals[:, position] = words[best]  # type: ignore[index]
    return proposals


def random_words(
    victim: Victim,
    suffix: Tensor,
    words: Tensor,
    n: int,
    top: int,
    generator: torch.Generator,
) -> Tensor:
    """The control's proposals: the same swaps with the gradient removed, every
    allowed word equally likely.
    """
    return swap(suffix, words.expand(len(suffix), -1), n, generator)


def swap(
    suffix: Tensor, choices: Tensor, n: int, generator: torch.Generator
) -> Tensor:
    """Copies of `suffix` (length,), each with one random position set to a
    random one of its `choices` (length, k).

    Positions take turns, so that each gets as many swaps as any other, give or
    take one.
    """
    order = torch.randperm(len(suffix), generator=generator)
    position = order[torch.arange(n) % len(suffix)]
    choice = torch.randint(choices.shape[1], (n,), generator=generator)
    proposals = suffix.repeat(n, 1)
    proposals[torch.arange(n), position] = choices[position, choice]
    return proposals


def search(
    victim: Victim,
    start: Tensor,
    words: Tensor,
    steps: int,
    n: int = 16,
    top: int = 8,
    seed: int = 0,
    propose: Propose = gradient_words,
    keep: Callable[[Tensor], Tensor] | None = None,
    enough: float = 0.0,
) -> Search:
    """Lower the loss of a suffix, `n` tried swaps a step, and keep the best
    seen (Zou et al. 2023, algorithm 1).

    start: the first suffix, (length,). keep: proposals (n, length) -> those
        that may be used, such as suffixes that come back from text with the
        same tokens; a step in which none may be used changes nothing. enough: a
        loss at which the search rests: the steps that are left repeat its
        result. Raises ValueError for an empty start, no words to choose from,
        or a start that `keep` doesn't let through.
    """
    if start.ndim != 1 or start.is_floating_point():
        raise ValueError(
            f"a start of shape {tuple(start.shape)}, {start.dtype}: give token "
            "ids (length,)"
        )
    if not len(start) or not len(words) or n < 1 or top < 1:
        raise ValueError(
            f"a start of {len(start)} tokens, {len(words)} words, n={n}, "
            f"top={top}: each must be at least 1"
        )
    if keep is not None and not len(keep(start[None])):
        raise ValueError(
            f"the start suffix, tokens {start.tolist()[:8]}, is not one that "
            "may be used: take another, such as "
            "start_suffix gives"
        )
    generator = torch.Generator().manual_seed(seed)
    best, loss = start, _losses(victim, start[None]).item()
    path, losses, tried = [best], [loss], 1
    for _ in range(steps):
        if loss <= enough:
            break
        proposals = propose(victim, best, words, n, top, generator)
        check_shapes((len(proposals), len(start)), proposals=proposals)
        proposals = proposals if keep is None else keep(proposals)
        if len(proposals):
            scores = _losses(victim, proposals)
            tried += len(proposals)
            if scores.min().item() < loss:
                best, loss = proposals[scores.argmin()], scores.min().item()
        path.append(best)
        losses.append(loss)
    rest = steps + 1 - len(path)
    return Search(
        best,
        torch.stack([*path, *[best] * rest]),
        losses + [loss] * rest,
        tried,
    )


def _losses(victim: Victim, suffixes: Tensor) -> Tensor:
    """A victim's losses. Raises ValueError unless they are one number a suffix."""
    losses = victim.losses(suffixes)
    check_shapes(suffixes.shape[:1], losses=losses)
    check_numbers(losses, "the loss of suffix ", infinite=True)
    return losses


def like(prompts: Tensor, ids: Tensor) -> Tensor:
    """Token ids as they are, or as one-hot rows where `prompts` are such."""
    if prompts.is_floating_point():
        return F.one_hot(ids, prompts.shape[-1]).float()
    return ids


def answer_logits(model: TinyTransformer, tokens: Tensor) -> Tensor:
    """Logits of the answer's two words, (n, 2, vocabulary): nothing that only
    other positions need is computed.

    tokens: ids (n, positions), or one-hot rows (n, positions, vocabulary).
    """
    return last_logits(model, tokens, 2)


class GuideVictim:
    """The toy guide as a victim: it should begin `sure ROOM` on every one of
    the requests.

    With one request this is an attack on a prompt, with several the search for
    a universal suffix. penalty: adds penalty(model, prompts), one-hot prompts
    (n, positions, vocabulary) -> (n,), to the loss: what an attacker must mind
    who knows the defense.
    """

    def __init__(
        self,
        model: TinyTransformer,
        requests: Requests,
        penalty: Callable[[TinyTransformer, Tensor], Tensor] | None = None,
    ) -> None:
        """See the class."""
        self.model, self.requests, self.penalty = model, requests, penalty

    def losses(self, suffixes: Tensor) -> Tensor:
        """Mean over the requests of -log p(`sure ROOM`) in nats, plus the
        penalty; shape (suffixes,).
        """
        with torch.no_grad():
            prompts = ask(self.requests, suffixes)
            if self.penalty is not None:
                prompts = F.one_hot(prompts, len(ID)).float()
            return self._losses(prompts).mean(1)

    def gradient(self, suffix: Tensor) -> Tensor:
        """Its slope in the one-hot entries of the suffix; shape (length,
        vocabulary).
        """
        hot = F.one_hot(suffix, len(ID)).float().requires_grad_()
        prompts = F.one_hot(ask(self.requests, suffix[None]), len(ID)).float()
        first = self.requests.tokens.shape[1]
        rest = prompts[:, :, first + len(suffix) :]
        parts = [
            prompts[:, :, :first],
            hot.expand(1, len(self.requests), -1, -1),
            rest,
        ]
        loss = self._losses(torch.cat(parts, 2)).mean()
        return torch.autograd.grad(loss, hot)[0]

    def _losses(self, prompts: Tensor) -> Tensor:
        """Ids (suffixes, requests, positions), or one-hot rows of them ->
        (suffixes, requests).
        """
        answers = self.requests.answers.expand(len(prompts), -1)
        targets = torch.stack(
            [torch.full_like(answers, ID["sure"]), answers], 2
        )
        whole = torch.cat([prompts, like(prompts, targets[..., :1])], 2)
        logits = answer_logits(self.model, whole.flatten(0, 1))
        losses = F.cross_entropy(
            logits.flatten(0, 1), targets.flatten(), reduction="none"
        )
        losses = losses.view(targets.shape).sum(2)
        if self.penalty is not None:
            losses = losses + self.penalty(
                self.model, prompts.flatten(0, 1)
            ).view(answers.shape)
        return losses


def typed_words(lm: LM) -> Tensor:
    """Ids of the tokens that are printable ASCII and no markers: what an attacker can type."""
    texts = lm.tokenizer.batch_decode([[i] for i in range(len(lm.tokenizer))])
    marks = set(lm.tokenizer.all_special_ids)
    usable = [
        i
        for i, text in enumerate(texts)
        if text.isascii() and text.isprintable() and text and i not in marks
    ]
    return torch.tensor(usable, device=lm.device)


def start_suffix(lm: LM, length: int) -> Tensor:
    """The customary first suffix: `length` exclamation marks, each a token of its own."""
    return torch.tensor(
        lm.tokenizer(" !" * length, add_special_tokens=False)["input_ids"],
        device=lm.device,
    )
