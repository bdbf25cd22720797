"""Run notebooks of the Colab edition with another interpreter's kernel, and move every control of every explorer.

Usage: python scripts/colab_run.py INTERPRETER FOLDER
"""

import sys
import time
from pathlib import Path

import nbformat
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

# Run after the first cell: remember every explorer that the page shows.
WATCH = """
from alignlab.book.page import explorers as _explorers
_SPECS = []
_explorers.observers.append(_SPECS.append)
"""

# Run at the end: set every control to each of its values, as a reader would, and look at what the callbacks drew.
MOVE = """
import ipywidgets as _w
from alignlab.book.page.live import widget as _widget
for _spec in _SPECS:
    _box = _widget(_spec)
    _title, _controls, _picture, _sentence = _box.children
    _seen = {_sentence.value}
    for _control, _values in zip(_controls.children, _spec.states.values()):
        for _value in _values:
            _control.value = _value
            assert "<svg" in _picture.value, _spec.title
            _seen.add(_sentence.value)
    assert len(_seen) > 1, f"explorer {_spec.title!r} does not move"
print("explorers moved:", len(_SPECS), "with ipywidgets", _w.__version__)
"""


def run(path: Path, interpreter: str) -> list[str]:
    """What is wrong with a notebook's run; empty where nothing is."""

    class Kernel(AsyncKernelManager):
        @property
        def kernel_spec(self) -> KernelSpec:
            command = [interpreter, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
            return KernelSpec(argv=command, display_name="Colab", language="python")

    notebook = nbformat.read(str(path), as_version=4)
    notebook.cells.insert(1, nbformat.v4.new_code_cell(WATCH))
    notebook.cells.append(nbformat.v4.new_code_cell(MOVE))
    folder = {"metadata": {"path": str(path.parent)}}
    client = NotebookClient(notebook, timeout=900, kernel_manager_class=Kernel, resources=folder)
    try:
        client.execute()
    except CellExecutionError as error:
        return [str(error)]
    warned = [
        f"cell {i} writes to stderr: {output.text[:300]}"
        for i, cell in enumerate(notebook.cells)
        for output in cell.get("outputs", [])
        if output.output_type == "stream" and output.name == "stderr"
    ]
    print("  " + next(output.text.strip() for output in notebook.cells[-1].outputs if output.get("name") == "stdout"))
    return warned[:3] + ([f"and {len(warned) - 3} more"] if len(warned) > 3 else [])


def main() -> int:
    """Run every notebook of a folder; 1 where one fails."""
    interpreter, folder = str(Path(sys.argv[1]).absolute()), Path(sys.argv[2])
    failed = 0
    for path in sorted(folder.rglob("*.ipynb")):
        start = time.monotonic()
        print(path.relative_to(folder), flush=True)
        problems = run(path, interpreter)
        print(f"  {'FAILS' if problems else 'runs'}, {time.monotonic() - start:.0f} s", flush=True)
        for problem in problems:
            failed = 1
            print(problem, file=sys.stderr)
    return failed


if __name__ == "__main__":
    sys.exit(main())
