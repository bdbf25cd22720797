"""What a change can have touched since it last passed on this machine: `alignlab check` and `pytest --changed`.

A file of tests, or a page, gets a *mark*: a fingerprint of all that its verdict can rest on. A page's is the code that
its cells reach, the book's own modules, its stored outputs, recipes' records and assets that it names, the tests'
set-up, pins and installed versions. A file of tests that stays within the survey's rooms has the code that it reaches;
any other may read the repository, so everything in it counts, but for what a page alone can have changed: then tests
that bear another page's name are left out. A test module may say what it reads with a constant, `READS = ("code",)`.
The marks of what passed are kept in the cache folder, by the repository's path.
"""

import ast
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from alignlab.assets import cache_dir
from alignlab.book.files import pages, renewing
from alignlab.fingerprint import WHOLE, Closure, Sources, closure
from alignlab.recipes import names as recipe_names
from alignlab.recipes._recipe import PACKAGE, assets_said, files_said

SETUP = ("conftest.py", "tests/conftest.py", "pytest.ini", "requirements.txt", "constraints.txt", "code/pyproject.toml")
FOUND = ("node", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Rooms whose tests read nothing but what they reach: code, files and assets that it names.
ROOMS = ("fingerprint", "assets", "lm", "outer", "inner", "interp", "attacks", "evals", "risks")
READERS = {"ROOT", "root", "site", "address", "fork", "__file__", "subprocess", "conftest", "cwd", "chdir"}


@dataclass(frozen=True)
class Mark:
    """A fingerprint: of what one page alone can change, by page, and of the rest."""

    rest: str
    pages: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """Whether a file of tests is to run, why, and, where only pages changed, which."""

    run: bool
    why: str
    only: tuple[str, ...] = ()


class Book:
    """The files of a book and their marks, read when first needed."""

    def __init__(self, root: Path) -> None:
        """Take the book in a folder."""
        self.root = Path(root).resolve()
        self.slugs = pages.slugs(self.root)
        self._used: set[str] = set()
        try:
            self._known: dict[str, list[Any]] = json.loads(self._memory.read_text())
        except (OSError, ValueError):
            self._known = {}

    @property
    def _memory(self) -> Path:
        return state_path(self.root).with_suffix(".code.json")

    def remember(self) -> None:
        """Keep what was computed from code, for a next run on the same."""
        _write(self._memory, {name: self._known[name] for name in self._used})

    def tests(self) -> list[str]:
        """All files that `pytest` runs, paths from the root."""
        found = [*self.root.glob("tests/**/test_*.py"), *self.root.glob("chapters/*/*.ipynb")]
        return sorted(path.relative_to(self.root).as_posix() for path in found)

    def mark(self, name: str) -> Mark:
        """The mark of a page's notebook or of a file of tests."""
        if name.endswith(".ipynb"):
            return Mark(self._page(name))
        source = (self.root / name).read_text(encoding="utf-8")
        reads = _reads(source)
        parts = self._once(source, lambda: self._test(source))
        if reads is None:
            return Mark(_digest(parts))
        inside = {path: sha for path, sha in self._files.items() if not reads or path.startswith(tuple(reads))}
        own = {slug: [f"text/{slug}.md", f"chapters/{slug}.ipynb"] for slug in self.slugs}
        of_pages = {path for paths in own.values() for path in paths}
        rest = sorted(item for item in inside.items() if item[0] not in of_pages)
        by_page = {slug: _digest([inside.get(path) for path in paths]) for slug, paths in own.items()}
        return Mark(_digest([parts, rest, self.slugs]), by_page if of_pages & set(inside) else {})

    def _once(self, key: Any, make: Any) -> list[Any]:
        """What a computation gives that rests on the code and tests as they are and on what makes its key."""
        code = {path: sha for path, sha in self._files.items() if path.endswith((".py", ".yml", ".toml"))}
        name = _digest(
            [key, code, self._common, [sha for path, sha in self._files.items() if path.startswith("code/")]]
        )
        if name not in self._known:
            self._known[name] = make()
        self._used.add(name)
        return self._known[name]

    def _test(self, source: str) -> list[Any]:
        name = f"test {_digest(source)}"
        reached = self._closure({name: source}, [(name, WHOLE)])
        return [*self._common, reached.digest, *self._named(reached), *self._helpers(source)]

    def modules_of(self, slug: str) -> frozenset[str]:
        """Modules of the survey's rooms that a page's cells import."""
        cells, _ = self._cells(f"chapters/{slug}.ipynb")
        imports = Sources(PACKAGE, {"__page__": cells}).module("__page__").loads
        return frozenset(name for name in imports if _room(name) in ROOMS and name.count(".") > 1)

    def serves(self, name: str, slug: str) -> bool:
        """Whether a file of tests is of what a page's cells import."""
        source = (self.root / name).read_text(encoding="utf-8")
        wanted = self.modules_of(slug)
        return bool(wanted & Sources(PACKAGE, {"__test__": source}).module("__test__").loads)

    def recipes_of(self, slug: str) -> list[str]:
        """Recipes that a page's cells name."""
        cells, _ = self._cells(f"chapters/{slug}.ipynb")
        texts = {n.value for n in ast.walk(ast.parse(cells)) if isinstance(n, ast.Constant)}
        return [name for name in recipe_names() if name in texts]

    def _page(self, name: str) -> str:
        cells, notebook = self._cells(name)
        said = pages.downloads(notebook)
        code = self._once([name, cells, self.slugs, said], lambda: self._code(name, cells, said))
        return _digest([code, [cell.get("outputs") for cell in notebook.cells]])

    def _code(self, name: str, cells: str, downloads: list[str]) -> list[Any]:
        """All that a page's run rests on but its stored outputs."""
        slug = name.removeprefix("chapters/").removesuffix(".ipynb")
        page = slug.split("/")[1].replace("-", "_")
        others = {other.split("/")[1].replace("-", "_") for other in self.slugs} - {page}

        def dynamic(module: str) -> bool:
            """Not what another page brings along, nor the recipes themselves: a page reads their records."""
            parts = module.split(".")
            return not others & set(parts) and not (parts[1:2] == ["recipes"] and not parts[-1].startswith("_"))

        more = {f"page {slug}": cells, "conftest": (self.root / "conftest.py").read_text(encoding="utf-8")}
        roots = [(module, WHOLE) for module in more] + [("alignlab.book.proof.mutation", WHOLE)]
        reached = self._closure(more, roots, dynamic)
        while room := sorted(m for m in reached.modules if _room(m) == "book" and (m, WHOLE) not in roots):
            roots += [(module, WHOLE) for module in room]
            reached = self._closure(more, roots, dynamic)
        own = [
            sha
            for path, sha in self._files.items()
            if path.startswith(("tests/", "code/")) and page in Path(path).with_suffix("").parts
        ]
        records = [
            sha
            for recipe in recipe_names()
            if recipe in reached.strings
            for path, sha in self._files.items()
            if path.startswith(f"code/src/alignlab/recipes/records/{recipe.replace('-', '_')}")
        ]
        said = reached.strings | set(downloads)
        static = [sha for path, sha in self._files.items() if path.startswith("code/src/alignlab/book/page/static/")]
        own += self._shown(f"page {slug}", cells)
        return [self._common, reached.digest, own, records, self._named(reached), assets_said(said), static]

    def _shown(self, name: str, cells: str) -> list[str]:
        """Checksums of the files whose functions a page may `show`: there, layout and docstrings count too."""
        sources = self._sources.extended({name: cells})
        page = sources.module(name)
        homes = {home for bound in page.imported for home, _ in sources.resolve(name, bound)} | page.loads
        paths = {sources.paths[home] for home in homes if _room(home) in ROOMS and sources.ours(home)}
        return sorted(hashlib.sha256(Path(path).read_bytes()).hexdigest() for path in paths)

    def _cells(self, name: str) -> tuple[str, Any]:
        """A page's code as one module's text; as a text that only names it, where it is no plain Python."""
        notebook = pages.read_notebook(self.root / name)
        code = "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
        try:
            ast.parse(code)
        except SyntaxError:  # a magic command: nothing can be told, so every module counts
            code = f"import importlib\nimportlib.import_module({'name'})\n{code!r}"
        return code, notebook

    def _closure(
        self, more: dict[str, str], roots: list[tuple[str, str]], dynamic: Any = lambda module: True
    ) -> Closure:
        return closure(self._sources.extended(more), roots, dynamic=dynamic)

    def _named(self, reached: Closure) -> list[str]:
        return [*files_said(reached, reached.strings, PACKAGE), *assets_said(reached.strings)]

    def _helpers(self, source: str) -> list[str]:
        """Checksums of modules beside the tests that a test imports, and of the repository's other packages."""
        tops = {name.split(".")[0] for name in _imports(source)}
        return [sha for path, sha in self._files.items() if tops & set(Path(path).with_suffix("").parts[:2])]

    @cached_property
    def _sources(self) -> Sources:
        return Sources(PACKAGE)

    @cached_property
    def _common(self) -> list[str]:
        """What everything rests on: set-up, pins, installed versions, Python, a browser and Node.js."""
        installed = sorted({found.name for folder in sys.path for found in Path(folder or ".").glob("*.dist-info")})
        machine = [platform.python_version(), platform.machine(), *(str(shutil.which(name)) for name in FOUND)]
        machine += sorted(path.name for path in Path.home().glob(".cache/ms-playwright/*"))
        required = [os.environ.get(name, "") for name in ("ALIGNLAB_REQUIRE_ALL", "ALIGNLAB_CHROMIUM")]
        return [_digest([installed, machine, required, [self._files.get(name) for name in SETUP]])]

    @cached_property
    def _files(self) -> dict[str, str]:
        """Checksums of the repository's files, those that git ignores apart."""
        command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
        run = subprocess.run(command, cwd=self.root, capture_output=True, text=True, check=False)
        listed = run.stdout.split("\0")[:-1]
        if run.returncode or not listed:
            found = (p for p in self.root.rglob("*") if not {"_build", "__pycache__"} & set(p.parts))
            listed = [p.relative_to(self.root).as_posix() for p in found if not p.parts[-1].startswith(".")]
        files = {name: self.root / name for name in sorted(listed)}
        return {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items() if path.is_file()}


def judge(mark: Mark, passed: Mark | None) -> Verdict:
    """Whether what has a mark is to run, by the mark with which it last passed."""
    if passed is None:
        return Verdict(True, "has not passed on this machine yet")
    if mark.rest != passed.rest or set(mark.pages) != set(passed.pages):
        return Verdict(True, "what it rests on has changed")
    moved = tuple(slug for slug, digest in mark.pages.items() if passed.pages[slug] != digest)
    if moved:
        return Verdict(True, f"of {', '.join(moved)} alone", moved)
    return Verdict(False, "nothing that it rests on has changed since it passed")


def state_path(root: Path) -> Path:
    """Where the marks of what passed are kept."""
    key = hashlib.sha256(str(Path(root).resolve()).encode()).hexdigest()[:12]
    return cache_dir() / "checked" / f"{key}.json"


def passed(root: Path) -> dict[str, Mark]:
    """The marks of what passed; none where the file is missing or can't be read."""
    try:
        return {name: Mark(**mark) for name, mark in json.loads(state_path(root).read_text()).items()}
    except (OSError, ValueError, TypeError):
        return {}


def keep(root: Path, marks: dict[str, Mark]) -> None:
    """Add marks to those of what passed."""
    _write(state_path(root), {name: asdict(mark) for name, mark in {**passed(root), **marks}.items()})


def check(root: Path, chosen: Sequence[str] = ()) -> int:
    """Run what a change can have touched; `pytest`'s exit code. chosen: pages to stay with, all where empty.

    A page of which only the prose changed gets it into its notebook without a run. Raises PageError where the code of
    a page changed, so that its notebook has to be written anew, and RecipeError where a page's record is stale.
    """
    from alignlab.recipes import RecipeError, record

    book = Book(root)
    slugs = [pages.resolve(root, name) for name in chosen] or book.slugs
    stale = []
    for slug in slugs:
        renewed = renewing.renew_prose(root, slug)
        if renewed is None:
            stale.append(slug)
        elif renewed:
            print(f"{slug}: prose renewed in its notebook; its code is the same, so nothing of it ran")
    if stale:
        names = " ".join(stale)
        raise pages.PageError(
            f"code of {', '.join(stale)} has changed: run `alignlab refresh {names}`, then this again"
        )
    for name in sorted({name for slug in slugs for name in book.recipes_of(slug)} if chosen else ()):
        if complaint := record(name).complaint():
            raise RecipeError(complaint)
    command = [sys.executable, "-m", "pytest", "--changed", *(f"--of={slug}" for slug in slugs if chosen)]
    return subprocess.run([*command, "-q"], cwd=root, check=False).returncode


# --- pytest's part; conftest.py loads it


def pytest_addoption(parser: Any) -> None:
    """Add `--changed`, and `--of PAGE` with which `alignlab check PAGE` stays with pages."""
    group = parser.getgroup("alignlab")
    group.addoption("--changed", action="store_true", help="run what a change can have touched since it last passed")
    group.addoption("--of", action="append", default=[], metavar="PAGE", help="with --changed: of these pages only")


def pytest_configure(config: Any) -> None:
    """Choose what runs, once, before workers start."""
    whole = config.args_source.name == "TESTPATHS" and not (config.option.keyword or config.option.markexpr)
    if hasattr(config, "workerinput") or config.option.collectonly or not (config.option.changed or whole):
        return
    config.pluginmanager.register(Run(config), "alignlab-changed")


class Run:
    """One run of the tests: what it leaves out, and what passed."""

    def __init__(self, config: Any) -> None:
        """Choose the files to run."""
        self.book, self.of = Book(config.rootpath), tuple(config.option.of)
        self.bad: set[str] = set()
        self.seen: set[str] = set()
        known = passed(self.book.root)
        self.marks, self.verdicts = dict[str, Mark](), dict[str, Verdict]()
        pages_too = getattr(config.option, "nbval", False)
        for name in self._names():
            if name.endswith(".ipynb") and not pages_too:
                continue
            self.marks[name] = mark = self.book.mark(name)
            found = judge(mark, known.get(name))
            if config.option.changed and self.of and found.run and not name.endswith(".ipynb") and mark.pages:
                found = Verdict(True, found.why, self.of)
                earlier = [known.get(f"{name} of {slug}") for slug in self.of]
                if all(e and e.rest == mark.rest and e.pages[s] == mark.pages[s] for e, s in zip(earlier, self.of)):
                    found = Verdict(False, "nothing that its tests of the page rest on has changed")
            self.verdicts[name] = found if config.option.changed else Verdict(True, "everything runs")
        self.book.remember()
        if config.option.changed:
            chosen = [name for name, found in self.verdicts.items() if found.run]
            config.args = [str(self.book.root / name) for name in chosen]
            only = {name: self.verdicts[name].only for name in chosen if self.verdicts[name].only}
            os.environ["ALIGNLAB_CHANGED"] = json.dumps([only, self.book.slugs, bool(self.of), chosen])
            self._say()
            if not chosen:
                import pytest

                pytest.exit("nothing to run", returncode=0)

    def _names(self) -> list[str]:
        names = self.book.tests()
        if not self.of:
            return names
        return [
            name
            for name in names
            if (name.endswith(".ipynb") and name[9:-6] in self.of)
            or (name.endswith(".py") and (self._reads(name) or any(self.book.serves(name, slug) for slug in self.of)))
        ]

    def _reads(self, name: str) -> bool:
        """Whether a file of tests reads pages."""
        reads = _reads((self.book.root / name).read_text(encoding="utf-8"))
        return reads is not None and (not reads or any("text".startswith(r) or "chapters".startswith(r) for r in reads))

    def _say(self) -> None:
        """Print what runs and what does not, and why."""
        left = [name for name, found in self.verdicts.items() if not found.run]
        for name, found in self.verdicts.items():
            if found.run:
                print(f"runs: {name} ({found.why})")
        if left:
            print(f"left out, since nothing that they rest on has changed since they passed: {len(left)} files")
        if self.of:
            print(f"left out, since {', '.join(self.of)} alone was asked for: the rest of the book")
        sys.stdout.flush()

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Note which files ran and which did not pass; what could not be verified did not."""
        name = report.nodeid.split("::")[0]
        self.seen.add(name)
        if report.failed or (report.skipped and "NOT verified" in str(report.longrepr)):
            self.bad.add(name)

    def pytest_collectreport(self, report: Any) -> None:
        """Note files that could not be read."""
        if report.failed:
            self.bad.add(report.nodeid.split("::")[0])

    def pytest_sessionfinish(self, session: Any, exitstatus: int) -> None:
        """Keep the marks of what passed as a whole."""
        if int(exitstatus) not in (0, 1) or session.shouldfail or session.shouldstop:
            return
        good = {name: self.marks[name] for name in self.seen - self.bad if name in self.marks}
        for name in list(good):
            if self.of and self.verdicts[name].only:
                mark = good.pop(name)
                good |= {f"{name} of {slug}": mark for slug in self.of}
        keep(self.book.root, good)


def pytest_ignore_collect(collection_path: Path, config: Any) -> bool | None:
    """Leave out files that did not change: workers are given the run's own arguments, not the chosen files."""
    if not config.option.changed or "ALIGNLAB_CHANGED" not in os.environ or collection_path.is_dir():
        return None
    chosen = json.loads(os.environ["ALIGNLAB_CHANGED"])[3]
    return True if collection_path.relative_to(config.rootpath).as_posix() not in chosen else None


def pytest_collection_modifyitems(config: Any, items: list[Any]) -> None:
    """Leave out tests that bear the name of a page that did not change."""
    if not config.option.changed or "ALIGNLAB_CHANGED" not in os.environ:
        return
    only, slugs, asked, _ = json.loads(os.environ["ALIGNLAB_CHANGED"])
    kept: list[Any] = []
    left: list[Any] = []
    for item in items:
        pages_of = only.get(item.nodeid.split("::")[0])
        named = {slug for slug in slugs if slug in item.nodeid.partition("[")[2]}
        out = pages_of and ((named and not named & set(pages_of)) or (asked and not named))
        (left if out else kept).append(item)
    items[:] = kept
    if left:
        config.hook.pytest_deselected(items=left)


def _reads(source: str) -> list[str] | None:
    """Beginnings of paths that a test module reads: as it says itself, none for all; None where it reads nothing."""
    tree = ast.parse(source)
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(getattr(t, "id", "") == "READS" for t in node.targets):
            return list(ast.literal_eval(node.value))
    used = {
        getattr(node, key)
        for node in ast.walk(tree)
        for key in ("id", "attr", "arg")
        if isinstance(getattr(node, key, None), str)
    }
    foreign = [n for n in _imports(source) if n.split(".")[0] == "alignlab" and _room(n) not in (*ROOMS, "")]
    return [] if foreign or READERS & (used | {n.split(".")[0] for n in _imports(source)}) else None


def _imports(source: str) -> Iterable[str]:
    return Sources(PACKAGE, {"__test__": source}).module("__test__").loads


def _room(module: str) -> str:
    return module.split(".")[1] if module.startswith("alignlab.") else ""


def _write(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(f".{os.getpid()}.part")
    beside.write_text(json.dumps(value))
    beside.replace(path)


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]
