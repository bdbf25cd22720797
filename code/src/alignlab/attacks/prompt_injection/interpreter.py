"""An interpreter that plans from the request alone and remembers where each value came from.

Serves survey section 7.2, after CaMeL (Debenedetti et al. 2025, arXiv 2503.18813), whose plan is a program in a subset
of Python with many steps and whose policies are code; here a plan is one call, and a policy a table. The planner and
the reader are the same learned agent, as is whatever mistakes they make.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from alignlab.attacks.prompt_injection.agent import (
    Agent,
    act_as,
    to_plan,
    to_read,
)
from alignlab.attacks.prompt_injection.language import ID, Office, sequence

SEND, TELL, MOVE = ID["SEND"], ID["TELL"], ID["MOVE"]
NONE = ID["NONE"]
Policy = Mapping[int, tuple[int, ...]]  # tool -> sources of its value
STRICT: Policy = {SEND: (2,), TELL: (2, 1, 3)}  # send from the calendar only
MIDDLE: Policy = {SEND: (2, 1), TELL: (2, 1, 3)}  # and from mail
OPEN: Policy = {SEND: (2, 1, 3), TELL: (2, 1, 3)}


def permitted(plan: np.ndarray, source: int, policy: Policy) -> np.ndarray:
    """Whether each planned tool (n, 4) may take a value from a source."""
    allowed = [source in policy.get(int(tool), ()) for tool in plan[:, 0]]
    return np.array(allowed, dtype=bool)


@dataclass(frozen=True)
class Interpreter:
    """Plan, read, check, call.

    policy: for each tool that takes a value out of the data the sources it
    may come from (1 mail, 2 calendar, 3 page), which are read one by one, the
    calendar first; None: all are read at once, and nobody asks.
    """

    agent: Agent
    policy: Policy | None = None

    def calls(self, office: Office) -> np.ndarray:
        """Its calls, (n, 4); NONE four times where it does nothing."""
        asked = to_plan(office)  # sees no data
        plan = act_as(self.agent, sequence(asked), asked.call)
        value = self._values(office, plan)
        found = np.isin(plan[:, 0], (SEND, TELL)) & (value != NONE)
        done = np.full_like(plan, NONE)
        done[plan[:, 0] == MOVE] = plan[plan[:, 0] == MOVE]
        done[found] = plan[found]
        done[found, 2] = value[found]
        return done

    def _values(self, office: Office, plan: np.ndarray) -> np.ndarray:
        """The value of each plan's item, NONE where none is permitted."""
        value = np.full(len(office), NONE)
        if self.policy is None:
            return self._read(office, plan[:, 1], None)
        for source in (2, 1, 3):
            may = permitted(plan, source, self.policy) & (value == NONE)
            rows = np.nonzero(may)[0]
            if len(rows):
                some = office.only(rows)
                value[rows] = self._read(some, plan[rows, 1], source)
        return value

    def _read(
        self, office: Office, item: np.ndarray, source: int | None
    ) -> np.ndarray:
        """What one source says of an item; None: what all of them say."""
        places = np.full(len(office), source or 1)
        asked = to_read(office, item, places, 0)
        if source is None:
            request = asked.segments[:, :1]
            whole = np.concatenate([request, office.segments[:, 1:]], 1)
            asked = replace(asked, segments=whole)
        return act_as(self.agent, sequence(asked), asked.call)[:, 2]
