"""Ask of each claim of a page that runs whether it would fail with its method switched off.

When the page reaches a claim, the claim's method is replaced by its inert version wherever it is referenced, what the
page has computed is set aside, and the claim's own measures and controls run again: now it must fail. On the way each
explorer is built with live widgets too and moved. The kernels in which `pytest` runs the pages are watched (`watch`,
`tell`); started as `python -m alignlab.book.proof.mutation PAGE.ipynb PAGE.py`, it runs a page and prints one JSON
object.
"""

import functools
import importlib.util
import json
import sys
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from alignlab.book.files import pages
from alignlab.book.page import claims, explorers, memory

Function = Callable[..., Any]
Report = dict[str, Any]


@contextmanager
def watching(inert: Mapping[str, Function], namespace: dict[str, Any]) -> Iterator[Report]:
    """Within this context each claim and explorer that a page in `namespace` declares is tried, and reported.

    Yields {"claims": [{id, method, outcome, detail}], "explorers": [{title, problems}], "error": None}; an outcome is
    "failed" (as it should), "survived", "error", "no inert version", or "recorded" for a claim whose values come from a
    recipe's record: its detail is the id of the live claim that stands for it (see `unproved`).
    """
    from IPython.utils.capture import capture_output

    report: Report = {"claims": [], "explorers": [], "error": None}

    def on_claim(claim: claims.Claim, _record: claims.Record) -> None:
        with capture_output():
            report["claims"].append(judge(claim, inert, namespace))

    def on_explorer(spec: explorers.Spec) -> None:
        with capture_output():
            report["explorers"].append({"title": spec.title, "problems": live_problems(spec)})

    claims.observers.append(on_claim)
    explorers.observers.append(on_explorer)
    try:
        yield report
    finally:
        claims.observers.remove(on_claim)
        explorers.observers.remove(on_explorer)


def probe(notebook: Any, inert: Mapping[str, Function]) -> Report:
    """Run a page's cells in this process and report on its claims and explorers, and the error that stopped it."""
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.utils.capture import capture_output

    shell = InteractiveShell.instance()
    with watching(inert, shell.user_ns) as report:
        for number, cell in enumerate(notebook.cells):
            if cell.cell_type != "code":
                continue
            with capture_output():
                result = shell.run_cell(cell.source, store_history=False)
            error = result.error_before_exec or result.error_in_exec
            if error is not None:
                report["error"] = f"cell {number}: {type(error).__name__}: {error}"
                break
    return report


def watch(inert: str) -> None:
    """Watch the page that this kernel runs from now on, with the inert versions of a file, for `tell`."""
    from IPython.core.interactiveshell import InteractiveShell

    global _watched
    _watched = _watches.enter_context(watching(load_inert(Path(inert)), InteractiveShell.instance().user_ns))


def tell() -> None:
    """Print the report of what was watched so far, as one JSON object."""
    print(json.dumps(_watched))


_watches = ExitStack()
_watched: Report | None = None


def judge(claim: claims.Claim, inert: Mapping[str, Function], namespace: dict[str, Any]) -> dict[str, str]:
    """Whether a claim fails with its method replaced by the inert version."""
    name = claims.method_name(claim.method)
    entry = {"id": claim.id, "method": name}
    if claim.miniature is not None:
        return {**entry, "outcome": "recorded", "detail": claim.miniature}
    if name not in inert:
        return {
            **entry,
            "outcome": "no inert version",
            "detail": f"INERT of the chapter's page.py has no entry {name!r}",
        }
    runs = [measure.run for measure in claim.measures] + [control.run for control in claim.controls]
    with replaced(claim.method, inert[name], namespace, runs), memory.forgotten():
        try:
            why = first_failure(claim)
        except Exception as error:
            return {**entry, "outcome": "error", "detail": f"{type(error).__name__}: {error}"}
    return {
        **entry,
        "outcome": "failed" if why else "survived",
        "detail": why or "every value is where the claim wants it",
    }


def unproved(judged: Sequence[Mapping[str, str]]) -> list[str]:
    """Which of a page's judged claims were not seen to fail without their method, in words.

    A recorded claim counts as seen where its live miniature, of the same method and on the same page, was.
    """
    failed = {entry["id"]: entry["method"] for entry in judged if entry["outcome"] == "failed"}
    said = []
    for entry in judged:
        if entry["outcome"] == "recorded":
            if failed.get(entry["detail"]) != entry["method"]:
                said.append(
                    f"{entry['id']}: recorded, and {entry['detail']!r} is no live claim of this page failing without "
                    f"{entry['method']}; claims that fail without their method: {', '.join(failed) or 'none'}"
                )
        elif entry["outcome"] != "failed":
            said.append(f"{entry['id']}: {entry['outcome']}: {entry['detail']}")
    return said


def first_failure(claim: claims.Claim) -> str | None:
    """The first value out of place, seed by seed; None where the claim holds.

    Raises ArithmeticError where a value is not a number: that shows a broken inert version, not a claim that can fail.
    """
    bands = {measure.name: measure.band for measure in claim.measures}
    for seed in claim.seeds:
        for measure in claim.measures:
            value = _number(measure.run, seed, measure.name)
            if not claims.inside(value, measure.band):
                return f"{measure.name} is {value:g} on seed {seed}, outside {claims.band_text(measure.band)}"
        for control in claim.controls:
            value = _number(control.run, seed, control.name)
            if claims.inside(value, bands[control.of]):
                return f"control {control.name!r} is {value:g} on seed {seed}, inside the band of {control.of}"
    return None


def _number(run: Callable[[int], float], seed: int, name: str) -> float:
    value = claims.value(run, seed)
    if value is None:
        raise ArithmeticError(f"{name} is not a number on seed {seed}; an inert version gives useless results, not nan")
    return value


@contextmanager
def replaced(original: Function, inert: Function, namespace: dict[str, Any], runs: list[Function]) -> Iterator[None]:
    """Within this context every reference to a function that the page can reach means its inert version.

    Looked through: the package's loaded modules, the page's names, lists and dicts among them, default arguments and
    closures of functions, and the classes that own a method.
    """
    undo: list[Callable[[], None]] = []
    spaces = [namespace]
    for name, module in list(sys.modules.items()):
        ours = name.split(".")[0] == "alignlab" and not name.startswith("alignlab.book") and not name.endswith(".page")
        if ours and module is not None:
            spaces.append(vars(module))
    seen: set[int] = set()
    try:
        if "." in original.__qualname__:
            _in_owner(original, inert, undo)
        for space in spaces:
            _in_mapping(space, original, inert, undo, seen)
        for run in runs:
            _in_function(run, original, inert, undo, seen)
        yield
    finally:
        for step in reversed(undo):
            step()


def _in_owner(original: Function, inert: Function, undo: list[Callable[[], None]]) -> None:
    owner: Any = sys.modules[original.__module__]
    *path, name = original.__qualname__.split(".")
    for part in path:
        owner = getattr(owner, part)
    before = vars(owner)[name]
    setattr(owner, name, staticmethod(inert) if isinstance(before, staticmethod) else inert)
    undo.append(lambda: setattr(owner, name, before))


def _in_mapping(
    space: Any, original: Function, inert: Function, undo: list[Callable[[], None]], seen: set[int]
) -> None:
    if id(space) in seen:
        return
    seen.add(id(space))
    for key, value in list(space.items() if isinstance(space, dict) else enumerate(space)):
        if value is original:
            space[key] = inert
            undo.append(functools.partial(space.__setitem__, key, original))
        elif isinstance(value, dict | list) and len(value) < 100 and not str(key).startswith("_"):
            _in_mapping(value, original, inert, undo, seen)
        else:
            _in_function(value, original, inert, undo, seen)


def _in_function(
    value: Any, original: Function, inert: Function, undo: list[Callable[[], None]], seen: set[int]
) -> None:
    if not isinstance(value, types.FunctionType) or value is original or value is inert or id(value) in seen:
        return
    seen.add(id(value))
    if value.__defaults__ and any(d is original for d in value.__defaults__):
        before = value.__defaults__
        value.__defaults__ = tuple(inert if d is original else d for d in before)
        undo.append(functools.partial(setattr, value, "__defaults__", before))
    if value.__kwdefaults__:
        _in_mapping(value.__kwdefaults__, original, inert, undo, seen)
    for cell in value.__closure__ or ():
        try:
            held = cell.cell_contents
        except ValueError:  # a cell not filled yet
            continue
        if held is original:
            cell.cell_contents = inert
            undo.append(functools.partial(setattr, cell, "cell_contents", original))
        else:
            _in_function(held, original, inert, undo, seen)


def live_problems(spec: explorers.Spec) -> list[str]:
    """What is wrong with an explorer's live widgets: each control is moved through its values."""
    from alignlab.book.page.live import widget

    box = widget(spec)
    _title, controls, picture, sentence = box.children
    problems = []
    pictures = {picture.value}
    for name, control in zip(spec.states, controls.children):
        for value in (*spec.states[name], spec.start[name]):
            control.value = value
            state = {**spec.start, name: value}
            if explorers.frame(spec, state)[1] not in _plain(sentence.value):
                problems.append(f"{name}={value!r}: the sentence does not follow")
            pictures.add(picture.value)
    if len(pictures) < 2:
        problems.append("the picture never changes")
    return problems


def _plain(html: str) -> str:
    import html as entities
    import re

    return entities.unescape(re.sub(r"<[^>]+>", "", html))


def load_inert(path: Path) -> dict[str, Function]:
    """`INERT` of a chapter's page.py, or of any file that holds one."""
    spec = importlib.util.spec_from_file_location("inert_versions", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return dict(module.INERT)


def main(arguments: list[str]) -> None:
    """Probe one page, print the report."""
    notebook = pages.read_notebook(Path(arguments[0]))
    pages.fetch_assets(notebook)
    report = probe(notebook, load_inert(Path(arguments[1])))
    print(json.dumps(report))


if __name__ == "__main__":
    main(sys.argv[1:])
