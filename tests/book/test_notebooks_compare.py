"""Changing one digit or word of a stored result fails the comparison; another processor's last digit does not."""

import copy
import re
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from alignlab.book.files import pages, renewing
from alignlab.book.page import card, claims, explorers, figures, guesses, inpage, numbers, tables
from alignlab.book.page.fragments import digest, dressed_once, script, style
from alignlab.book.page.kinds import Kind
from alignlab.book.proof import compare
from matplotlib import pyplot as plt
from support import ROOT

RECORD = {
    "chapter": "99-test/page",
    "id": "page/works",
    "paper": "nobody2024",
    "says": "it works",
    "method": "alignlab.outer.pretended.method",
    "source": "live",
    "measures": [
        {"name": "gain", "unit": "", "seeds": [0, 1, 2], "values": [1.0, 1.1, 1.2], "band": [0.5, None], "tol": 0.024}
    ],
    "controls": [{"name": "off", "of": "gain", "removed": "the method", "values": [0.0, 0.1, 0.2]}],
    "passed": True,
}
NUMBER = {"name": "peak", "value": 1.9312, "digits": 2, "tol": 0.0386}
NUMBER["digest"] = digest(NUMBER)
TABLE = {"caption": "Scores", "columns": ["who", "score"], "rows": [["a", 0.51], ["b", 0.25]], "digits": 2, "tol": 0.02}
PICTURE = (
    ' viewBox="0 0 4 4"><path d="M 0 1"/><g><text x="1">steps of training</text><text>best 0.83</text>'
    "<text>20</text></g></svg>"
)
WEIGHTS = "AAbb"
GUESS = {"key": "99-test/page/peak", "question": "Where?", "options": ["left", "right"], "answer": 1, "because": "so"}
MODEL = {
    "title": "Ask it",
    "say": "Type a word.",
    "id": "m0",
    "start": "may I",
    "presets": [{"label": "found", "text": "oh my", "drawn": True}, {"label": "own", "text": "may I", "drawn": False}],
    "sentence": "After may I the next token is go.",
    "options": "{}",
}


def shown(kind: Kind, record: dict, *pieces: str) -> list:
    return [{"output_type": "display_data", "metadata": {}, "data": kind.bundle(record, pieces)}]


def drawing(picture: str = PICTURE, **changes) -> list:
    """A figure, its words as they stand in its picture."""
    record = {"title": "It rises", "subtitle": "5 seeds", "alt": "A line rises to 4", "width": "text"}
    return shown(figures.KIND, {**record, "words": figures.words(picture), **changes}, picture)


def html(text: str) -> list:
    return [{"output_type": "display_data", "metadata": {}, "data": {"text/html": text, "text/plain": "x"}}]


def explored(peak: float, tol: float | None = 0.1, word: str = "peaks", title: str = "A title", drawn=False) -> list:
    def draw(n):
        fig, ax = plt.subplots(figsize=(2, 1))
        ax.plot([0, n])
        ax.text(0.5, 0.1 * n, word)
        return fig

    states = {"n": (1, 2, 3, 4, 5)}
    spec = explorers.Spec(draw, lambda n: f"It {word} at {peak + n:.1f}.", title, states, {"n": 1}, {}, tol, drawn)
    record, pieces = explorers.recorded(spec)
    plt.close("all")
    return shown(explorers.KIND, record, *pieces)


ALL = {
    "claim": shown(card.KIND, RECORD),
    "number": shown(numbers.KIND, NUMBER),
    "table": shown(tables.KIND, TABLE),
    "figure": drawing(),
    "explorer": explored(10.0),
    "model": shown(inpage.KIND, MODEL, WEIGHTS),
    "guess": shown(guesses.KIND, GUESS),
    "text": [{"output_type": "stream", "name": "stdout", "text": "loss 0.69\n"}],
}


FULL = copy.deepcopy(RECORD)
FULL["measures"][0] |= {
    "separation": 8.0,
    "band_from": "pilot on seeds 100-104",
    "band_history": [{"from": [0.6, None], "to": [0.5, None], "why": "one seed", "seeds": "100-105"}],
    "items": 40,
}
FULL["controls"][0] |= {"rival": True, "why": "words may do it", "could": "it is counted"}
ALL["complete claim"] = shown(card.KIND, FULL)


@pytest.mark.parametrize("name", ALL)
def test_the_same_outputs_are_the_same(name):
    assert compare.outputs_differ(ALL[name], copy.deepcopy(ALL[name])) == []


def strings(node, path=()):
    """Every string of an output with the way to it."""
    if isinstance(node, str):
        yield path, node
    elif isinstance(node, dict | list):
        for key, child in node.items() if isinstance(node, dict) else enumerate(node):
            yield from strings(child, (*path, key))


def changed(outputs: list, path: tuple, text: str) -> list:
    outputs = copy.deepcopy(outputs)
    node = outputs
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = text
    return outputs


def visible(text: str) -> list[tuple[int, int]]:
    """Where words and digits that a reader sees or hears stand: outside tags, or in a label."""
    hidden = [m.span() for m in re.finditer(r"<(style|script) .*?</\1>", text, re.DOTALL)]
    tags = [m.span() for m in re.finditer(r"<[^>]*>", text)]
    labels = [m.span(1) for m in re.finditer(r'aria-label="([^"]*)"', text)]
    spans = []
    for match in re.finditer(r"\d|[A-Za-z]{3,}", text):
        at = match.start()
        inside = any(a <= at < b for a, b in tags) and not any(a <= at < b for a, b in labels)
        if not inside and not any(a <= at < b for a, b in hidden):
            spans.append(match.span())
    return spans


@pytest.mark.parametrize("name", ALL)
def test_any_one_digit_or_word_changed_fails(name):
    tried = 0
    for path, text in strings(ALL[name]):
        if path[-1] in ("output_type", "name") and len(path) == 2:
            continue
        for start, end in visible(text):
            piece = text[start:end]
            other = str((int(piece) + 1) % 10) if piece.isdigit() else piece[::-1] + "x"
            tampered = changed(ALL[name], path, text[:start] + other + text[end:])
            assert compare.outputs_differ(tampered, ALL[name]), (path, piece, other)
            tried += 1
    assert tried > 1


def fresh_claim(kind: str, **changes) -> list:
    record = copy.deepcopy(FULL)
    record[kind][0] |= changes
    return shown(card.KIND, record)


def test_a_separation_moves_with_its_values_and_is_compared_with_them_alone():
    moved = fresh_claim("measures", values=[1.01, 1.1, 1.2], separation=8.51)
    assert compare.outputs_differ(ALL["complete claim"], moved) == []
    problems = compare.outputs_differ(fresh_claim("measures", separation=9.0), ALL["complete claim"])
    assert "separation 9.0 of gain is stored, its stored values give 8.0" in problems[0]


@pytest.mark.parametrize(
    "kind, change",
    [
        ("measures", {"band_from": "paper: Table 1"}),
        ("measures", {"band_history": []}),
        ("measures", {"items": 41}),
        ("controls", {"rival": False}),
        ("controls", {"why": "length may do it"}),
        ("controls", {"could": None}),
    ],
)
def test_what_a_claim_says_of_its_proof_is_compared_exactly(kind, change):
    assert any(
        f"stored {kind} are not those" in p
        for p in compare.outputs_differ(ALL["complete claim"], fresh_claim(kind, **change))
    )


def test_a_claim_stored_before_it_could_say_more_is_what_a_claim_is_that_says_no_more():
    bare = copy.deepcopy(RECORD)
    bare["measures"][0] |= {"separation": 8.0, "band_from": None, "band_history": [], "items": None}
    bare["controls"][0] |= {"rival": False, "why": None, "could": None}
    assert compare.outputs_differ(ALL["claim"], shown(card.KIND, bare)) == []
    assert compare.outputs_differ(ALL["claim"], ALL["complete claim"])


def tampered(outputs: list, piece: str, other: str, mimes: tuple[str, ...] = ("text/html",)) -> list:
    """Outputs with a piece of them changed after the run."""
    outputs = copy.deepcopy(outputs)
    for mime in mimes:
        assert piece in outputs[0]["data"][mime]
        outputs[0]["data"][mime] = outputs[0]["data"][mime].replace(piece, other)
    return outputs


@pytest.mark.parametrize(
    "name, piece, other",
    [
        ("figure", "M 0 1", "M 0 2"),
        ("figure", ">best 0.83<", ">best 0.84<"),
        ("figure", ">20<", ">21<"),
        ("figure", ">steps of training<", ">steps of testing<"),
        ("figure", 'viewBox="0 0 4 4"', 'viewBox="0 0 4 5"'),
        ("model", "AAbb", "AAbc"),
        ("explorer", "<path", "<path "),
    ],
)
def test_a_change_inside_a_picture_or_a_models_weights_fails(name, piece, other, tmp_path):
    found = compare.outputs_differ(tampered(ALL[name], piece, other), ALL[name])
    assert any("was changed after the run" in problem for problem in found)
    path = notebook_with(tampered(ALL[name], piece, other), tmp_path)
    renewing.restyle(tmp_path)
    renewed = pages.read_notebook(path).cells[0].outputs
    assert compare.outputs_differ(renewed, ALL[name]), "restyle hides no change"


def notebook_with(outputs: list, root: Path) -> Path:
    cell = nbformat.v4.new_code_cell("1", outputs=[nbformat.from_dict(output) for output in outputs], id="a")
    for folder in ("text/01-a", "chapters/01-a"):
        (root / folder).mkdir(parents=True)
    (root / "text/01-a/b.md").write_text("# B\n")
    pages.write(nbformat.v4.new_notebook(cells=[cell]), root / "chapters/01-a/b.ipynb")
    return root / "chapters/01-a/b.ipynb"


@pytest.mark.parametrize("name", ALL)
def test_a_stored_output_is_read_back_and_renewed_as_it_was(name, tmp_path):
    path = notebook_with(ALL[name], tmp_path)
    assert compare.outputs_differ(pages.read_notebook(path).cells[0].outputs, ALL[name]) == []
    assert renewing.restyle(tmp_path) == []


@pytest.mark.parametrize("name", ["figure", "explorer", "model", "guess", "number"])
def test_a_word_changed_in_record_and_print_alike_breaks_the_records_seal(name, tmp_path):
    """Even where the stored output is printed anew from the changed record."""
    forged = copy.deepcopy(ALL[name])
    kind = compare.kind_of(forged[0]["data"])
    record = forged[0]["data"][kind.mime]
    told = {"figure": "alt", "explorer": "sentences", "model": "sentence", "guess": "because", "number": "value"}[name]
    record[told] = {"explorer": ["It peaks at 9.0."] * 5, "number": 1.94}.get(name, "other words")
    forged[0]["data"] = kind.renewed(forged[0]["data"])
    assert any("was changed after the run" in problem for problem in compare.stored_is_printed(forged[0]["data"]))


def test_an_output_without_the_record_that_the_run_gives_fails():
    for name in ("figure", "explorer", "model", "guess"):
        bare = copy.deepcopy(ALL[name])
        del bare[0]["data"][compare.kind_of(bare[0]["data"]).mime]
        assert "stored types are" in compare.outputs_differ(bare, ALL[name])[0]
        broken = copy.deepcopy(ALL[name])
        broken[0]["data"][compare.kind_of(broken[0]["data"]).mime] = {}
        assert compare.outputs_differ(broken, ALL[name])


def test_a_run_that_writes_other_words_into_a_picture_fails():
    """Its lines and numbers may be another processor's; words are the page's own."""
    for piece, other, differs in (
        ("M 0 1", "M 0 2", False),
        (">best 0.83<", ">best 0.81<", False),
        (">20<", ">25<", False),
        (">best 0.83<", ">worst 0.83<", True),
        (">steps of training<", ">epochs of training<", True),
        ("<text>best 0.83</text>", "", True),
    ):
        fresh = drawing(PICTURE.replace(piece, other))
        assert bool(compare.outputs_differ(drawing(), fresh)) == differs, (piece, other)


@pytest.mark.parametrize(
    "path, value",
    [
        (("measures", 0, "values", 1), 1.2),
        (("measures", 0, "band", 0), 0.4),
        (("measures", 0, "tol"), 5.0),
        (("measures", 0, "seeds", 0), 7),
        (("controls", 0, "values", 2), 0.3),
        (("says",), "it never works"),
        (("passed",), False),
        (("method",), "alignlab.outer.other"),
    ],
)
def test_a_forged_record_fails_even_with_a_card_that_matches(path, value):
    forged = copy.deepcopy(RECORD)
    node = forged
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = value
    assert compare.outputs_differ(shown(card.KIND, forged), ALL["claim"])


@pytest.mark.parametrize("name", ["claim", "number", "table"])
def test_a_digit_that_no_print_shows_fails_too(name):
    tampered = copy.deepcopy(ALL[name])
    record = tampered[0]["data"][compare.kind_of(tampered[0]["data"]).mime]
    if name == "claim":
        record["measures"][0]["values"][0] = 1.001
    elif name == "number":
        record["value"] = 1.9313
    else:
        record["rows"][0][1] = 0.5101
    assert compare.outputs_differ(tampered, ALL[name])


def test_a_card_that_is_not_its_records_fails():
    tampered = copy.deepcopy(ALL["claim"])
    tampered[0]["data"]["text/html"] = card.card_html({**RECORD, "measures": [{**RECORD["measures"][0], "tol": 0.024}]})
    assert not compare.outputs_differ(tampered, ALL["claim"])
    dots = tampered[0]["data"]["text/html"]
    tampered[0]["data"]["text/html"] = re.sub(r'cx="\d', 'cx="1', dots, count=1)
    assert compare.outputs_differ(tampered, ALL["claim"]), "the strip plot is compared with its record too"


def test_values_may_move_within_their_tolerance_and_not_beyond():
    near, far = copy.deepcopy(RECORD), copy.deepcopy(RECORD)
    near["measures"][0]["values"][0], far["measures"][0]["values"][0] = 1.02, 1.03
    near["measures"][0]["tol"] = 0.0242
    assert not compare.outputs_differ(shown(card.KIND, RECORD), shown(card.KIND, near))
    assert compare.outputs_differ(shown(card.KIND, RECORD), shown(card.KIND, far))
    number = shown(numbers.KIND, NUMBER)
    assert not compare.outputs_differ(number, shown(numbers.KIND, {**NUMBER, "value": 1.95}))
    assert compare.outputs_differ(number, shown(numbers.KIND, {**NUMBER, "value": 1.98}))
    moved = {**TABLE, "rows": [["a", 0.52], ["b", 0.25]]}
    assert not compare.outputs_differ(shown(tables.KIND, TABLE), shown(tables.KIND, moved))
    exact = {**TABLE, "tol": None}
    assert compare.outputs_differ(shown(tables.KIND, exact), shown(tables.KIND, {**exact, "rows": moved["rows"]}))


def test_a_control_may_have_a_tolerance_of_its_own():
    stored, near, far = (copy.deepcopy(RECORD) for _ in range(3))
    for record, value in ((stored, 0.0), (near, 0.3), (far, 0.5)):
        record["controls"][0] |= {"tol": 0.4, "values": [value, 0.1, 0.2]}
    assert not compare.outputs_differ(shown(card.KIND, stored), shown(card.KIND, near))
    assert compare.outputs_differ(shown(card.KIND, stored), shown(card.KIND, far))
    forged = copy.deepcopy(stored)
    forged["controls"][0]["tol"] = 40.0
    assert compare.outputs_differ(shown(card.KIND, forged), shown(card.KIND, stored))
    del forged["controls"][0]["tol"]
    assert compare.outputs_differ(shown(card.KIND, forged), shown(card.KIND, stored))


def test_what_a_trained_model_wrote_is_not_compared_with_another_runs_and_kept_from_changes():
    told = {**TABLE, "drawn": ["who"]}
    other = {**told, "rows": [["c", 0.51], ["b", 0.25]]}
    assert not compare.outputs_differ(shown(tables.KIND, told), shown(tables.KIND, other))
    assert compare.outputs_differ(shown(tables.KIND, TABLE), shown(tables.KIND, {**other, "drawn": []}))
    assert compare.outputs_differ(
        shown(tables.KIND, told), shown(tables.KIND, {**told, "rows": [["a", 0.6], ["b", 1]]})
    )
    tampered = shown(tables.KIND, told)
    tampered[0]["data"]["text/plain"] = tampered[0]["data"]["text/plain"].replace("b ", "d ")
    assert compare.outputs_differ(tampered, shown(tables.KIND, told))


def test_a_preset_that_a_search_found_is_not_compared_with_another_runs():
    def found(drawn: bool, text: str) -> list:
        return shown(inpage.KIND, {**MODEL, "presets": [{"label": "x", "text": text, "drawn": drawn}]}, WEIGHTS)

    assert not compare.outputs_differ(found(True, "a b"), found(True, "c d"))
    assert compare.outputs_differ(found(False, "a b"), found(False, "c d"))
    assert not compare.outputs_differ(ALL["model"], shown(inpage.KIND, MODEL, "CCdd")), (
        "weights are another processor's"
    )


def test_an_explorers_drawn_words_are_not_compared_and_its_title_is():
    def outputs(word: str, title: str = "Words, swapped", drawn: bool = True) -> list:
        return explored(0.0, None, word, title, drawn)

    assert not compare.outputs_differ(outputs("duva"), outputs("futa"))
    assert compare.outputs_differ(outputs("duva", drawn=False), outputs("futa", drawn=False))
    assert compare.outputs_differ(outputs("duva"), outputs("duva", "Other words"))
    for old, new in (("duva at 1", "duva at 9"), (">duva<", ">futa<")):
        assert compare.outputs_differ(tampered(outputs("duva"), old, new), outputs("duva")), old


def test_what_carries_no_statement_is_not_compared():
    restyled = tampered(ALL["figure"], "--al-grid:#", "--al-grid: #")
    assert not compare.outputs_differ(restyled, ALL["figure"])
    assert compare.outputs_differ(ALL["figure"], drawing(alt="A line falls to 4"))
    links = '<a href="https://github.com/{}/blob/main/code/a.py">a</a>'
    assert not compare.outputs_differ(html(links.format("one/book")), html(links.format("fork/book2")))
    assert compare.outputs_differ(
        html(links.format("one/book")), html(links.format("one/book").replace("a.py", "b.py"))
    )


def test_stderr_and_missing_or_extra_outputs_fail():
    warned = [*ALL["text"], {"output_type": "stream", "name": "stderr", "text": "careful"}]
    assert compare.outputs_differ(ALL["text"], warned) and compare.outputs_differ(warned, warned)
    assert compare.outputs_differ(ALL["text"], []) and compare.outputs_differ([], ALL["text"])


def test_a_table_prints_from_its_record(monkeypatch):
    outputs = []
    monkeypatch.setattr("IPython.display.display", lambda bundle, **_: outputs.append(bundle))
    tables.table(pd.DataFrame({"n": [3, 40], "loss": [0.5, -1.25], "who": ["a<b", "c"]}), caption="Losses")
    printed = outputs[0]["text/html"]
    assert tables.KIND.bundle(outputs[0][tables.KIND.mime]) == outputs[0]
    tables.table(pd.DataFrame({"gain": [-0.001, -0.01]}), caption="No minus before a zero")
    assert ">0.00<" in outputs[1]["text/html"] and ">\u22120.01<" in outputs[1]["text/html"]
    with pytest.raises(ValueError, match="story"):
        tables.table(pd.DataFrame({"gain": [0.1]}), caption="No such column", drawn=["story"])
    assert "a&lt;b" in printed and "\u22121.25" in printed and '<th scope="col" class="al-num">n</th>' in printed


def every_stored_output():
    for slug in pages.slugs(ROOT):
        path = pages.notebook_path(ROOT, slug)
        for cell in pages.read_notebook(path).cells if path.exists() else []:
            for output in cell.get("outputs", []):
                yield slug, output


def test_every_stored_record_prints_what_stands_beside_it():
    wrong = [
        (slug, problem)
        for slug, output in every_stored_output()
        if "data" in output
        for problem in compare.stored_is_printed(output.data)
    ]
    assert not wrong, wrong


def test_no_picture_is_stored_without_a_record():
    """Every picture and model of a page is of a kind that holds its fingerprint."""
    bundles = [(slug, output.data) for slug, output in every_stored_output() if "data" in output]
    bare = [slug for slug, data in bundles if not compare.kind_of(data) and "<svg" in str(data.get("text/html"))]
    assert not bare, "run `alignlab refresh`"
    assert not {mime for _, data in bundles for mime in data if mime.startswith("image/")}


def test_every_stored_claim_holds():
    assert not [
        record["id"] for record in pages.claims_records(ROOT) if claims.complaints(record) or not record["passed"]
    ]


def test_stored_outputs_carry_todays_style_and_scripts():
    assert not renewing.restyle(ROOT, write_files=False), "run `alignlab refresh`, or files.renewing.restyle"


def test_no_page_switches_the_comparison_off():
    for slug in pages.slugs(ROOT):
        path = pages.notebook_path(ROOT, slug)
        for cell in pages.read_notebook(path).cells if path.exists() else []:
            tags = set(cell.metadata.get("tags", [])) & {
                "nbval-skip",
                "nbval-ignore-output",
                "raises-exception",
                "skip",
            }
            assert not tags and not re.search(r"NBVAL_(SKIP|IGNORE)", cell.source), (slug, cell.source[:60])
            assert cell.cell_type != "code" or cell.execution_count is not None, (
                f"{slug}: a cell has not run: {cell.source[:60]}"
            )


def test_restyle_renews_old_blocks_and_nothing_else(tmp_path):
    old = '<style data-al="figure">p{color:red}</style><p>4</p><script data-al="explorer">old()</script>'
    cell = nbformat.v4.new_code_cell("1", outputs=[nbformat.v4.new_output("display_data", {"text/html": old})], id="a")
    for folder in ("text/01-a", "chapters/01-a"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "text/01-a/b.md").write_text("# B\n")
    pages.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / "chapters/01-a/b.ipynb")
    assert renewing.restyle(tmp_path) == ["01-a/b"] and renewing.restyle(tmp_path) == []
    fresh = pages.read_notebook(tmp_path / "chapters/01-a/b.ipynb").cells[0].outputs[0].data["text/html"]
    assert fresh == f"{style('figure')}<p>4</p>{script('explorer')}"


def test_an_explorers_trained_numbers_move_within_its_tolerance_and_not_beyond():
    assert compare.outputs_differ(explored(10.0), explored(10.4)) == []
    assert compare.outputs_differ(explored(10.0), explored(12.0)) != []
    assert compare.outputs_differ(explored(10.0), explored(10.0, word="falls")) != []
    assert compare.outputs_differ(explored(10.0, tol=None), explored(10.4, tol=None)) != []


def test_a_changed_digit_of_such_a_sentence_fails_although_it_is_within_tolerance():
    for kind in ("text/html", "text/plain"):
        assert compare.outputs_differ(
            tampered(explored(10.0), "peaks at 11.0", "peaks at 11.1", (kind,)), explored(10.0)
        )
    wide = explored(10.0)
    wide[0]["data"][explorers.KIND.mime]["tol"] = 0.9
    assert compare.outputs_differ(wide, explored(10.0)) != []


def test_outputs_of_one_page_share_a_style_sheet():
    outputs = [style("figure") + "<p>1</p>", f"{style('figure', 'explorer')}<p>2</p>{script('explorer')}", "<p>3</p>"]
    sheet = style("figure", "explorer")
    assert dressed_once(outputs) == [f"{sheet}<p>1</p>", f"<p>2</p>{script('explorer')}", "<p>3</p>"]
    twice = [f"<p>1</p>{script('guess')}", f"<p>2</p>{script('guess')}{script('claim')}", f"{script('model')}<p>3</p>"]
    assert dressed_once(twice) == ["<p>1</p>", twice[1], twice[2]], "the last of each kind serves what stands before it"
    assert dressed_once(["<p>3</p>"]) == ["<p>3</p>"] and dressed_once([]) == []


def test_on_another_kind_of_processor_words_and_shape_count_and_numbers_do_not():
    moved = copy.deepcopy(ALL["complete claim"])
    record = moved[0]["data"][card.KIND.mime]
    record["measures"][0]["values"][0] += 100
    assert compare.bundles_differ(ALL["complete claim"][0]["data"], moved[0]["data"])
    assert compare.bundles_differ(ALL["complete claim"][0]["data"], moved[0]["data"], elsewhere=True) == []
    record["says"] = "something else"
    assert compare.bundles_differ(ALL["complete claim"][0]["data"], moved[0]["data"], elsewhere=True)
