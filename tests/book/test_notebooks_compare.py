"""Changing one digit or word of a stored result fails the comparison; another processor's last digit does not."""

import copy
import re

import IPython.display
import nbformat
import pandas as pd
import pytest
from alignlab.book.files import pages
from alignlab.book.page import card, claims, explorers, numbers, tables
from alignlab.book.page.fragments import digest, emit, script, seal, style
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
FIGURE = (
    f'{style("figure")}<figure class="al-figure al-text"><figcaption><strong class="al-title">It rises</strong>'
    '<span class="al-sub">5 seeds</span></figcaption><div class="al-pic">'
    '<svg role="img" aria-label="A line rises to 4" '
    'viewBox="0 0 4 4"><path d="M 0 1"/><g><text x="1">steps of training</text><text>best 0.83</text>'
    "<text>20</text></g></svg></div></figure>"
)


def shown(mime: str, record: dict) -> list:
    return [{"output_type": "display_data", "metadata": {}, "data": {mime: record, **compare.PRINTED[mime](record)}}]


def html(text: str) -> list:
    data = {"text/html": text, "text/plain": "x"}
    return [{"output_type": "display_data", "metadata": {"alignlab": {"seal": seal(text)}}, "data": data}]


ALL = {
    "claim": shown(claims.MIME, RECORD),
    "number": shown(numbers.MIME, NUMBER),
    "table": shown(tables.MIME, TABLE),
    "figure": html(FIGURE),
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
ALL["complete claim"] = shown(claims.MIME, FULL)


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
    return shown(claims.MIME, record)


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
    assert compare.outputs_differ(ALL["claim"], shown(claims.MIME, bare)) == []
    assert compare.outputs_differ(ALL["claim"], ALL["complete claim"])


def stored(html_before: str, html_after: str) -> list:
    """An output as the run left it, its HTML changed afterwards."""
    outputs = html(html_before)
    outputs[0]["data"]["text/html"] = html_after
    return outputs


MODEL = '<div class="al-model"><div class="al-weights" data-options="{}" data-weights="AAbb"></div></div>'


@pytest.mark.parametrize(
    "page, piece, other",
    [
        (FIGURE, "M 0 1", "M 0 2"),
        (FIGURE, ">best 0.83<", ">best 0.84<"),
        (FIGURE, ">20<", ">21<"),
        (FIGURE, ">steps of training<", ">steps of testing<"),
        (FIGURE, 'viewBox="0 0 4 4"', 'viewBox="0 0 4 5"'),
        (MODEL, "AAbb", "AAbc"),
        ('<img src="data:image/png;base64,AAAA"/>', "AAAA", "AAAB"),
    ],
)
def test_a_change_inside_a_picture_or_a_models_weights_fails(page, piece, other):
    assert compare.outputs_differ(html(page), html(page)) == []
    found = compare.outputs_differ(stored(page, page.replace(piece, other)), html(page))
    assert any("was changed after the run" in problem for problem in found)


@pytest.mark.parametrize("page", [FIGURE, MODEL])
def test_a_picture_or_model_without_a_seal_fails_and_restyle_gives_it_one(page, tmp_path):
    bare = html(page)
    bare[0]["metadata"] = {}
    assert any("has no seal" in problem for problem in compare.outputs_differ(bare, html(page)))
    cell = nbformat.v4.new_code_cell("1", outputs=[nbformat.v4.new_output("display_data", {"text/html": page})], id="a")
    for folder in ("text/01-a", "chapters/01-a"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "text/01-a/b.md").write_text("# B\n")
    path = tmp_path / "chapters/01-a/b.ipynb"
    pages.write(nbformat.v4.new_notebook(cells=[cell]), path)
    pages.restyle(tmp_path)
    assert compare.stored_is_sealed(pages.read_notebook(path).cells[0].outputs[0]) == []
    path.write_text(path.read_text().replace("A", "B"))
    pages.restyle(tmp_path)
    assert compare.stored_is_sealed(pages.read_notebook(path).cells[0].outputs[0]) != [], "restyle hides no change"


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
        assert bool(compare.outputs_differ(html(FIGURE), html(FIGURE.replace(piece, other)))) == differs, (piece, other)


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
    assert compare.outputs_differ(shown(claims.MIME, forged), ALL["claim"])


@pytest.mark.parametrize("name", ["claim", "number", "table"])
def test_a_digit_that_no_print_shows_fails_too(name):
    tampered = copy.deepcopy(ALL[name])
    mime = next(mime for mime in compare.PRINTED if mime in tampered[0]["data"])
    record = tampered[0]["data"][mime]
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
    assert not compare.outputs_differ(shown(claims.MIME, RECORD), shown(claims.MIME, near))
    assert compare.outputs_differ(shown(claims.MIME, RECORD), shown(claims.MIME, far))
    number = shown(numbers.MIME, NUMBER)
    assert not compare.outputs_differ(number, shown(numbers.MIME, {**NUMBER, "value": 1.95}))
    assert compare.outputs_differ(number, shown(numbers.MIME, {**NUMBER, "value": 1.98}))
    moved = {**TABLE, "rows": [["a", 0.52], ["b", 0.25]]}
    assert not compare.outputs_differ(shown(tables.MIME, TABLE), shown(tables.MIME, moved))
    exact = {**TABLE, "tol": None}
    assert compare.outputs_differ(shown(tables.MIME, exact), shown(tables.MIME, {**exact, "rows": moved["rows"]}))


def test_a_control_may_have_a_tolerance_of_its_own():
    stored, near, far = (copy.deepcopy(RECORD) for _ in range(3))
    for record, value in ((stored, 0.0), (near, 0.3), (far, 0.5)):
        record["controls"][0] |= {"tol": 0.4, "values": [value, 0.1, 0.2]}
    assert not compare.outputs_differ(shown(claims.MIME, stored), shown(claims.MIME, near))
    assert compare.outputs_differ(shown(claims.MIME, stored), shown(claims.MIME, far))
    forged = copy.deepcopy(stored)
    forged["controls"][0]["tol"] = 40.0
    assert compare.outputs_differ(shown(claims.MIME, forged), shown(claims.MIME, stored))
    del forged["controls"][0]["tol"]
    assert compare.outputs_differ(shown(claims.MIME, forged), shown(claims.MIME, stored))


def test_what_a_trained_model_wrote_is_not_compared_with_another_runs_and_kept_from_changes():
    told = {**TABLE, "drawn": ["who"]}
    other = {**told, "rows": [["c", 0.51], ["b", 0.25]]}
    assert not compare.outputs_differ(shown(tables.MIME, told), shown(tables.MIME, other))
    assert compare.outputs_differ(shown(tables.MIME, TABLE), shown(tables.MIME, {**other, "drawn": []}))
    assert compare.outputs_differ(
        shown(tables.MIME, told), shown(tables.MIME, {**told, "rows": [["a", 0.6], ["b", 1]]})
    )
    tampered = shown(tables.MIME, told)
    tampered[0]["data"]["text/plain"] = tampered[0]["data"]["text/plain"].replace("b ", "d ")
    assert compare.outputs_differ(tampered, shown(tables.MIME, told))
    button = '<div class="al-model"><button type="button" data-text="{}"{}>found</button></div>'
    assert not compare.outputs_differ(
        html(button.format("a b", " data-drawn")), html(button.format("c d", " data-drawn"))
    )
    assert compare.outputs_differ(html(button.format("a b", "")), html(button.format("c d", "")))


def test_an_explorers_drawn_words_are_not_compared_and_its_title_is():
    def outputs(word: str, title: str = "Words, swapped", drawn: bool = True) -> list:
        def draw(step):
            fig, ax = plt.subplots()
            ax.text(0.5, 0.1 * step, word)
            return fig

        states = {"step": (0, 1, 2, 3, 4)}
        spec = explorers.Spec(draw, lambda step: f"{word} at {step}", title, states, {"step": 0}, {}, 1.0, drawn)
        page, text = explorers.static_html(spec)
        found = html(page)
        found[0]["data"]["text/plain"] = text
        return found

    assert not compare.outputs_differ(outputs("duva"), outputs("futa"))
    assert compare.outputs_differ(outputs("duva", drawn=False), outputs("futa", drawn=False))
    assert compare.outputs_differ(outputs("duva"), outputs("duva", "Other words"))
    for old, new in (("duva at 0", "duva at 9"), (">duva<", ">futa<")):
        tampered = outputs("duva")
        tampered[0]["data"]["text/html"] = tampered[0]["data"]["text/html"].replace(old, new, 1)
        assert compare.outputs_differ(tampered, outputs("duva")), old


def test_what_carries_no_statement_is_not_compared():
    other = FIGURE.replace("M 0 1", "M 0 2").replace("--al-grid:#", "--al-grid: #")
    assert not compare.outputs_differ(html(FIGURE), html(other))
    assert compare.outputs_differ(html(FIGURE), html(FIGURE.replace("A line rises to 4", "A line falls to 4")))
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
    monkeypatch.setattr(tables, "emit", lambda html, text, records: outputs.append((html, text, records)))
    tables.table(pd.DataFrame({"n": [3, 40], "loss": [0.5, -1.25], "who": ["a<b", "c"]}), caption="Losses")
    printed, text, records = outputs[0]
    assert compare.PRINTED[tables.MIME](records[tables.MIME]) == {"text/html": printed, "text/plain": text}
    tables.table(pd.DataFrame({"gain": [-0.001, -0.01]}), caption="No minus before a zero")
    assert ">0.00<" in outputs[1][0] and ">\u22120.01<" in outputs[1][0]
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


def test_every_stored_picture_and_model_is_as_its_run_left_it():
    """And no picture is stored in a form that has no seal."""
    wrong = [(slug, problem) for slug, output in every_stored_output() for problem in compare.stored_is_sealed(output)]
    assert not wrong, wrong
    kinds = {mime for _, output in every_stored_output() for mime in output.get("data", {})}
    assert not {kind for kind in kinds if kind.startswith("image/")}


def test_every_stored_claim_holds():
    assert not [
        record["id"] for record in pages.claims_records(ROOT) if claims.complaints(record) or not record["passed"]
    ]


def test_stored_outputs_carry_todays_style_and_scripts():
    assert not pages.restyle(ROOT, write_files=False), "run `alignlab refresh`, or alignlab.book.files.pages.restyle"


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
    assert pages.restyle(tmp_path) == ["01-a/b"] and pages.restyle(tmp_path) == []
    fresh = pages.read_notebook(tmp_path / "chapters/01-a/b.ipynb").cells[0].outputs[0].data["text/html"]
    assert fresh == f"{style('figure')}<p>4</p>{script('explorer')}"


# ---- explorers whose sentences hold trained numbers ----


def explored(peak: float, tol: float | None = 0.1, word: str = "peaks") -> list:
    def draw(n):
        fig, ax = plt.subplots(figsize=(2, 1))
        ax.plot([0, n])
        return fig

    states = {"n": (1, 2, 3, 4, 5)}
    spec = explorers.Spec(draw, lambda n: f"It {word} at {peak + n:.1f}.", "A title", states, {"n": 1}, {}, tol)
    html, text = explorers.static_html(spec)
    plt.close("all")
    metadata = {"alignlab": {"seal": seal(html)}}
    return [{"output_type": "display_data", "metadata": metadata, "data": {"text/html": html, "text/plain": text}}]


def test_an_explorers_trained_numbers_move_within_its_tolerance_and_not_beyond():
    assert compare.outputs_differ(explored(10.0), explored(10.4)) == []
    assert compare.outputs_differ(explored(10.0), explored(12.0)) != []
    assert compare.outputs_differ(explored(10.0), explored(10.0, word="falls")) != []
    assert compare.outputs_differ(explored(10.0, tol=None), explored(10.4, tol=None)) != []


def test_a_changed_digit_of_such_a_sentence_fails_although_it_is_within_tolerance():
    for kind in ("text/html", "text/plain"):
        stored = explored(10.0)
        stored[0]["data"][kind] = stored[0]["data"][kind].replace("peaks at 11.0", "peaks at 11.1")
        assert compare.outputs_differ(stored, explored(10.0)) != []
    stored = explored(10.0)
    stored[0]["data"]["text/html"] = stored[0]["data"]["text/html"].replace('data-tol="0.1"', 'data-tol="0.9"')
    assert compare.outputs_differ(stored, explored(10.0)) != []


def test_what_a_page_shows_is_sealed_unless_its_record_prints_it(monkeypatch):
    shown = []
    monkeypatch.setattr(IPython.display, "display", lambda data, raw, metadata: shown.append((data, metadata)))
    emit(FIGURE, "x")
    emit(card.card_html(RECORD), "x", {claims.MIME: RECORD})
    assert [metadata for _, metadata in shown] == [{"alignlab": {"seal": seal(FIGURE)}}, {}]
