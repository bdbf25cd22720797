"""The Colab edition: the page's own code and numbers, and nothing in its prose that Colab would show raw."""

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
import yaml
from alignlab import __version__, cli
from alignlab.book.editions import colab
from alignlab.book.editions.myst import PlainError, blocks
from alignlab.book.editions.places import Places
from alignlab.book.editions.plain import Meanings, plain
from alignlab.book.files import pages
from alignlab.book.page import explorers
from alignlab.book.page.explorers import Spec, static_html
from alignlab.book.page.links import repository
from alignlab.book.page.numbers import GLUE
from alignlab.book.proof import costs
from alignlab.book.site.units import minutes
from support import ROOT
from typer.testing import CliRunner

EDITION = colab.Edition(ROOT)
SLUGS = EDITION.places.slugs
COSTS = costs.costs(ROOT)
RAW = ["{cite", "{glue", "```{", "~~~{", ":::", "+++", "{doc}", "{ref}", "{numref}", "{term}", "{eq}", "{exercise}"]


def stored(slug: str):
    return pages.read_notebook(pages.notebook_path(ROOT, slug))


@pytest.fixture(scope="module")
def made():
    """The Colab edition of every page."""
    return {slug: EDITION.notebook(slug) for slug in SLUGS}


def prose(notebook) -> list[str]:
    return [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]


def test_every_notebook_of_the_table_of_contents_has_its_edition():
    toc = (ROOT / "_toc.yml").read_text()
    named = re.findall(r"file: chapters/(\d\d-\S+)", toc)
    assert [slug for slug in named if (ROOT / f"chapters/{slug}.ipynb").exists()] == SLUGS
    assert "04-outer/reward-modeling" in SLUGS


@pytest.mark.parametrize("slug", SLUGS)
def test_no_directive_role_or_empty_link_is_left(made, slug):
    for text in prose(made[slug]):
        assert [mark for mark in RAW if mark in text] == [], text
        assert not re.search(r"\]\(\s*\)|\[\]\(", text), f"a link without address or words in: {text}"
        assert not re.search(r"\{[a-z][\w:-]*\}`", text), f"a role in: {text}"
        assert not re.search(r"^\([\w-]+\)=|^%", text, re.M), f"a target or a comment in: {text}"


@pytest.mark.parametrize("slug", SLUGS)
def test_links_lead_to_absolute_addresses(made, slug):
    for text in prose(made[slug]):
        outside = "\n".join("\n".join(b.lines) for b in blocks(text) if b.kind == "text")
        found = re.findall(r"\]\(([^)]*)\)", re.sub(r"`[^`]*`|\$[^$]*\$", "", outside))
        assert [link for link in found if not re.match(r"https?://[\w.-]+/", link)] == []


@pytest.mark.parametrize("slug", SLUGS)
def test_code_is_the_page_s_own_after_the_setup_cell(made, slug):
    code = [cell for cell in made[slug].cells if cell.cell_type == "code"]
    assert made[slug].cells[0] is code[0] and code[0].id == "setup"
    for own, made_of_it in zip([c for c in stored(slug).cells if c.cell_type == "code"], code[1:], strict=True):
        folded = "hide-input" in own.metadata.get("tags", [])
        says = own.metadata["mystnb"]["code_prompt_show"] if folded else ""
        assert made_of_it.source == (f"# @title {says}\n" if folded else "") + own.source
        assert made_of_it.metadata == ({"cellView": "form"} if folded else {})


@pytest.fixture(scope="module")
def again() -> colab.Edition:
    return colab.Edition(ROOT)


@pytest.mark.parametrize("slug", SLUGS)
def test_the_notebook_is_valid_and_made_the_same_twice(made, again, slug):
    nbformat.validate(made[slug])
    assert nbformat.writes(made[slug]) == nbformat.writes(again.notebook(slug))


@pytest.mark.parametrize("slug", SLUGS)
def test_numbers_in_prose_are_the_stored_ones(made, slug):
    """Each number stands between the words that surround its role on the page."""
    values = {
        output.metadata["scrapbook"]["name"]: output.data[f"{GLUE}text/plain"]
        for cell in stored(slug).cells
        for output in cell.get("outputs", [])
        if f"{GLUE}text/plain" in output.get("data", {})
    }
    text, used = "\n".join(prose(made[slug])), 0
    for cell in stored(slug).cells:
        if cell.cell_type != "markdown":
            continue
        for match in re.finditer(r"([\w ,.]*)\{glue:text\}`([\w-]+)`([\w ,.%]*)", cell.source):
            assert match[1] + values[match[2]] + match[3] in text, match[0]
            used += 1
    assert used == (ROOT / f"text/{slug}.md").read_text().count("{glue:text}`")


@pytest.mark.parametrize("slug", SLUGS)
def test_every_solution_is_folded(made, slug):
    wanted = sum(len(re.findall(r"^[`:]{3,}\{solution\}", cell.source, re.M)) for cell in stored(slug).cells)
    text = "\n".join(prose(made[slug]))
    folds = re.findall(r"^<details>\n<summary>Solution: ([^\n]+)</summary>\n\n(.+?)\n\n</details>$", text, re.M | re.S)
    assert len(folds) == wanted == text.count("<summary>Solution")
    assert all(title and body.strip() for title, body in folds)
    outside = re.sub(r"<details>.*?</details>", "", text, flags=re.S)
    for _, body in folds:
        assert body not in outside


@pytest.mark.parametrize("slug", SLUGS)
def test_outputs_hold_what_a_reader_sees_and_only_that(made, slug):
    own, shown = stored(slug), [c for c in made[slug].cells if c.cell_type == "code"][1:]
    for before, after in zip([c for c in own.cells if c.cell_type == "code"], shown):
        html = [o.data["text/html"] for o in before.outputs if "text/html" in o.get("data", {})]
        kept = [o.data["text/html"] for o in after.outputs if "text/html" in o.get("data", {})]
        assert len(html) == len(kept)
        assert [o.text for o in before.outputs if o.output_type == "stream"] == [
            o.text for o in after.outputs if o.output_type == "stream"
        ]
        for was, now in zip(html, kept):
            assert "<script" not in now or re.search("al-predict|al-model|al-claim", now)
            assert 'data-key="' not in now or "al-predict" in now
            assert was.count("<svg") == now.count("<svg") or "al-frames" in was
            if "al-frames" in was:
                assert now.count("<svg") == 1 and "<input" not in now and 'class="al-say"' in now
                said = re.search(r'<p class="al-say"[^>]*>(.*?)</p>', was)[1]
                assert said in now and f'aria-label="{said}"' in now
        for output in after.outputs:
            assert not [mime for mime in output.get("data", {}) if "vnd.alignlab" in mime or "papermill" in mime]


@pytest.mark.parametrize("slug", SLUGS)
def test_the_card_names_section_objectives_cost_and_the_page_in_the_book(made, slug):
    meta, text = stored(slug).metadata["alignlab"], made[slug].cells[1].source
    assert text.startswith("# ") and f"> Section {meta['section']} of the survey" in text
    for goal in meta["objectives"]:
        assert f"> - {goal}" in text
    assert f"{minutes(COSTS[slug])}, " in text and f"/chapters/{slug}.html)" in text
    assert all(name in text for name in meta["downloads"])


def test_the_colab_button_opens_what_the_workflow_publishes(tmp_path):
    """Button, export and workflow agree on branch, folder and file name."""
    url = repository(yaml.safe_load((ROOT / "_config.yml").read_text())["repository"]["url"]).colab(SLUGS[0])
    branch, path = re.fullmatch(
        r"https://colab\.research\.google\.com/github/[^/]+/[^/]+/blob/([^/]+)/(.+)", url
    ).groups()
    steps = yaml.safe_load((ROOT / ".github/workflows/pages.yml").read_text())["jobs"]["site"]["steps"]
    runs = [step.get("run", "") for step in steps]
    at = next(i for i, run in enumerate(runs) if "alignlab colab" in run)
    folder = re.search(r"--to (\S+)", runs[at])[1]
    build = next(i for i, run in enumerate(runs) if run.startswith("jupyter-book build"))
    publish = next(i for i, run in enumerate(runs) if f"git init -q -b {branch}" in run)
    assert build < at < publish and "cd _build/html\n" in runs[publish]
    colab.export(ROOT, tmp_path / folder, [SLUGS[0]])
    assert (tmp_path / "_build/html" / path).is_file()


def dead_links(notebook, address: str, built: Path) -> list[str]:
    """Links of a notebook's prose and outputs to the published site that the built site does not hold."""
    texts = prose(notebook)
    texts += [
        o.data["text/html"] for c in notebook.cells for o in c.get("outputs", []) if "text/html" in o.get("data", {})
    ]
    found = {link for text in texts for link in re.findall(rf"{re.escape(address)}([^\s)\"]*)", text)}
    dead = []
    for link in sorted(found):
        name, _, mark = link.partition("#")
        path = built / name
        html = path.read_text(encoding="utf-8") if path.is_file() else ""
        if not html or (mark and f'id="{mark}"' not in html):
            dead.append(link)
    return dead


def test_links_to_the_published_site_lead_somewhere(made, site):
    address = EDITION.places.repository.site
    assert {slug: dead for slug in SLUGS if (dead := dead_links(made[slug], address, site))} == {}


def test_addresses_of_labels_are_those_of_the_built_site(site):
    """Every label that an author gave and every entry of the glossary, whether a page refers to it or not."""
    address, dead = EDITION.places.repository.site, []
    given = {label: link for label, (_, link) in EDITION.places.labels.items() if "#" not in label}
    given |= EDITION.places.terms
    assert {"ex-reward-modeling-bt", "ccs", "bradley–terry model"} <= set(given)
    for label, link in given.items():
        name, _, mark = link.removeprefix(address).partition("#")
        if f'id="{mark}"' not in (site / name).read_text(encoding="utf-8"):
            dead.append((label, link))
    assert dead == []


# ---- the first cell ----


def setup_source(**environment) -> str:
    return colab.Edition(ROOT, ref="v9").setup()


def test_the_setup_cell_is_python_and_names_version_repository_and_ref(monkeypatch):
    monkeypatch.delenv("GITHUB_REPOSITORY", raising=False)
    source = setup_source()
    ast.parse(source)
    assert source.splitlines()[0].startswith("# @title") and 'display-mode: "form"' in source.splitlines()[0]
    url = yaml.safe_load((ROOT / "_config.yml").read_text())["repository"]["url"]
    assert f'VERSION = "{__version__}"' in source and f'"git+{url}@v9#subdirectory=code"' in source
    assert f"@v{__version__}#subdirectory=code" in colab.Edition(ROOT).setup()
    monkeypatch.setenv("GITHUB_REPOSITORY", "someone/fork")
    assert "git+https://github.com/someone/fork@v9#subdirectory=code" in setup_source()


def run_setup(monkeypatch, installed: dict[str, str], returncode: int = 0) -> list:
    """What the setup cell asks pip for on a machine with these packages."""
    import importlib.metadata

    asked = []

    def pip(command, **_):
        asked.append((command, Path(command[command.index("--constraint") + 1]).read_text()))
        return SimpleNamespace(returncode=returncode, stderr="no such tag")

    def version(name):
        if name not in installed:
            raise importlib.metadata.PackageNotFoundError(name)
        return installed[name]

    found = [SimpleNamespace(metadata={"Name": name}, version=number) for name, number in installed.items()]
    monkeypatch.setattr(importlib.metadata, "version", version)
    monkeypatch.setattr(importlib.metadata, "distributions", lambda: found)
    monkeypatch.setattr(subprocess, "run", pip)
    monkeypatch.setenv("GITHUB_REPOSITORY", "someone/fork")
    exec(compile(setup_source(), "setup", "exec"), {})
    return asked


def test_setup_installs_nothing_where_the_same_version_is_there(monkeypatch):
    assert run_setup(monkeypatch, {"alignlab": __version__, "torch": "2.11.0"}) == []


@pytest.mark.parametrize("own", [{}, {"alignlab": "0.0.1"}])
def test_setup_installs_the_helper_and_holds_what_is_installed(monkeypatch, own):
    machine = {"Torch": "2.11.0+cu128", "numpy": "2.1.3", "Foo_Bar": "1.0rc1", "odd": "0.3ubuntu2", **own}
    [(command, held)] = run_setup(monkeypatch, machine)
    assert command[1:4] == ["-m", "pip", "install"] and command[0] == sys.executable
    assert command[-1] == "alignlab @ git+https://github.com/someone/fork@v9#subdirectory=code"
    assert held.split() == ["foo-bar==1.0rc1", "numpy==2.1.3", "torch==2.11.0+cu128"]


def test_setup_says_what_pip_said_where_it_fails(monkeypatch):
    with pytest.raises(RuntimeError, match="no such tag"):
        run_setup(monkeypatch, {"torch": "2.11.0"}, returncode=1)


# ---- plain Markdown, piece by piece ----


def missing(name: str):
    raise PlainError(f"{name!r} is nowhere")


WORKS = {"a": ("Ann", "2020", "https://a"), "b": ("Bo et al.", "2021", "https://b")}
LABELS = {"ex": ("The loss", "https://site/x#ex"), "eq1": ("1", "https://site/x#equation-eq1")}
MEANS = Meanings(
    work=lambda key: WORKS.get(key) or missing(key),
    number=lambda name: {"peak": "1.93"}.get(name) or missing(name),
    page=lambda path: ("A page", f"https://site/{path}"),
    label=lambda name: LABELS.get(name) or missing(name),
    term=lambda name: f"https://site/glossary#{name}",
    part=lambda kind: (f"The {kind}", f"https://site/{kind}"),
    file=lambda path: f"https://raw/{path}",
)


@pytest.mark.parametrize(
    "text, expected",
    [
        ("{cite:t}`a` and {cite:p}`a,b`", "[Ann (2020)](https://a) and ([Ann, 2020](https://a); [Bo et al., 2021](https://b))"),
        ("{cite:t}`a, b`", "[Ann (2020)](https://a); [Bo et al. (2021)](https://b)"),
        ("about {glue:text}`peak` nats", "about 1.93 nats"),
        ("{doc}`p`, {doc}`there <p>`", "[A page](https://site/p), [there](https://site/p)"),
        ("{ref}`ex`, {ref}`this <ex>`, {numref}`ex`", "[The loss](https://site/x#ex), [this](https://site/x#ex), [The loss](https://site/x#ex)"),
        ("{term}`probe` {term}`probes <probe>`", "[probe](https://site/glossary#probe) [probes](https://site/glossary#probe)"),
        ("[](../p.md) [words](p.md#part) [](#ex)", "[A page](https://site/../p.md) [words](https://site/p.md#part) [The loss](https://site/x#ex)"),
        ("[out](https://x.org/a_(b)) ![alt](p.png)", "[out](https://x.org/a_(b)) ![alt](https://raw/p.png)"),
        ("code `{cite:t}` and ``a `{ref}` b`` stay", "code `{cite:t}` and ``a `{ref}` b`` stay"),
        ("a formula $\\{x\\}`$ stays", "a formula $\\{x\\}`$ stays"),
        ("$$x = 1$$ (eq1)\n\nsee {eq}`eq1`", "$$\nx = 1 \\tag{1}\n$$\n\nsee (1)"),
        ("(mark)=\n## Head\n\n% a comment\ntext\n\n+++\n\nmore", "## Head\n\ntext\n\nmore"),
        ("{#id .cls}\n## Head\n\n[wide]{.cls} words", "## Head\n\nwide words"),
        ("term\n: what it\n  means", "**term**: what it means"),
        ("\\begin{align}\na &= b\n\\end{align}", "$$\n\\begin{align}\na &= b\n\\end{align}\n$$"),
        ("```python\n{cite:t}`a`\n```", "```python\n{cite:t}`a`\n```"),
        ("```{note}\nMind {cite:t}`a`.\n```", "> **Note**\n>\n> Mind [Ann (2020)](https://a)."),
        ("````{admonition} Head\n:class: since\n\n```{tip}\nin\n```\n````", "> **Head**\n>\n> > **Tip**\n> >\n> > in"),
        (":::{warning}\nHot\n:::", "> **Warning**\n>\n> Hot"),
        ("```{admonition} Head\n:class: dropdown\n\nin\n```", "<details>\n<summary>Head</summary>\n\nin\n\n</details>"),
        ("```{exercise} The loss\n:label: ex\n\nWrite it.\n```", "### Exercise: The loss\n\nWrite it."),
        (
            "```{solution} ex\n:class: dropdown\n\nSo.\n```",
            "<details>\n<summary>Solution: The loss</summary>\n\nSo.\n\n</details>",
        ),
        ("```{figure} p.png\n:alt: A cat\n\nA caption.\n```", "![A cat](https://raw/p.png)\n\n*A caption.*"),
        ("```{math}\n:label: eq1\n\nx\n```", "$$\nx \\tag{1}\n$$"),
        (
            "```{list-table} T\n:header-rows: 1\n\n* - a\n  - b\n* - 1\n  - {cite:t}`a`\n```",
            "**T**\n\n| a | b |\n| --- | --- |\n| 1 | [Ann (2020)](https://a) |",
        ),
        ("```{play} chat\n:ask: Hi\n```", "*In the book, SmolLM2 runs here in the reader's browser.*"),
        (
            "```{watermark} 42\nOne: a text\n```",
            "*In the book, a reader pastes a text here and sees its green words counted, as by `marks.z_of_text`.*",
        ),
        ("```{survey-map}\n```", "*See [The survey-map](https://site/survey-map) in the book.*"),
        ("1. one\n\n   ```{note}\n   two\n   ```", "1. one\n\n   > **Note**\n   >\n   > two"),
    ],
)  # fmt: skip
def test_myst_becomes_plain(text, expected):
    assert plain(text, MEANS) == expected


@pytest.mark.parametrize(
    "text, words",
    [
        ("```{mermaid}\nx\n```", "directive {mermaid}"),
        ("{strange}`x`", "role {strange}"),
        ("{cite:t}`nobody`", "'nobody'"),
        ("{glue:text}`nothing`", "'nothing'"),
        ("```{note}\nopen", "never closed"),
        ("> ```{note}\n> in a quotation\n> ```", "no plain form"),
        ("{ref}`nowhere`", "'nowhere'"),
        ("an empty [words]()", "no plain form"),
    ],
)
def test_what_has_no_plain_form_is_named(text, words):
    with pytest.raises(PlainError, match=re.escape(words)):
        plain(text, MEANS)


# ---- a book of two pages ----


@pytest.fixture
def book(tmp_path):
    page = """---
kernelspec: {display_name: Python 3, language: python, name: python3}
alignlab: {section: "4.3", objectives: [Count], prerequisites: [05-inner/failures], downloads: []}
---

# Start

(home)=
## A place

See {doc}`../05-inner/failures`, {ref}`away`, {eq}`two`, [](#a-place) and the [map](/index).

$$ a $$ (one)

$$ b $$ (two)

```{code-cell} ipython3
print(1)
```
"""
    kernel = "---\nkernelspec: {display_name: P, language: python, name: python3}\n---\n\n"
    other = f"{kernel}# Failures\n\n(away)=\n## Away\n\nHi.\n"
    for slug, text in {"04-outer/rlhf": page, "05-inner/failures": other}.items():
        for path in (pages.text_path(tmp_path, slug), pages.notebook_path(tmp_path, slug)):
            path.parent.mkdir(parents=True, exist_ok=True)
        pages.text_path(tmp_path, slug).write_text(text)
        nbformat.write(pages.from_text(pages.text_path(tmp_path, slug)), pages.notebook_path(tmp_path, slug))
    (tmp_path / "index.md").write_text("# Home\n")
    (tmp_path / "_config.yml").write_text("repository: {url: https://github.com/Owner/book}\n")
    names = "".join(f"      - file: chapters/{slug}\n" for slug in ("04-outer/rlhf", "05-inner/failures"))
    (tmp_path / "_toc.yml").write_text(f"format: jb-book\nroot: index\nparts:\n  - chapters:\n{names}")
    shutil.copytree(ROOT / "references", tmp_path / "references")
    return tmp_path


def test_cross_references_lead_to_the_published_site(book, monkeypatch):
    monkeypatch.delenv("GITHUB_REPOSITORY", raising=False)
    text = "\n".join(prose(colab.Edition(book).notebook("04-outer/rlhf")))
    site = "https://owner.github.io/book"
    assert f"See [Failures]({site}/chapters/05-inner/failures.html), " in text
    assert f"[Away]({site}/chapters/05-inner/failures.html#away), (2), " in text
    assert f"[A place]({site}/chapters/04-outer/rlhf.html#a-place) and the [map]({site}/index.html)." in text
    assert f"**Read first:** [Failures]({site}/chapters/05-inner/failures.html)" in text


def test_export_writes_every_page_or_the_named_ones(book, tmp_path):
    to = tmp_path / "out"
    assert [p.relative_to(to).as_posix() for p in colab.export(book, to, ["failures"])] == ["05-inner/failures.ipynb"]
    assert len(colab.export(book, to)) == 2
    with pytest.raises(pages.PageError, match="'nothing' is no page"):
        colab.export(book, to, ["nothing"])


def test_the_command_writes_the_edition_and_installs_from_the_named_commit(book, tmp_path):
    to = tmp_path / "out"
    result = CliRunner().invoke(cli.app, ["colab", "rlhf", "--to", str(to), "--ref", "abc123", "--root", str(book)])
    assert (result.exit_code, result.stdout.strip()) == (0, str(to / "04-outer/rlhf.ipynb"))
    assert "@abc123#subdirectory=code" in pages.read_notebook(to / "04-outer/rlhf.ipynb").cells[0].source
    assert CliRunner().invoke(cli.app, ["colab"]).exit_code == 2


def test_a_page_that_cannot_be_plain_is_named_with_its_cell(book):
    path = pages.notebook_path(book, "04-outer/rlhf")
    notebook = pages.read_notebook(path)
    notebook.cells[0].source += "\n\n{strange}`x`"
    nbformat.write(notebook, path)
    with pytest.raises(pages.PageError, match=r"04-outer/rlhf, cell 0, for Colab: the role \{strange\}"):
        colab.export(book, book / "out")


def test_a_table_of_contents_that_names_no_file_is_an_error(book):
    (book / "index.md").unlink()
    with pytest.raises(pages.PageError, match="names index"):
        Places(book, "v1").titles  # noqa: B018


def test_an_explorer_stands_still_in_its_first_state():
    from matplotlib import pyplot as plt

    def draw(n):
        fig, ax = plt.subplots()
        ax.plot([0, n])
        return fig

    spec = Spec(draw, lambda n: f"It reaches {n}.", "A line", {"n": (1, 2, 3, 4, 5)}, {"n": 3}, {})
    html, _ = static_html(spec)
    still = explorers.explorer_html(*explorers.recorded(spec), still=True)
    assert html.count("<svg") == 5 and still.count("<svg") == 1
    assert 'aria-label="It reaches 3."' in still and ">It reaches 3.</p>" in still
    assert "<input" not in still and "<script" not in still and "Run this cell" in still
