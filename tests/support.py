"""What tests of several folders use: the repository's root, a build of the book, a browser, what was not verified."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest

ROOT = Path(__file__).parents[1]
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
    "`.venv/bin/pytest -n 0 tests/book/test_colab_versions.py`."
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
