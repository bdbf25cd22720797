"""How `pytest` runs the book: nbval executes every page, `alignlab.book.proof.compare` compares its outputs.

nbval alone compares every mime type exactly; here claims, numbers and tables are compared within the tolerance that
they carry, and what is printed of them must be what their records print. A page's downloads are fetched before its
kernel starts, so that no progress bar runs inside a page. After a page's last cell come two more tests, for which its
kernel is watched: each claim fails when its method does nothing, and every live explorer follows its controls.
"""

import json
import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parent
pytest_plugins = ("alignlab.book.proof.changed",)  # --changed
MUTATION = "__import__('alignlab.book.proof.mutation', fromlist=['watch'])"  # takes no name of the page's


def pytest_configure(config):
    os.environ["ALIGNLAB_STATIC"] = "1"
    os.environ.pop("ALIGNLAB_SEED_OFFSET", None)
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"
    _compare_with_ours()


def pytest_xdist_auto_num_workers():
    """A worker for each core that we may use, as far as memory goes (4 GB, a page's budget): two to four."""
    import psutil

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 2
    limit = Path("/sys/fs/cgroup/cpu.max")  # a container's share of the machine, such as "200000 100000" for two cores
    share, _, period = limit.read_text().partition(" ") if limit.exists() else ("max", "", "")
    if share.isdecimal():
        cores = min(cores, int(share) // int(period))
    return max(2, min(cores, psutil.virtual_memory().total // (4 << 30), 4))


def _compare_with_ours():
    from alignlab.book import chapters
    from alignlab.book.files import pages, reference
    from alignlab.book.proof import compare
    from nbval import plugin

    def compare_outputs(self, test, ref, skip_compare=None):
        measured = self.parent.nb.metadata.get("alignlab", {}).get("measured", {})
        elsewhere = measured.get("processor") != reference.processor()
        problems = compare.outputs_differ(ref, test, elsewhere)
        self.comparison_traceback = problems
        return not problems

    collect_cells, start_kernel = plugin.IPyNbFile.collect, plugin.IPyNbFile.setup

    def collect(self):
        yield from collect_cells(self)
        for proof in (ClaimsFailWithoutTheirMethods, LiveExplorersFollow):
            yield proof.from_parent(self, name=proof.__name__)

    def setup(self):
        pages.fetch_assets(self.nb)
        start_kernel(self)
        if any(isinstance(item, Proof) and item.parent is self for item in self.session.items):
            inert = chapters.page_file(f"{self.path.parent.name}/{self.path.stem}")
            _run(self.kernel, f"{MUTATION}.watch({str(inert)!r})")

    if not getattr(plugin.IPyNbCell, "compares_records", False):
        plugin.IPyNbCell.compare_outputs = compare_outputs
        plugin.IPyNbCell.compares_records = True
        plugin.IPyNbFile.collect = collect
        plugin.IPyNbFile.setup = setup


def _run(kernel, code):
    """What a piece of code prints in a page's kernel."""
    asked, printed = kernel.execute_cell_input(code, allow_stdin=False), []
    while True:
        message = kernel.get_message("iopub", timeout=60)
        kind, content = message["msg_type"], message["content"]
        if message["parent_header"].get("msg_id") != asked:
            continue
        if kind == "error":
            pytest.fail("\n".join(content["traceback"]), pytrace=False)
        if kind == "stream":
            printed.append(content["text"])
        if kind == "status" and content["execution_state"] == "idle":
            return "".join(printed)


class Proof(pytest.Item):
    """A test of a page that has run, by the report of its kernel's `alignlab.book.proof.mutation`."""

    def runtest(self):
        complaints = self.complaints(json.loads(_run(self.parent.kernel, f"{MUTATION}.tell()")))
        if complaints:
            pytest.fail("\n".join(complaints), pytrace=False)

    def reportinfo(self):
        return self.path, 0, f"{self.path.stem}: {self.name}"


class ClaimsFailWithoutTheirMethods(Proof):
    def complaints(self, report):
        from alignlab.book.files import pages
        from alignlab.book.proof import mutation

        declared = [record["id"] for record in pages.records_of(self.parent.nb)]
        tried = [entry["id"] for entry in report["claims"]]
        missing = [f"{name}: not tried, since its cell did not run" for name in declared if name not in tried]
        return missing + mutation.unproved(report["claims"])


class LiveExplorersFollow(Proof):
    def complaints(self, report):
        return [
            f"{entry['title']}: {'; '.join(entry['problems'])}" for entry in report["explorers"] if entry["problems"]
        ]


def pytest_collection_modifyitems(items):
    """Pages first, then the browser: the longest work starts first and workers end together."""

    def rank(item):
        path = Path(str(item.fspath))
        return 0 if path.suffix == ".ipynb" else 1 if path.name == "test_browser.py" else 2

    items.sort(key=rank)


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT
