"""A notebook run in a kernel of its own: its outputs, its cost by cell, and what is said where a cell fails."""

import os
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alignlab.book.files.pages import PageError

CELL_TIMEOUT = 600


def execute(
    notebook: Any,
    folder: Path,
    environment: dict[str, str],
    allow_errors: bool = False,
    spent: Callable[[str, float], None] = lambda cell, seconds: None,
) -> dict[str, Any]:
    """Run a notebook in a kernel of this interpreter; its processor seconds in all, and its peak memory.

    spent: told the processor seconds of the kernel's start (for the cell ""), then of each code cell once it has run.
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
                before = _kernel_seconds(client)
                spent("", before)
                for index, cell in enumerate(notebook.cells):
                    client.execute_cell(cell, index)
                    after = _kernel_seconds(client)
                    if cell.cell_type == "code":
                        spent(cell.id, after - before)
                    before = after
                usage = _usage(client)
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
