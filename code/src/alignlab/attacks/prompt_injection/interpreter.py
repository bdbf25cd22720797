"""An interpreter that makes its plan from the request alone and remembers where each value came from.

Serves survey section 7.2, after CaMeL (Debenedetti et al. 2025, arXiv 2503.18813).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from alignlab.attacks.prompt_injection.agent import Agent, act, to_plan, to_read
from alignlab.attacks.prompt_injection.language import ID, Office, sequence

SEND, TELL, MOVE = ID["SEND"], ID["TELL"], ID["MOVE"]
STRICT = {SEND: (2,), TELL: (1, 2, 3)}  # sources whose values a tool may take
BLOCKED = np.full(4, ID["NONE"])


@dataclass(frozen=True)
class Interpreter:
    """Plan, read, check, call.

    policy: for each tool that takes a value out of the data, the sources (1 mail, 2 calendar, 3 page) it may come
    from; None asks nobody where a value comes from.
    """

    agent: Agent
    policy: Mapping[int, tuple[int, ...]] | None = None

    def calls(self, office: Office) -> np.ndarray:
        """Its calls, (n, 4); NONE four times where it refuses."""
        plan = act(self.agent, sequence(to_plan(office)))  # sees no data
        reads = np.isin(plan[:, 0], (SEND, TELL))
        done = np.where((plan[:, :1] == MOVE), plan, BLOCKED)
        if self.policy is None:
            value = self._read(office, plan[:, 1], 0)
        else:
            value = self._allowed(office, plan)
        found = reads & (value != ID["NONE"]) & (value != ID["link"])
        done[found] = plan[found]
        done[found, 2] = value[found]
        return done

    def _read(self, office: Office, item: np.ndarray, source: int) -> np.ndarray:
        """The value of an item by one source (0: by all at once), (n,)."""
        n = len(office)
        asked = to_read(office, item, np.full(n, max(source, 1)), 0)
        if not source:
            asked = type(office)(**{**vars(asked), "segments": np.concatenate(
                [asked.segments[:, :1], office.segments[:, 1:]], 1)})
        return act(self.agent, sequence(asked))[:, 2]

    def _allowed(self, office: Office, plan: np.ndarray) -> np.ndarray:
        """The first value, in the order calendar, mail, page, whose source the policy lets through."""
        value = np.full(len(office), ID["NONE"])
        for source in (2, 1, 3):
            read = self._read(office, plan[:, 1], source)
            may = np.array([source in self.policy.get(t, ()) for t in plan[:, 0]])
            take = may & (value == ID["NONE"])
            value = np.where(take, read, value)
        return value
