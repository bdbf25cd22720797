"""The repository as a whole: style, types, spelling, pins, and nothing in it that belongs to one machine."""

import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from alignlab.assets import cache_dir
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from support import ROOT

TOOLS = {
    "ruff check": ["ruff", "check", "."],
    "ruff format": ["ruff", "format", "--check", "code", "tests", "benchmarks", "conftest.py"],
    "mypy": ["mypy", "--cache-dir", str(cache_dir() / "mypy")],  # shared between folders, kept between runs
    "codespell": ["codespell"],
}


def tool(name: str) -> str:
    return str(Path(sys.executable).parent / name)


PIN = re.compile(r"[A-Za-z0-9_.-]+==[A-Za-z0-9_.]+")


def written(name: str) -> list[str]:
    """The lines of a requirements file, comments apart."""
    return [line for line in (ROOT / name).read_text().splitlines() if line and not line.startswith("#")]


def tracked() -> list[Path]:
    """Files of the repository, or of the folder where it is no repository (an unpacked archive)."""
    run = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    names = run.stdout.split("\0")[:-1]
    if not names:
        names = [str(p.relative_to(ROOT)) for p in ROOT.rglob("*") if p.is_file() and ".venv" not in p.parts]
    return [ROOT / name for name in names if (ROOT / name).is_file()]


@pytest.mark.parametrize("name", TOOLS)
def test_tool_finds_nothing(name):
    first, *rest = TOOLS[name]
    run = subprocess.run([tool(first), *rest], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


def test_requirements_are_exact_pins_with_our_package_last():
    first, *lines, last = written("requirements.txt")
    assert (first, last) == ("-c constraints.txt", "-e ./code")
    assert [line for line in lines if not PIN.fullmatch(line)] == []
    assert "torch==2.13.0" in lines


def test_what_the_requirements_bring_along_is_pinned_too():
    """Every package of this environment that a requirement leads to; a pin that no index had would fail the install."""
    lines = written("constraints.txt")
    assert [line for line in lines if not PIN.fullmatch(line)] == []
    pinned = {canonicalize_name(line.split("==")[0]) for line in (*written("requirements.txt"), *lines) if "==" in line}
    todo, seen = ["alignlab", *pinned - {canonicalize_name(line.split("==")[0]) for line in lines}], set()
    while todo:
        name = canonicalize_name(todo.pop())
        if name in seen:
            continue
        seen.add(name)
        try:
            needs = map(Requirement, metadata.requires(name) or [])
        except metadata.PackageNotFoundError:  # not needed on this platform
            continue
        todo += [needed.name for needed in needs if needed.marker is None or needed.marker.evaluate({"extra": ""})]
    own = {name for name in seen if name.startswith(("nvidia-", "triton", "cuda-"))}  # torch pins these itself
    assert {name for name in seen - pinned - own - {"alignlab", "pip", "setuptools"} if installed(name)} == set()


def installed(name: str) -> bool:
    try:
        return bool(metadata.version(name))
    except metadata.PackageNotFoundError:
        return False


def test_every_extension_of_the_site_is_pinned():
    """What the configuration loads comes from a pinned package, so that a theme's new release cannot break the site."""
    config = yaml.safe_load((ROOT / "_config.yml").read_text())
    pins = (ROOT / "requirements.txt").read_text().lower().replace("_", "-")
    packages = {"notfound.extension": "sphinx-notfound-page", "sphinxcontrib.bibtex": "sphinxcontrib-bibtex",
                "sphinxext.opengraph": "sphinxext-opengraph"}  # fmt: skip
    for name in config["sphinx"]["config"]["extensions"]:
        if name.startswith("alignlab"):
            continue
        assert f"\n{packages.get(name, name.replace('_', '-'))}==" in "\n" + pins, name


def test_readme_gives_the_two_commands():
    readme = (ROOT / "README.md").read_text()
    start = "python3 -m venv .venv && .venv/bin/pip install -r requirements.txt && "
    assert start + ".venv/bin/jupyter-book build ." in readme
    assert start + ".venv/bin/pytest" in readme
    assert "\n.venv/bin/pytest\n" in (ROOT / ".ci/run").read_text() + "\n"


def test_tests_that_need_a_peer_stand_apart_and_are_marked():
    """`scripts/parity_check.sh` runs them; the ordinary run, which has no peers, must not come upon one."""
    apart = sorted((ROOT / "tests").rglob("peer_*.py"))
    assert apart and all("\npytestmark = pytest.mark.peer\n" in path.read_text() for path in apart)
    others = [p for p in (ROOT / "tests").rglob("test_*.py") if p.name != "test_hygiene.py"]
    assert [p.name for p in others if "pytest.mark.peer" in p.read_text()] == []
    assert "-m peer" in (ROOT / "scripts/parity_check.sh").read_text()


def test_versions_agree():
    package = tomllib.loads((ROOT / "code/pyproject.toml").read_text())["project"]["version"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert str(citation["version"]) == package
    assert f"Version {package}" in (ROOT / "CHANGELOG.md").read_text()


def test_no_path_of_a_machine_stands_in_the_repository():
    """Absolute home or scratch folders, in anything but this file."""
    pattern = re.compile(r"(?<![\w./-])/(?:home/\w+|root|work|Users/\w+)/")
    found = []
    for path in tracked():
        if path.suffix in (".py", ".md", ".yml", ".yaml", ".toml", ".ipynb", ".cfg", ".ini", ".txt", ".css", ".bib"):
            found += [f"{path.relative_to(ROOT)}: {m[0]}" for m in pattern.finditer(path.read_text(encoding="utf-8"))]
    assert [hit for hit in found if not hit.startswith("tests/test_hygiene.py")] == []


def test_shipped_files_stay_small():
    assert [str(p.relative_to(ROOT)) for p in tracked() if p.stat().st_size > 8_000_000] == []
