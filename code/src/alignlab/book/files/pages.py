"""The book's pages as files: text and notebook, refresh, claims' records, verification.

A page's text (`text/NN-section/name.md`, MyST) is what authors edit; its notebook (`chapters/NN-section/name.ipynb`)
is the same page executed. `refresh` writes the second from the first.
"""

import hashlib
import os
import platform
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from alignlab.book.files import reference
from alignlab.book.page import claims, fragments
from alignlab.book.page.kinds import joined
from alignlab.book.page.outputs import kind_of

Record = dict[str, Any]

# Where a page's cost and memory move by less than this share, the old values stay, so that nothing churns.
CHURN = 0.25
CELL_TIMEOUT = 600


class PageError(RuntimeError):
    """A page that cannot be read, run or found; the message says which, and where."""


def slugs(root: Path) -> list[str]:
    """Names of all pages that are notebooks, such as "04-outer/reward-modeling", in order."""
    folder = Path(root) / "text"
    return sorted(str(path.relative_to(folder).with_suffix("")) for path in folder.glob("*/*.md"))


def text_path(root: Path, slug: str) -> Path:
    """Where a page's text stands."""
    return Path(root) / "text" / f"{slug}.md"


def notebook_path(root: Path, slug: str) -> Path:
    """Where a page's notebook stands."""
    return Path(root) / "chapters" / f"{slug}.ipynb"


def resolve(root: Path, name: str) -> str:
    """The page that a name, a path or a part of either means. Raises PageError where none or several do."""
    known = slugs(root)
    place = Path(os.path.abspath(name) if Path(name).is_absolute() else os.path.normpath(name))
    if place.is_absolute():
        with suppress(ValueError):  # a path outside of the book: no page, as the error below says
            place = place.relative_to(os.path.abspath(root))
    wanted = re.sub(r"^(text|chapters)/|\.(md|ipynb)$", "", place.as_posix() if name else "")
    exact = [slug for slug in known if slug == wanted] or [slug for slug in known if slug.split("/")[1] == wanted]
    found = exact or [slug for slug in known if wanted in slug]
    if len(found) != 1:
        reason = f"means {len(found)} pages: {', '.join(found)}" if found else "is no page"
        raise PageError(f"{name!r} {reason}; pages are: {', '.join(known) or 'none yet'}")
    return found[0]


def read_text(path: Path) -> str:
    """A file of the book as text. Raises PageError where it is not UTF-8."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise PageError(f"{path} cannot be read: it is not UTF-8 at byte {error.start}, save it as UTF-8") from error


def read_yaml(path: Path) -> Any:
    """A file of settings. Raises PageError where it is missing, not UTF-8 or no YAML."""
    import yaml

    try:
        return yaml.safe_load(read_text(path))
    except FileNotFoundError:
        raise PageError(f"{path} is missing: the book needs it") from None
    except yaml.YAMLError as error:
        raise PageError(f"{path} cannot be read: {' '.join(str(error).split())}") from error


def read_notebook(path: Path) -> Any:
    """A notebook as nbformat reads it. Raises PageError where it cannot be read."""
    import nbformat

    try:
        return nbformat.read(str(path), as_version=4)
    except FileNotFoundError:
        raise PageError(f"{path} is missing: run `alignlab refresh`") from None
    except Exception as error:
        raise PageError(f"{path} cannot be read: {error}") from error


def from_text(path: Path) -> Any:
    """A page's text as a notebook without outputs, cell names made from what the cells hold.

    Raises PageError where it can't be read: not UTF-8, or front matter that is no YAML.
    """
    import jupytext

    try:
        notebook = jupytext.read(path, fmt="md:myst")
    except Exception as error:  # YAML's and jupytext's own, of many kinds
        raise PageError(f"{path} cannot be read: {' '.join(str(error).split())}") from error
    seen: dict[str, int] = {}
    for cell in notebook.cells:
        key = hashlib.sha1(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:8]
        seen[key] = seen.get(key, 0) + 1
        if "hide-input" in cell.metadata.get("tags", []):
            cell.metadata["jupyter"] = {"source_hidden": True}  # how JupyterLab folds it
        cell.id = key if seen[key] == 1 else f"{key}-{seen[key]}"
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return notebook


def downloads(notebook: Any) -> list[str]:
    """Names of the assets that a page declares."""
    return list(notebook.metadata.get("alignlab", {}).get("downloads") or [])


def fetch_assets(notebook: Any) -> None:
    """Fetch what a page declares, so that no progress bar runs inside it."""
    names = downloads(notebook)
    if names:
        from alignlab.assets import fetch

        for name in names:
            fetch(name)


def claims_records(root: Path, chapter: str | None = None) -> list[Record]:
    """The records of all claims, read from stored notebooks; nothing runs."""
    chosen = slugs(root) if chapter is None else [resolve(root, chapter)]
    return [record for slug in chosen for record in records_of(read_notebook(notebook_path(root, slug)))]


def records_of(notebook: Any) -> list[Record]:
    """The claims' records in a notebook's outputs, in the page's order."""
    return [
        output["data"][claims.MIME]
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if claims.MIME in output.get("data", {})
    ]


def verify(root: Path, chapter: str | None = None, seed_offset: int = 0) -> list[Record]:
    """Run pages anew on shifted seeds; the records of their claims, whether they hold or not.

    Raises PageError where a cell stops with anything but a claim that does not hold.
    """
    chosen = slugs(root) if chapter is None else [resolve(root, chapter)]
    found = []
    for slug in chosen:
        notebook = from_text(text_path(root, slug))
        fetch_assets(notebook)
        folder = notebook_path(root, slug).parent
        folder.mkdir(parents=True, exist_ok=True)
        execute(notebook, folder, {"ALIGNLAB_SEED_OFFSET": str(seed_offset)}, allow_errors=True)
        for output in _outputs(notebook):
            if output.output_type == "error" and output.ename != claims.ClaimFailed.__name__:
                raise PageError(f"{slug} with seed offset {seed_offset}: {output.ename}: {output.evalue}")
        found += records_of(notebook)
    return found


def refresh(root: Path, chapters: Sequence[str] = ()) -> list[str]:
    """Write pages' notebooks from their text and run them; names of the pages that changed.

    chapters: pages to refresh, all where empty. Raises PageError where a cell fails or writes to stderr; the old
    notebook then stays.
    """
    changed = []
    for slug in [resolve(root, name) for name in chapters] or slugs(root):
        notebook = from_text(text_path(root, slug))
        path = notebook_path(root, slug)
        path.parent.mkdir(parents=True, exist_ok=True)
        fetch_assets(notebook)
        before = reference.processor_seconds()
        try:
            measured = execute(notebook, path.parent, {})
        except PageError as error:
            raise PageError(f"{slug}, {error}") from error.__cause__
        for number, cell in enumerate(notebook.cells):
            for output in cell.get("outputs", []):
                if output.output_type == "stream" and output.name == "stderr":
                    raise PageError(f"{slug}, cell {number} writes to stderr: {output.text.strip()[:500]}")
        measured = _in_reference(measured, (before + reference.processor_seconds()) / 2)
        old = read_notebook(path) if path.exists() else None
        known = old.metadata.get("alignlab", {}).get("measured") if old is not None else None
        kept = _steady(known, measured, {cell.id for cell in notebook.cells})
        notebook.metadata.setdefault("alignlab", {})["measured"] = {**kept, "processor": reference.processor()}
        if write(notebook, path):
            changed.append(slug)
    return changed


def renew_prose(root: Path, slug: str) -> bool | None:
    """Bring a page's prose into its notebook, outputs stay; whether it changed, None where the page has to run."""
    notebook, path = from_text(text_path(root, slug)), notebook_path(root, slug)
    if not path.exists():
        return None
    stored = read_notebook(path)
    old = [cell for cell in stored.cells if cell.cell_type == "code"]
    new = [cell for cell in notebook.cells if cell.cell_type == "code"]
    if [(cell.id, cell.source) for cell in old] != [(cell.id, cell.source) for cell in new]:
        return None
    if downloads(notebook) != downloads(stored):
        return None
    for before, cell in zip(old, new):
        cell.outputs, cell.execution_count = before.outputs, before.execution_count
    if "measured" in stored.metadata.get("alignlab", {}):
        notebook.metadata.setdefault("alignlab", {})["measured"] = stored.metadata["alignlab"]["measured"]
    notebook.metadata.pop("language_info", None)
    return write(notebook, path)


def write(notebook: Any, path: Path) -> bool:
    """Write a notebook where its text changes; whether it did."""
    import nbformat

    text = nbformat.writes(notebook) + "\n"
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    beside = path.with_suffix(".part")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)
    return True


def restyle(root: Path, write_files: bool = True) -> list[str]:
    """Renew what stored outputs are dressed in (styles, scripts, what records print) without running anything.

    Returns names of the pages that changed.
    """
    import nbformat

    changed = []
    for slug in slugs(root):
        path = notebook_path(root, slug)
        if not path.exists():
            continue
        notebook = read_notebook(path)
        for output in _outputs(notebook):
            data = output.get("data", {})
            if kind := kind_of(data):
                data.update(kind.renewed(data))
            elif "text/html" in data:
                data["text/html"] = fragments.renew(joined(data["text/html"]))
        before = path.read_text(encoding="utf-8")
        if nbformat.writes(notebook) + "\n" != before:
            changed.append(slug)
            if write_files:
                write(notebook, path)
    return changed


def execute(notebook: Any, folder: Path, environment: dict[str, str], allow_errors: bool = False) -> dict[str, Any]:
    """Run a notebook in a kernel of this interpreter; processor seconds, in all and of each cell, and its peak memory.

    Raises PageError unless allow_errors: its first line names the cell that failed and why, the rest is its traceback.
    """
    from ipykernel.kernelspec import get_kernel_dict
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    class OwnKernel(AsyncKernelManager):
        @property
        def kernel_spec(self) -> KernelSpec:
            return KernelSpec(**get_kernel_dict(["--log-level=40"]))  # errors; not that it talks over TCP

    usage: dict[str, Any] = {}
    client = NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT,
        allow_errors=allow_errors,
        record_timing=False,
        kernel_manager_class=OwnKernel,
        resources={"metadata": {"path": str(folder)}},
    )
    with _environment({"ALIGNLAB_STATIC": "1", **environment}):
        index = 0
        try:
            with client.setup_kernel():
                spent = [_kernel_seconds(client)]
                for index, cell in enumerate(notebook.cells):
                    client.execute_cell(cell, index)
                    spent.append(_kernel_seconds(client))
                usage = _usage(client)
                usage["cells"] = {
                    cell.id: after - before
                    for cell, before, after in zip(notebook.cells, spent, spent[1:])
                    if cell.cell_type == "code"
                }
        except CellExecutionError as error:
            reason = next(iter(error.evalue.splitlines()), "")
            raise PageError(f"cell {index} failed: {error.ename}: {reason}\n{error}") from error
        except CellTimeoutError as error:
            raise PageError(f"cell {index} took over {CELL_TIMEOUT} s: make it shorter") from error
        except DeadKernelError as error:
            raise PageError(f"the kernel died in cell {index}: it may have run out of memory") from error
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
    notebook.metadata.pop("language_info", None)
    return usage


def _usage(client: Any) -> dict[str, Any]:
    """Processor seconds and peak memory of the kernel."""
    import nbformat

    probe = "import resource as _r; _u = _r.getrusage(_r.RUSAGE_SELF); print(_u.ru_utime + _u.ru_stime, _u.ru_maxrss)"
    cell = nbformat.v4.new_code_cell(probe)
    client.nb.cells.append(cell)
    try:
        client.execute_cell(cell, len(client.nb.cells) - 1, store_history=False)
    finally:
        client.nb.cells.pop()
    seconds, kilobytes = map(float, cell.outputs[0].text.split())
    scale = 1024**2 if platform.system() == "Darwin" else 1024
    return {
        "seconds": round(seconds, 1),
        "peak_mb": round(kilobytes / scale),
        "machine": f"one thread, {platform.machine()}",
    }


def _kernel_seconds(client: Any) -> float:
    """Processor seconds of the kernel so far, seen from outside."""
    import psutil

    times = psutil.Process(client.km.provisioner.pid).cpu_times()
    return float(times.user + times.system)


def _in_reference(measured: dict[str, Any], workload: float) -> dict[str, Any]:
    """A measurement with what it comes to in reference seconds; cells under half of one are left out."""
    cells = {name: round(reference.cost(seconds, workload), 1) for name, seconds in measured["cells"].items()}
    return {
        **measured,
        "reference": round(workload, 3),
        "cost": round(reference.cost(measured["seconds"], workload), 1),
        "cells": {name: seconds for name, seconds in cells.items() if seconds >= 0.5},
    }


def _steady(old: dict[str, Any] | None, new: dict[str, Any], cells: set[str]) -> dict[str, Any]:
    """Old measurements where the new ones hardly differ and the dear cells are still the page's."""
    kept = old and all(
        abs(new[key] - old.get(key, 0)) <= CHURN * max(old.get(key, 0), 8) for key in ("cost", "peak_mb")
    )
    return dict(old) if old and kept and cells.issuperset(old.get("cells", {})) else new


def _outputs(notebook: Any) -> Iterator[Any]:
    for cell in notebook.cells:
        yield from cell.get("outputs", [])


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
