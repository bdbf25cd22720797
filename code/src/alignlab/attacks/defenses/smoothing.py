"""SmoothLLM: answer several disturbed copies of a request and go with the majority; and the attack through the vote.

Serves survey section 7.3. Robey et al. 2023 (arXiv 2310.03684) change random characters of each copy; here a share of
its words is swapped for random small talk. The attacker who knows the defense searches a suffix whose mean loss over
disturbed copies is low (expectation over transformation, Athalye et al. 2018, arXiv 1707.07397).
"""

from __future__ import annotations

import copy

import torch
import torch.nn.functional as F
from torch import Tensor

from alignlab.attacks.suffix import GuideVictim, answer_logits, like
from alignlab.lm import TinyTransformer
from alignlab.lm.checks import check_share
from alignlab.toys.museum import CHAT, ID, Requests, ask

_CHAT_WORDS = torch.tensor([ID[word] for word in CHAT])


def disturb(
    shape: tuple[int, ...], share: float, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Which words of copies are swapped, each with the chance `share`, and for
    what: bool and token ids, both of the given shape. Raises ValueError for
    a share outside 0 to 1.
    """
    check_share("share", share)
    draw = torch.randint(len(_CHAT_WORDS), shape, generator=generator)
    swapped = torch.rand(shape, generator=generator) < share
    return swapped, _CHAT_WORDS[draw]


def smooth(
    model: TinyTransformer,
    asked: Requests,
    suffix: Tensor,
    generator: torch.Generator,
    copies: int = 9,
    share: float = 0.15,
) -> Tensor:
    """Whether most of `copies` disturbed requests are complied with.

    suffix: token ids (length,) that follow each request. Every word may be
    swapped, the thing asked for included, since the defense cannot know which
    words matter. Returns bool (requests,). Raises ValueError without copies.
    """
    _check_copies(copies)
    prompts = ask(asked, suffix[None])[0]  # (requests, positions)
    words = prompts[:, 1:-1].expand(copies, -1, -1)
    swapped, noise = disturb(tuple(words.shape), share, generator)
    words = torch.where(swapped, noise, words)
    return _votes(model, words, asked).float().mean(0) > 0.5


class VoteVictim(GuideVictim):
    """The guide behind SmoothLLM as a victim of the suffix search: the loss of
    a suffix is its mean over disturbed copies of each request.

    The copies' disturbances are drawn once for each request and stay, so that
    losses of different suffixes can be compared. A suffix costs `copies` passes
    a request to score.
    """

    def __init__(
        self,
        model: TinyTransformer,
        asked: Requests,
        copies: int = 9,
        share: float = 0.15,
        seed: int = 0,
    ) -> None:
        """Draw the disturbances. Raises ValueError without copies, or for a
        share outside 0 to 1.
        """
        _check_copies(copies)
        check_share("share", share)
        super().__init__(model, asked)
        self.copies, self.share, self.seed = copies, share, seed
        self.drawn, self.rows = len(asked), torch.arange(len(asked))

    def only(self, rows: Tensor) -> VoteVictim:
        """Some of the requests, each with the disturbances that it had."""
        some = copy.copy(self)
        some.requests = pick(self.requests, rows)
        some.rows = self.rows[rows]
        return some

    def _losses(self, prompts: Tensor) -> Tensor:
        """Ids (suffixes, requests, positions), or one-hot rows of them ->
        (suffixes, requests).
        """
        n, k, positions = prompts.shape[:3]
        generator = torch.Generator().manual_seed(self.seed)
        shape = (self.drawn, self.copies, positions - 2)
        drawn = disturb(shape, self.share, generator)
        swapped, noise = (one[self.rows] for one in drawn)
        if prompts.is_floating_point():
            swapped = swapped[..., None]
        inner = prompts[:, :, None, 1:-1]
        inner = torch.where(swapped, like(prompts, noise), inner)
        ends = prompts[:, :, None].expand(
            -1, -1, self.copies, *prompts.shape[2:]
        )
        answers = self.requests.answers[:, None].expand(n, k, self.copies)
        targets = torch.stack(
            [torch.full_like(answers, ID["sure"]), answers], 3
        )
        begun = like(prompts, targets[..., :1])
        whole = torch.cat(
            [ends[:, :, :, :1], inner, ends[:, :, :, -1:], begun], 3
        )
        logits = answer_logits(self.model, whole.flatten(0, 2))
        losses = F.cross_entropy(
            logits.flatten(0, 1), targets.flatten(), reduction="none"
        )
        return losses.view(targets.shape).sum(3).mean(2)


def _check_copies(copies: int) -> None:
    if copies < 1:
        raise ValueError(f"copies={copies}: a vote needs one at least")


def pick(asked: Requests, rows: Tensor) -> Requests:
    """Some of the requests, by their places (rows,)."""
    return Requests(asked.tokens[rows], asked.answers[rows])


def _votes(model: TinyTransformer, words: Tensor, asked: Requests) -> Tensor:
    """Whether each altered request gets `sure` and the room of the thing first
    asked for: bool (copies, requests).
    """
    copies, n, _ = words.shape
    ends = torch.tensor([[ID["<user>"], ID["<guide>"], ID["sure"]]])
    ends = ends.expand(copies * n, -1)
    whole = [ends[:, :1], words.flatten(0, 1), ends[:, 1:]]
    with torch.no_grad():
        said = answer_logits(model, torch.cat(whole, 1)).argmax(-1)
    right = torch.stack([ends[:, 2], asked.answers.repeat(copies)], 1)
    return (said == right).all(1).view(copies, n)
