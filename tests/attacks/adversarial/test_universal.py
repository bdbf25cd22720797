"""The search for several requests, and AutoPrompt's proposals, on a victim whose losses are known."""

import pytest
import torch
from alignlab.attacks.adversarial.universal import universal_search
from alignlab.attacks.suffix import one_position_words

WORDS = torch.arange(10)


class Wants:
    """A victim whose loss counts the words that differ from `goal`, weighted."""

    def __init__(self, goal: list[int], weight: float = 1.0) -> None:
        self.goal, self.weight = torch.tensor(goal), weight

    def losses(self, suffixes):
        return self.weight * (suffixes != self.goal).float().sum(1)

    def gradient(self, suffix):
        slope = torch.zeros(len(suffix), 10)
        slope[torch.arange(len(suffix)), self.goal] = -self.weight
        return slope


def test_one_victim_gets_what_it_wants():
    found = universal_search([Wants([3, 4, 5])], lambda m, s: True, torch.zeros(3).long(), WORDS, 10, n=6, top=1)
    assert found.tolist() == [3, 4, 5]


def test_the_next_victim_joins_once_the_suffix_works():
    asked = []

    def works(m, suffix):
        asked.append(m)
        return bool((suffix[:m] == torch.tensor([1, 2])[:m]).all())

    victims = [Wants([1, 2]), Wants([1, 2], weight=2.0), Wants([1, 2])]
    universal_search(victims, works, torch.zeros(2).long(), WORDS, 8, n=4, top=1)
    assert asked == sorted(asked) and asked[0] == 1 and asked[-1] == 2


def test_a_step_moves_even_where_no_swap_is_better():
    goal = torch.tensor([3, 4])
    found = universal_search([Wants([3, 4])], lambda m, s: True, goal, WORDS, 1, n=4, top=10, seed=1)
    assert found.tolist() != goal.tolist()


def test_no_victims_are_refused():
    with pytest.raises(ValueError, match="no victims"):
        universal_search([], lambda m, s: True, torch.zeros(2).long(), WORDS, 1)


def test_autoprompt_swaps_one_position_for_its_most_promising_words():
    slope = torch.arange(10.0).repeat(4, 1)

    class Known(Wants):
        def gradient(self, suffix):
            return slope

    start = torch.full((4,), 9)
    found = one_position_words(Known([0] * 4), start, WORDS, 3, 1, torch.Generator().manual_seed(0))
    changed = (found != start).any(0)
    assert changed.sum() == 1
    assert found[:, changed].flatten().tolist() == [0, 1, 2]
