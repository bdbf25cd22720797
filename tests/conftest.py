"""The built site, once for all tests, and Chromium, with a plain word at the end where it was missing."""

import functools
import http.server
import os
import shutil
import threading
from pathlib import Path

import pytest
from filelock import FileLock
from support import NO_BROWSER, NO_NODE, NOT_VERIFIED, ROOT, build_book, complaints, find_chromium, not_verified


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
        "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",  # the network is cut: nothing but our own server
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
