"""Exercises and their verdicts: `check("bt_loss", my_bt_loss)` says in the learner's terms what is wrong.

A learner's function is called on fresh random arguments, drawn anew whenever its code changes, and compared with the
reference. What differs is first looked up among the exercise's listed mistakes, then described: shape, type, sign,
factor, or the first place where the values part.
"""

import hashlib
import inspect
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from alignlab.book import chapters
from alignlab.book.page import session
from alignlab.book.page.fragments import emit, escape, style
from alignlab.exercises import Exercise, Function

TRIALS = 5


@dataclass(frozen=True)
class Verdict:
    """What `check` found. kind: "right", "wrong" or "unwritten"."""

    kind: Literal["right", "wrong", "unwritten"]
    message: str


def exercises(page: str) -> dict[str, Exercise]:
    """A page's exercises by name; no other page's file is loaded. Raises ValueError where two share a name."""
    found: dict[str, Exercise] = {}
    for exercise in getattr(chapters.page_module(page), "EXERCISES", ()):
        if exercise.name in found:
            raise ValueError(f"{page}: two exercises are called {exercise.name!r}")
        found[exercise.name] = exercise
    return found


def check(name: str, function: Function) -> None:
    """Compare a learner's function with the exercise's reference and print the verdict.

    A learner's mistake never raises. Raises KeyError where no exercise of this page has that name.
    """
    known = exercises(page := session.page())
    if name not in known:
        raise KeyError(f"no exercise of {page} is called {name!r}; there are: {', '.join(sorted(known)) or 'none'}")
    verdict = judge(known[name], function)
    label = {"right": "Right", "wrong": "Not yet", "unwritten": "Not written yet"}[verdict.kind]
    mark = {"right": "✓", "wrong": "✗", "unwritten": "…"}[verdict.kind]
    said = re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(verdict.message))
    html = (
        f'{style("verdict")}<div class="al-verdict" data-kind="{verdict.kind}" role="status">'
        f'<p><span aria-hidden="true">{mark}</span> <strong>{label}</strong> '
        f"{said}</p></div>"
    )
    emit(html, f"{label}: {verdict.message}")


def judge(exercise: Exercise, function: Function) -> Verdict:
    """The verdict on a function. It depends on the function's code and nothing else, so a page prints it every time."""
    if not callable(function):
        return Verdict("wrong", f"check() takes your function itself; it was given {_describe(function)}.")
    trials = [exercise.inputs(np.random.default_rng([_fingerprint(exercise, function), i])) for i in range(TRIALS)]
    given: list[Any] = []
    for arguments in trials:
        try:
            given.append(function(*_copies(arguments)))
        except NotImplementedError:
            return Verdict("unwritten", "fill in the function and run this cell again.")
        except (Exception, SystemExit) as error:
            return Verdict("wrong", f"your function stopped with {type(error).__name__}: {error}")
    if all(result is None or result is Ellipsis for result in given):
        return Verdict("unwritten", "the function returns nothing. Once it is filled in, it needs a `return`.")
    expected = [exercise.reference(*_copies(arguments)) for arguments in trials]
    problems = [_compared(got, want, exercise) for got, want in zip(given, expected)]
    if not any(problems):
        return Verdict("right", f"your function agrees with the reference on {TRIALS} fresh random inputs.")
    for mistake in exercise.wrong:
        made = [_attempt(mistake.function, arguments) for arguments in trials]
        if all(_compared(got, same, exercise) is None for got, same in zip(given, made)):
            return Verdict("wrong", mistake.message)
    pattern = _pattern(given, expected)
    return Verdict("wrong", pattern or next(problem for problem in problems if problem))


def _fingerprint(exercise: Exercise, function: Function) -> int:
    """A number that changes with the learner's code."""
    try:
        text = inspect.getsource(function)
    except (OSError, TypeError):
        code = getattr(function, "__code__", None)
        text = repr((code.co_code, code.co_consts, code.co_names)) if code else repr(type(function))
    return int.from_bytes(hashlib.sha256((exercise.name + text).encode()).digest()[:4], "big")


def _copies(arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    """Arguments that a function may change without anybody else seeing it."""
    return tuple(
        a.clone() if hasattr(a, "clone") else a.copy() if hasattr(a, "copy") else list(a) if isinstance(a, list) else a
        for a in arguments
    )


def _attempt(function: Function, arguments: tuple[Any, ...]) -> Any:
    try:
        return function(*_copies(arguments))
    except Exception as error:
        return error


def _compared(got: Any, want: Any, exercise: Exercise) -> str | None:
    """`difference`, and in general words where a result can't even be compared."""
    try:
        return difference(got, want, exercise)
    except Exception as error:  # what a learner returns may raise at anything it is asked
        kind = f"{type(got).__name__} that can't be compared ({type(error).__name__})"
        return f"{_describe(want)} was expected, your function returned a {kind}."


def difference(got: Any, want: Any, exercise: Exercise) -> str | None:
    """What differs between a result and the right one, in words; None where they agree."""
    if isinstance(want, dict):
        if not isinstance(got, dict) or set(got) != set(want):
            return (
                f"a dict with the keys {sorted(map(str, want))} was expected, your function returned {_describe(got)}."
            )
        return _first(difference(got[key], want[key], exercise) for key in want)
    if isinstance(want, tuple | list) and not _is_numbers(want):
        if not isinstance(got, tuple | list) or len(got) != len(want):
            return f"{len(want)} values were expected, your function returned {_describe(got)}."
        return _first(difference(g, w, exercise) for g, w in zip(got, want))
    if isinstance(want, str):
        return None if got == want else f"{want!r} was expected, your function returned {_describe(got)}."
    return _numeric_difference(got, want, exercise)


def _numeric_difference(got: Any, want: Any, exercise: Exercise) -> str | None:
    right, mine = _array(want), _array(got)
    if right is None:
        return None if got == want else f"{_describe(want)} was expected, your function returned {_describe(got)}."
    if mine is None:
        return f"{_describe(want)} was expected, your function returned {_describe(got)}.{_kind_hint(got)}"
    if mine.shape != right.shape:
        return f"the shape should be {right.shape}, yours is {mine.shape}.{_shape_hint(mine.shape, right.shape)}"
    if np.isnan(mine).any() and not np.isnan(right).any():
        return "your result holds values that are not a number (nan): look for a log or a division of zero."
    close = np.isclose(mine, right, rtol=exercise.rtol, atol=exercise.atol, equal_nan=True)
    if close.all():
        return None
    if right.ndim == 0:
        return f"{float(right):.4g} was expected, your function returned {float(mine):.4g}."
    place = tuple(int(i) for i in np.argwhere(~close)[0])
    where = ", ".join(map(str, place))
    wrong = int((~close).sum())
    share = f"{wrong} of {right.size} values differ"
    return f"at [{where}] {right[place]:.4g} was expected, yours is {mine[place]:.4g} ({share})."


def _pattern(given: list[Any], expected: list[Any]) -> str | None:
    """A sign, a factor or a constant that explains every difference."""
    pairs = [(_array(got), _array(want)) for got, want in zip(given, expected)]
    if any(g is None or w is None or g.shape != w.shape or not np.isfinite(g).all() for g, w in pairs):
        return None
    mine = np.concatenate([g.ravel() for g, _ in pairs if g is not None])
    right = np.concatenate([w.ravel() for _, w in pairs if w is not None])
    if right.size < 2 or np.allclose(right, right[0]):
        return None
    if np.allclose(mine, -right, rtol=1e-3, atol=1e-5):
        return "the sign is the wrong way round: every value is the negative of the right one."
    sizable = np.abs(right) > 1e-6
    ratios = mine[sizable] / right[sizable]
    if ratios.size > 1 and np.allclose(ratios, ratios[0], rtol=1e-3) and abs(ratios[0]) > 1e-6:
        return f"every value is {ratios[0]:.3g} times the right one: look for a missing or extra factor."
    gaps = mine - right
    if np.allclose(gaps, gaps[0], rtol=1e-3, atol=1e-5):
        return f"every value is off by the same {gaps[0]:+.3g}."
    return None


def _shape_hint(mine: tuple[int, ...], right: tuple[int, ...]) -> str:
    if mine == () and right:
        return " One value for each input is wanted: don't average or sum over the batch."
    if right == () and mine:
        return " One number is wanted: average or sum over the batch."
    return ""


def _kind_hint(got: Any) -> str:
    """What keeps a result from being read as real numbers, where that can be told."""
    device, dtype = getattr(got, "device", None), getattr(got, "dtype", None)
    if device is not None and str(device).partition(":")[0] not in ("cpu", "cuda", "mps"):
        return f" It is on the device {device}, which holds no values: compute on the CPU."
    if isinstance(got, complex) or "complex" in str(dtype):
        return " It is complex: real numbers are wanted, look for what brought an imaginary part in."
    if dtype is not None:
        return f" Its dtype is {dtype}: real numbers are wanted."
    return ""


def _first(problems: Any) -> str | None:
    return next((problem for problem in problems if problem), None)


def _is_numbers(values: Sequence[Any]) -> bool:
    return bool(values) and all(isinstance(v, int | float | np.number) for v in values)


def _array(value: Any) -> "np.ndarray[Any, np.dtype[np.float64]] | None":
    try:
        if hasattr(value, "detach"):
            value = value.detach().cpu().to_dense()
            value = value.float().numpy() if value.is_floating_point() else value.numpy()
        plain = bool | int | float | np.generic | np.ndarray | list | tuple
        if not isinstance(value, plain) and not hasattr(value, "__array__"):
            return None
        with warnings.catch_warnings():
            warnings.simplefilter("error", np.exceptions.ComplexWarning)
            found = np.asarray(value, dtype=np.float64)
        return None if np.asarray(value).dtype.kind in "US" else found
    except Exception:  # what a learner returns may raise at anything it is asked
        return None


def _describe(value: Any) -> str:
    if value is None:
        return "None"
    kind = type(value).__name__
    if hasattr(value, "shape"):
        return f"a {kind} of shape {tuple(value.shape)}"
    if isinstance(value, list | tuple | dict | set):
        return f"a {kind} of {len(value)} item(s)"
    if isinstance(value, int) and abs(value) >= 10**50:
        return f"an {kind} of over 50 digits"  # Python refuses to print very large ones
    if isinstance(value, bool | int | float | str):
        return f"the {kind} {value!r}" if len(repr(value)) < 60 else f"a {kind}"
    if isinstance(value, Exception):
        return f"{kind}"
    return "a function" if callable(value) else f"a {kind}"
