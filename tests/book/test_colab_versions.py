"""The package accepts what Colab has: nothing that is installed there would have to be replaced."""

import hashlib
import json
import subprocess
import sys
import time
import tomllib

import pip
from alignlab.assets import cache_dir
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from support import NO_INDEX, ROOT, not_verified

PROJECT = tomllib.loads((ROOT / "code/pyproject.toml").read_text())["project"]
REQUIRED = [Requirement(line) for line in PROJECT["dependencies"]]
PYTHON = "3.13"
READS = ("code/pyproject.toml", "scripts/colab_versions.txt")
WEEK = 7 * 24 * 3600
# scripts/colab_check.sh builds its environment from the same file.
CONSTRAINTS = ROOT / "scripts/colab_versions.txt"
EXACT = [line.split("==") for line in CONSTRAINTS.read_text().splitlines() if "==" in line and line[0] != "#"]
COLAB = {canonicalize_name(name): version for name, version in EXACT}


def refused(required: list[Requirement]) -> list[str]:
    """What Colab has and a requirement would not take."""
    known = ((needed, COLAB.get(canonicalize_name(needed.name))) for needed in required)
    return [
        f"{needed} (Colab has {version})" for needed, version in known if version and version not in needed.specifier
    ]


def test_every_requirement_takes_the_version_that_colab_has():
    assert Version(PYTHON) in Requirement(f"python{PROJECT['requires-python']}").specifier
    assert refused(REQUIRED) == []


def test_a_requirement_that_colab_does_not_meet_is_seen():
    assert refused([Requirement("torch>=2.12"), Requirement("numpy>=2"), Requirement("IPython>=8")]) == [
        "torch>=2.12 (Colab has 2.11.0)",
        "IPython>=8 (Colab has 7.34.0)",
    ]


def resolve(required: list[str], tmp_path) -> tuple[dict[str, str], str]:
    """Versions by which pip would meet requirements on Colab, and what it says where there are none."""
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--quiet", "--ignore-installed", "--no-input"]
    command += ["--python-version", PYTHON, "--only-binary", ":all:", "--target", str(tmp_path / "there")]
    command += ["--constraint", str(CONSTRAINTS), "--report", str(tmp_path / "report.json"), *required]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    if done.returncode:
        return {}, done.stderr
    found = json.loads((tmp_path / "report.json").read_text())["install"]
    return {canonicalize_name(one["metadata"]["name"]): one["metadata"]["version"] for one in found}, ""


def kept(required: list[str], tmp_path) -> tuple[dict[str, str], str]:
    """`resolve`, whose good answer to the same question is kept for a week: other versions come out only by then."""
    asked = json.dumps([required, CONSTRAINTS.read_text(), PYTHON, pip.__version__])
    answer = cache_dir() / "checked" / f"colab-{hashlib.sha256(asked.encode()).hexdigest()[:12]}.json"
    if answer.exists() and time.time() - answer.stat().st_mtime < WEEK:
        return json.loads(answer.read_text()), ""
    found, said = resolve(required, tmp_path)
    if found:
        answer.parent.mkdir(parents=True, exist_ok=True)
        answer.write_text(json.dumps(found))
    return found, said


def index_is_reached() -> bool:
    """Whether pip finds a package."""
    command = [sys.executable, "-m", "pip", "index", "versions", "packaging", "--quiet", "--retries", "0"]
    return subprocess.run(command, capture_output=True, check=False, timeout=120).returncode == 0


def test_pip_meets_all_requirements_with_colabs_versions(tmp_path):
    """pip's own resolution, with all that the requirements bring along; nothing is installed.

    Without torch, which nothing else here requires: some indexes give its needs only with gigabytes of wheels.
    """
    if not index_is_reached():
        not_verified(NO_INDEX)
    asked = [needed for needed in REQUIRED if needed.name != "torch"]
    found, said = kept(list(map(str, asked)), tmp_path)
    assert found, said
    assert {canonicalize_name(needed.name) for needed in asked} <= set(found)
    assert {name: version for name, version in found.items() if COLAB.get(name, version) != version} == {}
