"""Who may import whom, how fast the package starts, and which versions of others it accepts."""

import ast
import graphlib
import statistics
import subprocess
import sys
import tomllib
from collections.abc import Iterator

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from support import ROOT

READS = ("code/", "docs/architecture.md", "requirements.txt")

PACKAGE = ROOT / "code/src/alignlab"
SURVEY = ["outer", "inner", "interp", "attacks", "evals", "risks", "overview"]  # the survey's order, the whole on top
LOWER = ["exercises", "assets", "lm", "toys", *SURVEY]
MAY = {room: set(LOWER[: place + 1]) for place, room in enumerate(LOWER)}
MAY |= {top: {*LOWER, top} for top in ("recipes", "scale", "doctor")}
MAY |= {"book": {*LOWER, "recipes", "book"}, "cli": {*MAY, "book", "cli"}, "__init__": set()}
for user in ("recipes", "book", "cli", "fingerprint"):
    MAY.setdefault(user, set()).add("fingerprint")  # it imports nothing of ours
HEAVY = {"torch", "transformers", "matplotlib", "pandas", "sklearn", "scipy", "IPython", "ipywidgets"}


def imported(source: str, module: str) -> Iterator[str]:
    """Full names of what a module's source imports, inside functions and for types too."""
    package = module.rpartition(".")[0]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")
            base = ".".join([*above[: len(above) - node.level + 1], node.module or ""]) if node.level else node.module
            yield from (f"{base.rstrip('.')}.{name.name}" for name in node.names)
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) == "import_module":
            yield from (a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str))


def room(module: str) -> str:
    """The room of a module; a recipe in a chapter's folder counts among the recipes."""
    parts = module.split(".")
    if any(part.startswith("recipe_") for part in parts[2:]):
        return "recipes"
    return parts[1] if len(parts) > 1 else "__init__"


def chapter(module: str) -> str:
    """The chapter's folder in which a module lies, such as "outer.rlhf"; "" for what stands elsewhere."""
    parts = module.split(".")[1:3]
    return ".".join(parts) if len(parts) == 2 and parts[0] in SURVEY and PACKAGE.joinpath(*parts).is_dir() else ""


def wrong(source: str, module: str) -> list[str]:
    """What a module imports against the arrows."""
    ours = [name for name in imported(source, module) if name.split(".")[0] == "alignlab"]
    rooms = {name: room(name) for name in ours if room(name) != "__init__" and not room(name).startswith("__")}
    up = {name for name, other in rooms.items() if other not in MAY[room(module)]}
    aside = {name for name in rooms if chapter(name) not in ("", chapter(module))}
    return sorted(f"{module} imports {name}" for name in up | (aside if room(module) != "book" else set()))


def graph() -> dict[str, set[str]]:
    """Which modules each module imports, at its top or inside functions; an `__init__` goes by its folder's name."""
    sources = {name.removesuffix(".__init__"): (name, source) for name, source in modules().items()}
    found = {}
    for name, (full, source) in sources.items():
        wanted = set(imported(source, full))
        found[name] = {
            other if other in sources else other.rpartition(".")[0] for other in wanted if other.startswith("alignlab")
        } & set(sources) - {name}
    return found


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Modules that import each other, directly or through others."""
    sorter = graphlib.TopologicalSorter(graph)
    try:
        sorter.prepare()
    except graphlib.CycleError as error:
        return [error.args[1]]
    return []


def modules() -> dict[str, str]:
    """Source by module name; a room's `__init__` under the room's own name with `.__init__`."""
    return {
        ".".join(("alignlab", *p.relative_to(PACKAGE).with_suffix("").parts)): p.read_text()
        for p in PACKAGE.rglob("*.py")
    }


def test_every_module_belongs_to_a_known_room():
    assert {room(name) for name in modules()} <= set(MAY)
    described = (ROOT / "docs/architecture.md").read_text()
    assert all(f"`{name}`" in described for name in SURVEY)


def test_no_modules_import_each_other():
    """Neither at their tops nor inside functions, where a circle hides until it is called."""
    assert circles(graph()) == []
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}}) != []
    assert graph()["alignlab.lm.load"] >= {"alignlab.lm.adapters", "alignlab.lm.model", "alignlab.assets"}


BOOK = ("page", "files", "proof", "quiz", "site", "editions")  # each uses the ones before it, and the plan at the top


def test_the_book_has_rooms_of_its_own():
    """What a page uses needs no file of the book; only the command and the tests need the editions."""
    for name, others in graph().items():
        used = {part.split(".")[2] for part in others if part.count(".") > 2 and part.startswith("alignlab.book.")}
        own = name.split(".")[2] if name.count(".") > 2 else None
        if name.startswith("alignlab.book.") and own in BOOK:
            assert used <= {*BOOK[: BOOK.index(own) + 1]}, name
    tops = {name.split(".")[2] for name in modules() if name.startswith("alignlab.book.")}
    assert tops - {*BOOK} == {"__init__", "plan", "chapters", "parts"}


def test_the_arrows_hold():
    found = [line for name, source in modules().items() for line in wrong(source, name)]
    assert found == []


@pytest.mark.parametrize(
    "module, source",
    [
        ("alignlab.assets.store", "from alignlab.lm import load_lm"),
        ("alignlab.lm.load", "import alignlab.outer.reward"),
        ("alignlab.lm.load", "from ..book import claims"),
        ("alignlab.outer.reward", "def f():\n    from alignlab import interp"),
        ("alignlab.interp.probes", "from alignlab.evals.hhh import x"),
        ("alignlab.evals.hhh", "if TYPE_CHECKING:\n    from alignlab.book.page.claims import Claim"),
        ("alignlab.attacks.suffix", "import importlib\nimportlib.import_module('alignlab.book')"),
        ("alignlab.book.files.pages", "from alignlab.cli import app"),
        ("alignlab.book.files.pages", "from alignlab.scale import launch"),
        ("alignlab.interp.challenges.recipe_grokking", "from alignlab.book import claim"),
        ("alignlab.interp.challenges.grokking", "from alignlab.recipes import record"),
        ("alignlab.outer.rlhf.ppo", "from alignlab.outer.rlhf.recipe_ppo import RECIPE"),
        ("alignlab.outer.rlhf.page", "from alignlab.book.page.checks import judge"),
        ("alignlab.outer.rlhf.ppo", "from alignlab.outer.goals import tension"),
        ("alignlab.outer.reward", "from alignlab.outer.goals.tension import spanned"),
        ("alignlab.toys.storyland", "from alignlab.outer import reward"),
        ("alignlab.interp.probes", "from alignlab.recipes import record"),
        ("alignlab.__init__", "from alignlab.lm import load_lm"),
        ("alignlab.fingerprint", "from alignlab.assets import registry"),
    ],
)
def test_an_arrow_that_points_up_is_seen(module, source):
    assert len(wrong(source, module)) == 1


@pytest.mark.parametrize(
    "module, source",
    [
        ("alignlab.lm.load", "from alignlab import assets"),
        ("alignlab.risks.power", "from alignlab.outer import reward"),
        ("alignlab.evals.hhh", "from . import refusals"),
        ("alignlab.outer.rlhf.page", "from alignlab.exercises import Exercise\nfrom alignlab.outer.rlhf import ppo"),
        ("alignlab.book.page.checks", "from alignlab.exercises import Exercise"),
        ("alignlab.cli", "from alignlab import doctor"),
        ("alignlab.interp.challenges.recipe_grokking", "from alignlab.interp.challenges import grokking"),
        ("alignlab.interp.challenges.recipe_grokking", "from alignlab.recipes import Recipe"),
        ("alignlab.book.page.claims", "from alignlab import recipes"),
        ("alignlab.interp.probes", "from alignlab import __version__"),
    ],
)
def test_an_arrow_that_points_down_is_fine(module, source):
    assert wrong(source, module) == []


# --- how fast it starts


def fresh(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize(
    "module", ["alignlab", "alignlab.assets", "alignlab.cli", "alignlab.doctor", "alignlab.recipes"]
)
def test_starting_takes_a_fraction_of_a_second_and_loads_nothing_heavy(module):
    """0.3 s of processor time, median of five: `import alignlab`, and what the command imports before it works."""
    code = f"import time\nstart = time.process_time()\nimport {module}, sys\nprint(time.process_time() - start)"
    runs = [fresh(f"{code}\nprint(*sys.modules)").split() for _ in range(5)]
    assert not {name.split(".")[0] for name in runs[0][1:]} & HEAVY
    assert statistics.median(float(run[0]) for run in runs) < 0.3


# --- whose versions it accepts (of Colab's: tests/book/test_colab_versions.py)

PROJECT = tomllib.loads((ROOT / "code/pyproject.toml").read_text())["project"]
REQUIRED = {needed.name.lower(): needed for needed in map(Requirement, PROJECT["dependencies"])}


def test_the_ranges_still_refuse_something():
    for name, version in {
        "torch": "1.13.1",
        "transformers": "4.30.0",
        "numpy": "1.26.4",
        "ipywidgets": "7.6.0",
    }.items():
        assert not REQUIRED[name].specifier.contains(version), name
    assert not SpecifierSet(PROJECT["requires-python"]).contains("3.10.14")


def test_the_pins_lie_in_the_ranges():
    pins = dict(
        line.split("==") for line in (ROOT / "requirements.txt").read_text().lower().splitlines() if "==" in line
    )
    known = {name: pins[name] for name in REQUIRED if name in pins}
    assert {"torch", "transformers", "numpy", "gguf"} <= set(known)
    assert [name for name, version in known.items() if not REQUIRED[name].specifier.contains(version)] == []


NAMED = {"sklearn": "scikit-learn", "yaml": "pyyaml", "IPython": "ipython", "huggingface_hub": "transformers"}


def test_everything_the_rooms_import_is_declared():
    """Without the extras: on Colab only what the package itself requires is there. (transformers brings its hub.)"""
    used = {}
    for module, source in modules().items():
        for name in imported(source, module) if room(module) in LOWER else ():
            if (top := name.split(".")[0]) not in {*sys.stdlib_module_names, "alignlab", "__future__"}:
                used[NAMED.get(top, top).lower()] = module
    assert {"torch", "numpy", "transformers", "filelock"} <= set(used)
    assert {name: module for name, module in used.items() if name not in REQUIRED} == {}
