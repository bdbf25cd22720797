"""The built site, once for all tests, and Chromium, with a plain word at the end where it was missing."""

import functools
import http.server
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import NoReturn

import pytest
from filelock import FileLock

ROOT = Path(__file__).parent.parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
NO_BROWSER = (
    "NOT verified: browser (no Chromium found). Get one with `apt-get install chromium` or "
    "`.venv/bin/playwright install --with-deps chromium`; ALIGNLAB_CHROMIUM names one elsewhere."
)
NO_NODE = (
    "NOT verified: in-page models (no Node.js found). Get one with `apt-get install nodejs` or "
    "`.venv/bin/pip install -r requirements.txt` (Playwright brings one along)."
)
NO_INDEX = (
    "NOT verified: Colab's versions together (no package index reached). Connect and run "
    "`.venv/bin/pytest -n 0 tests/test_colab_versions.py`."
)
NOT_VERIFIED = (NO_BROWSER, NO_NODE, NO_INDEX)


def build_book(source: Path, out: Path, **environment: str) -> subprocess.CompletedProcess:
    """Build a book with warnings as errors; its pages come to lie in out/_build/html."""
    script = "import sys; from jupyter_book.cli.main import main; sys.exit(main())"
    command = [
        sys.executable,
        "-c",
        script,
        "build",
        str(source),
        "--path-output",
        str(out),
        "-W",
        "-n",
        "--keep-going",
    ]
    clean = {k: v for k, v in os.environ.items() if k not in ("GITHUB_REPOSITORY", "GITHUB_SERVER_URL")}
    return subprocess.run(command, env={**clean, **environment}, capture_output=True, text=True, check=False)


def complaints(run: subprocess.CompletedProcess) -> str:
    lines = (run.stdout + run.stderr).splitlines()
    return "\n".join([line for line in lines if "WARNING" in line or "ERROR" in line] or lines[-30:])


@pytest.fixture(scope="session")
def site(tmp_path_factory) -> Path:
    """The folder of the built site. Workers share one build."""
    shared = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        shared = shared.parent
    out, log = shared / "site", shared / "site.log"
    with FileLock(str(shared / "site.lock")):
        if not log.exists():
            run = build_book(ROOT, out)
            log.write_text("" if run.returncode == 0 else complaints(run))
    assert log.read_text() == "", "the book does not build without warnings:\n" + log.read_text()
    return out / "_build" / "html"


def find_chromium() -> str | None:
    """Path of a Chromium: named by ALIGNLAB_CHROMIUM, on the PATH, or playwright's own."""
    named = os.environ.get("ALIGNLAB_CHROMIUM")
    found = named or next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found:
        return found
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    return own if Path(own).exists() else None


def not_verified(sentence: str) -> NoReturn:
    """Skip the test, or fail it where ALIGNLAB_REQUIRE_ALL=1 forbids that; the run says so in its last lines."""
    if os.environ.get("ALIGNLAB_REQUIRE_ALL", "") not in ("", "0"):
        pytest.fail(sentence)
    pytest.skip(sentence)


@pytest.fixture(scope="session")
def node() -> str:
    """Path of a Node.js: on the PATH, or the one that Playwright brings along."""
    found = shutil.which("node")
    if found is None:
        from playwright._impl._driver import compute_driver_executable

        found = next((path for path in map(str, compute_driver_executable()) if Path(path).stem == "node"), None)
    if found is None or not Path(found).exists():
        not_verified(NO_NODE)
    return found


@pytest.fixture(scope="session")
def chromium():
    """A headless Chromium; see `not_verified` for where there is none."""
    path = find_chromium()
    if path is None:
        not_verified(NO_BROWSER)
    from playwright.sync_api import sync_playwright

    quiet = [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
    ]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=quiet)
        yield browser
        browser.close()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format, *args):
        pass


@pytest.fixture(scope="session")
def address(site):
    """The address of a local server of the site, ending in a slash."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(site)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session):
    """Say last of all what was not verified."""
    result = yield
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter and not hasattr(session.config, "workerinput") else []
    for sentence in NOT_VERIFIED:
        if any(sentence in str(report.longrepr) for report in skipped):
            reporter.write_line(sentence)
    return result
