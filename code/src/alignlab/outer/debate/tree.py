"""A debate down a tree, of which the judge reads one leaf.

After Irving, Christiano and Amodei 2018, section 2.2: a statement whose truth
depends on very many facts is debated by going down a tree, at each node of
which one side chooses the branch. Here the facts are the bits at the leaves, a
node is an OR or an AND of its two branches, in turn, and the statement is that
the root is 1. At an OR the side that says 1 chooses, at an AND the side that
says 0. With perfect players the leaf that is reached has the root's value.

A player's budget is the number of leaves that it can search below a branch.
Where branches are larger, it chooses at random. That an honest player may have
to search exponentially much is the problem of obfuscated arguments (Barnes and
Christiano 2020, "Debate update: obfuscated arguments problem"); the paper's
arguments are human ones, and the random bits here stand for them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

# the share of ones at which an OR of two ANDs of two leaves is 1 as often
BALANCE = (np.sqrt(5) - 1) / 2


def draw_leaves(trees: int, depth: int, rng: np.random.Generator) -> Ints:
    """Random bits, (trees, 2 ** depth); the root is 1 in every second tree.

    trees, depth: even, so that the root is an OR and the last choice an AND.
    Raises ValueError for odd ones.
    """
    if depth < 2 or depth % 2 or trees < 2 or trees % 2:
        raise ValueError(
            f"{trees} trees of depth {depth}: give even numbers, 2 at least"
        )
    kept: tuple[list[Ints], list[Ints]] = ([], [])
    while min(len(kept[0]), len(kept[1])) < trees // 2:
        bits = (rng.random((trees, 2**depth)) < BALANCE).astype(np.int64)
        for leaves, root in zip(bits, values(bits)[0][:, 0], strict=True):
            kept[root].append(leaves)
    half = trees // 2
    return rng.permutation(np.stack(kept[0][:half] + kept[1][:half]))


def values(leaves: Ints) -> list[Ints]:
    """The value of each node, level by level: (trees, 1) first, leaves last.

    Raises ValueError where the number of leaves is no power of two.
    """
    depth = int(leaves.shape[1]).bit_length() - 1
    if leaves.shape[1] != 2**depth:
        raise ValueError(f"{leaves.shape[1]} leaves: give a power of two")
    levels = [leaves]
    for level in reversed(range(depth)):
        pairs = levels[0].reshape(len(leaves), 2**level, 2)
        is_or = level % 2 == 0
        levels.insert(0, pairs.max(2) if is_or else pairs.min(2))
    return levels


def descend(
    levels: list[Ints],
    says_one: Ints,
    says_zero: Ints,
    rng: np.random.Generator,
    judge: int = 1,
) -> Ints:
    """The judge's verdicts, (trees,).

    levels: of `values`. says_one, says_zero: (trees,), how many leaves below a
    branch each side can search. judge: how many leaves the judge reads at the
    end, a power of two; it works out the value of the node above them.
    """
    trees = np.arange(len(levels[0]))
    node = np.zeros(len(trees), dtype=np.int64)
    last = len(levels) - 1 - (int(judge).bit_length() - 1)
    for level in range(last):
        side = 1 if level % 2 == 0 else 0
        budget = says_one if side else says_zero
        below = 2 ** (len(levels) - 2 - level)
        branch = rng.integers(0, 2, len(trees))
        children = levels[level + 1]
        left, right = children[trees, 2 * node], children[trees, 2 * node + 1]
        wanted = np.where(left == right, branch, np.where(left == side, 0, 1))
        branch = np.where(budget >= below, wanted, branch)
        node = 2 * node + branch
    return np.asarray(levels[last][trees, node])


def sampled(leaves: Ints, count: int, rng: np.random.Generator) -> Ints:
    """Verdicts, (trees,), of a judge who reads `count` leaves at random.

    It knows the tree and works out the probability that the root is 1, each
    unread leaf being 1 with the probability BALANCE; it says 1 where this is
    more than BALANCE, what it was before. Raises ValueError where there are
    fewer leaves.
    """
    if not 0 <= count <= leaves.shape[1]:
        raise ValueError(f"{count} leaves read of {leaves.shape[1]}")
    order = rng.permuted(
        np.tile(np.arange(leaves.shape[1]), (len(leaves), 1)), axis=1
    )
    likely = np.where(order < count, leaves, BALANCE)
    for level in reversed(range(leaves.shape[1].bit_length() - 1)):
        pairs = likely.reshape(len(leaves), 2**level, 2)
        is_or = level % 2 == 0
        likely = 1 - (1 - pairs).prod(2) if is_or else pairs.prod(2)
    return np.asarray(likely[:, 0] > BALANCE + 1e-9).astype(np.int64)
