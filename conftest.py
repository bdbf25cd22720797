"""How `pytest` runs the book: nbval executes every page, `alignlab.book.compare` compares its outputs.

nbval alone compares every mime type exactly; here claims, numbers and tables are compared within the tolerance that
they carry, and what is printed of them must be what their records print. A page's downloads are fetched before its
kernel starts, so that no progress bar runs inside a page.
"""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parent


def pytest_configure(config):
    os.environ["ALIGNLAB_STATIC"] = "1"
    os.environ.pop("ALIGNLAB_SEED_OFFSET", None)
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"
    _compare_with_ours()


def _compare_with_ours():
    from alignlab.book import compare, pages
    from nbval import plugin

    def compare_outputs(self, test, ref, skip_compare=None):
        problems = compare.outputs_differ(ref, test)
        self.comparison_traceback = problems
        return not problems

    start_kernel = plugin.IPyNbFile.setup

    def setup(self):
        pages.fetch_assets(self.nb)
        start_kernel(self)

    if not getattr(plugin.IPyNbCell, "compares_records", False):
        plugin.IPyNbCell.compare_outputs = compare_outputs
        plugin.IPyNbCell.compares_records = True
        plugin.IPyNbFile.setup = setup


def pytest_collection_modifyitems(items):
    """Pages first, then the runs of whole pages: the longest work starts first and two workers end together."""

    def rank(item):
        path = Path(str(item.fspath))
        return 0 if path.suffix == ".ipynb" else 1 if path.name == "test_mutation.py" else 2

    items.sort(key=rank)


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT
