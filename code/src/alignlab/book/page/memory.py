"""Seeds of a page, and a cache for what a page has already computed for a seed."""

import functools
import inspect
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

_caches: list[dict[Any, Any]] = []


def seeds(n: int) -> tuple[int, ...]:
    """The page's first n seeds: 0 … n-1, or others where `ALIGNLAB_SEED_OFFSET` shifts them (`alignlab verify`).

    Raises ValueError for n below 1, or an offset that is no integer of at least 0.
    """
    if n < 1:
        raise ValueError(f"a page needs at least one seed, not {n}")
    given = os.environ.get("ALIGNLAB_SEED_OFFSET", "").strip() or "0"
    if not given.isdecimal():
        raise ValueError(f"ALIGNLAB_SEED_OFFSET={given!r} must be an integer of at least 0: seeds can't be negative")
    offset = int(given)
    return tuple(range(offset, offset + n))


def memo(function: Callable[P, R]) -> Callable[P, R]:
    """Keep a function's results by its arguments, so that figure and claim share one run.

    Arguments must be hashable (numbers, strings, tuples). The same arguments are one call, however they are given: by
    place, by name or by default. The results of `memo` are forgotten when a claim is tested with its method switched
    off; what does not depend on any method (a loaded model, a data set) may use `functools.cache` instead and is kept.
    Raises TypeError where an argument is not hashable.
    """
    results: dict[Any, Any] = {}
    signature = inspect.signature(function)
    _caches.append(results)

    @functools.wraps(function)
    def cached(*args: P.args, **kwargs: P.kwargs) -> R:
        call = signature.bind(*args, **kwargs)
        call.apply_defaults()
        key = (call.args, tuple(sorted(call.kwargs.items())))
        try:
            known = key in results
        except TypeError:
            raise TypeError(
                f"memo: {function.__name__} was called with an argument that is not hashable: {key}"
            ) from None
        if not known:
            results[key] = function(*args, **kwargs)
        result: R = results[key]
        return result

    return cached


def forget() -> None:
    """Empty every cache of `memo`."""
    for results in _caches:
        results.clear()


@contextmanager
def forgotten() -> Iterator[None]:
    """Within this context every cache starts empty; afterwards each holds what it held before."""
    kept = [(results, dict(results)) for results in _caches]
    forget()
    try:
        yield
    finally:
        forget()
        for results, entries in kept:
            results.update(entries)
