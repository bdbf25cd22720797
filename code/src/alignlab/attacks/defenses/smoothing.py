"""SmoothLLM: answer several disturbed copies of a request and go with the majority; and the attack through the vote.

Serves survey section 7.3. Robey et al. 2023 (arXiv 2310.03684) change random characters of each copy; here a share of
its words is swapped for random small talk. The attacker who knows the defense searches a suffix whose mean loss over
disturbed copies is low (expectation over transformation, Athalye et al. 2018, arXiv 1707.07397).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from alignlab.attacks.suffix import GuideVictim, answer_logits, like
from alignlab.lm import TinyTransformer
from alignlab.toys.museum import CHAT, ID, Requests, ask, complies

_CHAT_WORDS = torch.tensor([ID[word] for word in CHAT])


def disturb(
    shape: tuple[int, ...], share: float, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Which words of copies are swapped, each with the chance `share`, and for
    what: bool and token ids, both of the given shape.
    """
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
    words matter. Returns bool (requests,).
    """
    prompts = ask(asked, suffix[None])[0]  # (requests, positions)
    words = prompts[:, 1:-1].expand(copies, -1, -1)
    swapped, noise = disturb(tuple(words.shape), share, generator)
    words = torch.where(swapped, noise, words)
    return _votes(model, words, asked).float().mean(0) > 0.5


class VoteVictim(GuideVictim):
    """The guide behind SmoothLLM as a victim of the suffix search, for one
    request: the loss of a suffix is its mean over disturbed copies.

    The copies' disturbances are drawn once and stay, so that losses of
    different suffixes can be compared. A suffix costs `copies` passes to score.
    """

    def __init__(
        self,
        model: TinyTransformer,
        asked: Requests,
        copies: int = 9,
        share: float = 0.15,
        seed: int = 0,
    ) -> None:
        """Draw the disturbances."""
        super().__init__(model, asked)
        self.copies, self.share, self.seed = copies, share, seed

    def _losses(self, prompts: Tensor) -> Tensor:
        """Ids (suffixes, 1, positions), or one-hot rows of them -> (suffixes,
        1).
        """
        n, positions = len(prompts), prompts.shape[2]
        generator = torch.Generator().manual_seed(self.seed)
        shape = (self.copies, positions - 2)
        swapped, noise = disturb(shape, self.share, generator)
        if prompts.is_floating_point():
            swapped = swapped[..., None]
        inner = torch.where(swapped, like(prompts, noise), prompts[:, :, 1:-1])
        ends = prompts.expand(-1, self.copies, *prompts.shape[2:])
        answers = self.requests.answers.expand(n, self.copies)
        targets = torch.stack(
            [torch.full_like(answers, ID["sure"]), answers], 2
        )
        begun = like(prompts, targets[..., :1])
        whole = torch.cat([ends[:, :, :1], inner, ends[:, :, -1:], begun], 2)
        logits = answer_logits(self.model, whole.flatten(0, 1))
        losses = F.cross_entropy(
            logits.transpose(1, 2), targets.flatten(0, 1), reduction="none"
        )
        return losses.sum(1).view(n, self.copies).mean(1, keepdim=True)


def _votes(model: TinyTransformer, words: Tensor, asked: Requests) -> Tensor:
    """Whether each altered request gets `sure` and the room of the thing first
    asked for: bool (copies, requests).
    """
    copies, n, _ = words.shape
    user = asked.tokens[:, :1].repeat(copies, 1)
    altered = Requests(
        torch.cat([user, words.flatten(0, 1)], 1), asked.answers.repeat(copies)
    )
    nothing = torch.empty(1, 0, dtype=torch.long)
    return complies(model, altered, nothing)[0].view(copies, n)
