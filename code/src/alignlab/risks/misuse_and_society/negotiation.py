"""A negotiation in which it pays to claim what one doesn't want: three books and a hat (serves section 2.1.2).

Lewis et al. (2017, "Deal or No Deal?") saw agents, trained by reward, feign interest in an item of no worth to them and
then "compromise" by conceding it. The game here is the smallest in which that pays. The *asker* says what it wants:
books alone, or the hat as well. The *owner* offers some of its three books, with the hat or without. The asker takes
the offer if it is worth more to it than walking away (5 points). All that there is, is worth 10 points to each.
"""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

OFFERS = [(books, hat) for books in range(4) for hat in range(2)]
WALKS = 5.0  # what the asker has if it walks away
ASKERS = np.array(
    [[10 / 3, 0.0], [2.0, 4.0]]
)  # a book, the hat: books alone; both
OWNERS = np.array([[5 / 3, 5.0], [8 / 3, 2.0]])  # loves the hat; loves books
BOOKS, BOTH = 0, 1  # kinds of askers, and what they say
Array = np.ndarray


def payoffs() -> tuple[Array, Array]:
    """Points of the asker and of the owner, both (asker's kind, owner's kind, offer)."""
    offers = np.array(OFFERS)  # (offer, books and hat)
    worth = ASKERS @ offers.T  # (asker's kind, offer)
    kept = OWNERS @ (np.array([3, 1]) - offers).T  # (owner's kind, offer)
    taken = worth > WALKS
    asker = np.where(taken, worth, WALKS)[:, None].repeat(2, 1)
    owner = taken[:, None] * kept[None]
    return asker, owner


class Asker(gymnasium.Env[Any, Any]):
    """The asker's side, against an owner whose offers are given.

    Observation: 2 * own kind + the owner's kind. Action: what is said, BOOKS or BOTH. An episode is one step.
    offers: (what is said, owner's kind) -> index of the offer, shape (2, 2).
    """

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012  (gymnasium's own way)

    def __init__(self, offers: Array) -> None:
        """Meet an owner that makes these offers."""
        self.offers = np.asarray(offers)
        self.observation_space = spaces.Discrete(4)
        self.action_space = spaces.Discrete(2)
        self.kind = self.owner = 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[int, dict[str, Any]]:
        """Draw both kinds."""
        super().reset(seed=seed)
        self.kind = int(self.np_random.integers(2))
        self.owner = int(self.np_random.integers(2))
        return 2 * self.kind + self.owner, {}

    def step(
        self, action: int
    ) -> tuple[int, float, bool, bool, dict[str, Any]]:
        """Say it, get an offer, take it or walk away."""
        offer = OFFERS[int(self.offers[int(action), self.owner])]
        worth = float(ASKERS[self.kind] @ np.array(offer))
        reward = max(worth, WALKS)
        return 2 * self.kind + self.owner, reward, True, False, {}
