"""The grids as Gymnasium environments: the reward is returned, the performance stands in `info` and is for us.

Towers et al. (2024, "Gymnasium: A Standard Interface for Reinforcement
Learning Environments").
"""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from alignlab.risks.origins.rules import ACTIONS, END, LUCK, STEPS, Rules, State

Observation = NDArray[np.int64]


class Grid(gymnasium.Env[Observation, np.int64]):
    """One grid; an observation is what `rules.see` gives, a vector of integers."""

    def __init__(self, rules: Rules) -> None:
        """rules: which grid."""
        self.rules = rules
        size = rules.rows * rules.columns
        length = len(rules.see(rules.starts[0]))
        high = [size] + [2] * (length - 1)
        self.observation_space = spaces.MultiDiscrete(high)
        self.action_space = spaces.Discrete(len(ACTIONS))
        self.state: State = END
        self.time = 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """A new episode from one of the equally likely starts."""
        super().reset(seed=seed)
        starts = self.rules.starts
        self.state = starts[int(self.np_random.integers(len(starts)))]
        self.time = 0
        return self._seen(), {}

    def step(
        self, action: int | np.int64
    ) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """One step; info has the hidden performance and the action done.

        Raises ValueError before a reset and after the end of an episode.
        """
        if self.state == END:
            raise ValueError("the episode is over: call reset() first")
        luck = int(self.np_random.integers(LUCK))
        event = self.rules.happen(self.state, int(action), luck)
        over = event.state == END
        last = self._seen()
        self.state = event.state
        self.time += 1
        info = {"performance": event.performance, "did": event.did}
        seen = last if over else self._seen()
        return seen, event.reward, over, self.time >= STEPS, info

    def _seen(self) -> Observation:
        return np.array(self.rules.see(self.state), dtype=np.int64)
