"""The questions at pages' ends: whole, honest in form, on the site, in Moodle; and what a class answered."""

import csv
import json
import xml.etree.ElementTree as ET

import pytest
from alignlab.book import chapters
from alignlab.book.files import pages
from alignlab.book.files.pages import PageError
from alignlab.book.files.written import written
from alignlab.book.page.guesses import mark
from alignlab.book.quiz import classroom, moodle, register
from alignlab.book.quiz.questions import COUNT, Option, Question, marked, questions
from alignlab.book.site import quiz
from bs4 import BeautifulSoup
from support import ROOT

SLUGS = pages.slugs(ROOT)
PAGES = written(ROOT)
ASKED = register.asked(PAGES)


# --- the questions themselves


@pytest.mark.parametrize("slug", SLUGS)
def test_a_page_ends_with_five_questions_whose_answers_are_all_explained(slug):
    found = questions(slug)
    assert len(found) == COUNT
    for question in found:
        assert question.ask.endswith("?") and 3 <= len(question.options) <= 4
        for option in question.options:
            assert len(option.why.split()) >= 6 and option.why.endswith((".", "?")), (question.id, option.why)
            assert option.why != option.text


def test_neither_place_nor_length_gives_an_answer_away():
    """Over the book: no place holds the right option in over half of the questions, nor is it often the longest."""
    found = [question for slug in SLUGS for question in questions(slug)]
    places = [question.answer for question in found]
    assert all(places.count(place) <= len(found) / 2 for place in range(4))
    longest = sum(len(q.options[q.answer].text) == max(len(o.text) for o in q.options) for q in found)
    assert longest <= 0.45 * len(found), f"{longest} of {len(found)}"


def test_keys_are_the_books_own():
    assert len({one.key for one in ASKED}) == len(ASKED)
    assert {one.slug for one in ASKED} == set(SLUGS)
    guesses = [one for one in ASKED if one.kind == "guess"]
    assert len(guesses) == sum(len(page.guesses) for page in PAGES.values()) > 0
    assert all(0 <= one.answer < len(one.options) for one in ASKED)


GOOD = """
- id: one
  ask: "Is it?"
  options:
    - text: "Yes"
      why: "Because."
      right: true
    - text: "No"
      why: "It is."
    - text: "`x < 1`"
      why: "It isn't."
"""


@pytest.fixture
def package(tmp_path):
    path = chapters.questions_file("04-outer/rlhf", tmp_path)
    path.parent.mkdir(parents=True)
    return path


def test_a_page_without_a_file_has_no_questions(package):
    assert questions("04-outer/rlhf", package.parents[2]) == ()
    package.write_text(GOOD)
    [question] = questions("04-outer/rlhf", package.parents[2])
    assert question == Question(
        "one", "Is it?", (Option("Yes", "Because."), Option("No", "It is."), Option("`x < 1`", "It isn't.")), 0
    )
    assert marked(question.options[2].text) == "<code>x &lt; 1</code>"
    assert marked("at 50 % or so") == "at 50\N{NO-BREAK SPACE}% or so"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (GOOD, "a: 1", "no list of questions"),
        ("- id: one\n", "- name: one\n", "needs id, ask and options"),
        ("id: one", "id: One of", "small letters"),
        ("      right: true\n", "", "exactly one option with right: true, it has 0"),
        ('      why: "It is."\n', "", "option 2 needs text and why"),
        ('"It is."', '" "', "option 2 has an empty text or why"),
        ('"No"', '"Yes"', "two options alike"),
        ('    - text: "No"\n      why: "It is."\n', "", "three or four options"),
        (GOOD, GOOD + GOOD, "two questions have one id"),
        (GOOD, GOOD + '  "', "cannot be read"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_in_a_line(package, old, new, said):
    assert old in GOOD
    package.write_text(GOOD.replace(old, new))
    with pytest.raises(PageError, match=said) as caught:
        questions("04-outer/rlhf", package.parents[2])
    assert "\n" not in str(caught.value) and str(package) in str(caught.value)


# --- on the site


def shown(text: str) -> str:
    return BeautifulSoup(marked(text), "html.parser").get_text()


def test_questions_are_forms_with_one_script_and_a_reason_for_each_option():
    found = questions("04-outer/rlhf")
    html = quiz.questions_html("04-outer/rlhf", found)
    soup = BeautifulSoup(html, "html.parser")
    assert html.count("<script") == 1 == html.count("<style")
    forms = soup.select("form.al-predict")
    assert [form["data-key"] for form in forms] == [f"04-outer/rlhf/questions/{q.id}" for q in found]
    for form, question in zip(forms, found):
        folded = form.select("details.al-answer > p")
        assert [p.get_text() for p in folded] == [
            f"{'Right' if i == question.answer else 'Wrong'}: {shown(o.text)} {shown(o.why)}"
            for i, o in enumerate(question.options)
        ]
        assert form["data-mark"] == mark(question.ask, [o.text for o in question.options], question.answer)
        asked = form.select_one("fieldset").get_text()
        assert not any(option.why in asked for option in question.options)
        assert [i["value"] for i in form.select(".al-sure input")] == ["0", "1", "2", "3"]


def test_the_register_of_the_site_holds_all_that_is_asked():
    text = register.script(PAGES)
    rows = json.loads(text.removeprefix("window.alignlabAsked = ").removesuffix(";\n"))
    assert rows == [[a.key, a.slug, a.kind, len(a.options), a.answer, a.mark] for a in ASKED]


def test_without_scripts_a_sentence_stands_for_the_score():
    link = "../{}.html".format
    for html in (quiz.tally_html(PAGES, "04-outer/rlhf", link, "../../"), quiz.your_guesses(PAGES, link, "../../")):
        soup = BeautifulSoup(html, "html.parser")
        for hidden in soup.select("[hidden]"):
            hidden.extract()
        assert soup.select_one(".al-tally-off").get_text().endswith("scripts are switched off here.")
        assert [script["src"].split("?")[0] for script in soup.select("script")] == [
            "../../_static/asked.js",
            "../../_static/tally.js",
        ]
    assert quiz.tally_html(PAGES, "07-attacks/policy", link, "../../") == ""
    listed = BeautifulSoup(html, "html.parser").select(".al-tally-asked > li")
    assert [item["data-key"] for item in listed] == [one.key for one in ASKED]


def test_every_chapter_shows_its_questions_before_further_reading_and_a_score_after(site):
    for slug in SLUGS:
        soup = BeautifulSoup((site / f"chapters/{slug}.html").read_text(), "html.parser")
        section = soup.select_one("section#questions")
        assert section.h2.get_text().startswith("Five questions") and len(section.select("form.al-predict")) == COUNT
        after = section.find_next_sibling("section")
        assert after is None or after.h2.get_text().startswith("Further reading")
        assert soup.select_one("nav.page-toc a[href='#questions']"), "the page's contents list them"
        assert soup.select_one(f'aside.al-tally[data-page="{slug}"]')
        scripts = [script["data-al"] for script in soup.select("script[data-al]")]
        assert len(scripts) == len(set(scripts)), "a script serves its whole page"
    assert (site / "_static/asked.js").read_text() == register.script(PAGES)


# --- Moodle


def test_moodle_xml_has_the_documented_structure():
    """Checked against https://docs.moodle.org/en/Moodle_XML_format: element by element, for every question."""
    made = moodle.moodle([(slug, PAGES[slug].title, questions(slug)) for slug in SLUGS])
    assert made.startswith('<?xml version="1.0" encoding="UTF-8"?>\n<quiz>'), "the declaration is the very first line"
    root = ET.fromstring(made)
    assert root.tag == "quiz" and {child.tag for child in root} == {"question"}
    kinds = [child.get("type") for child in root]
    assert kinds == (["category"] + ["multichoice"] * COUNT) * len(SLUGS)
    for child in root:
        if child.get("type") == "category":
            assert child.find("category/text").text.startswith("$course$/top/LLM Alignment/")
            continue
        assert child.find("name/text").text and child.find("questiontext").get("format") == "html"
        assert child.find("questiontext/text").text.startswith("<p>")
        assert child.find("single").text == "true" and child.find("shuffleanswers").text == "true"
        assert child.find("answernumbering").text in ("none", "abc", "ABCD", "123")
        assert float(child.find("defaultgrade").text) == 1 and 0 <= float(child.find("penalty").text) <= 1
        assert child.find("hidden").text == "0" and 0 < len(child.find("idnumber").text) <= 100
        answers = child.findall("answer")
        assert sorted(answer.get("fraction") for answer in answers) == ["0"] * (len(answers) - 1) + ["100"]
        assert 3 <= len(answers) <= 4
        for answer in answers:
            assert answer.get("format") == "html" and answer.find("text").text and answer.find("feedback/text").text
            BeautifulSoup(answer.find("feedback/text").text, "html.parser").p.get_text()
    ids = [child.find("idnumber").text for child in root if child.get("type") == "multichoice"]
    assert len(set(ids)) == len(ids)


def test_moodle_xml_says_what_the_question_says():
    odd = Question("odd", "Is `a < b` & “c”?", (Option("<yes>", "1 & 2"), Option("no", "]]>"), Option("é", "x")), 2)
    root = ET.fromstring(moodle.moodle([("04-outer/rlhf", "A/B", (odd,))]))
    assert root.find("question/category/text").text.endswith("/A//B")
    made = root.findall("question")[1]
    told = [BeautifulSoup(e.text, "html.parser").get_text() for e in made.findall(".//answer/text")]
    assert told == ["<yes>", "no", "é"] and [a.get("fraction") for a in made.findall("answer")] == ["0", "0", "100"]
    assert made.find("questiontext/text").text == "<p>Is <code>a &lt; b</code> &amp; “c”?</p>"


# --- a class


def exported(path, name, answers, **other):
    whole = {"format": "alignlab-guesses", "version": 1, "name": name, "exported": "2026-11-29", "answers": answers}
    path.write_text(json.dumps({**whole, **other}), encoding="utf-8")
    return path


def answered(one, right=True, sure=2, **other):
    chosen = one.answer if right else (one.answer + 1) % len(one.options)
    return {"key": one.key, "chosen": chosen, "sure": sure, "mark": one.mark, "on": "2026-11-29", **other}


def test_a_class_is_added_up_and_the_question_that_fooled_most_comes_first(tmp_path):
    easy, hard = ASKED[0], ASKED[1]
    files = [
        exported(tmp_path / "a.json", "Ann", [answered(easy), answered(hard, False, 3)]),
        exported(tmp_path / "b.json", " Ben  B ", [answered(easy, sure=0), answered(hard, False, 0)]),
        exported(tmp_path / "c.json", None, [answered(easy, False), answered(hard, sure=-1)]),
    ]
    found = classroom.add_up(files, ASKED)
    assert found.readers == ["Ann", "Ben B", "c"] and found.refused == found.notes == []
    first, second = classroom.by_question(found.rows)
    assert (first.name, first.hits, [r.reader for r in first.fooled]) == (hard.key, 1, ["Ann", "Ben B"])
    assert (second.name, second.hits, len(second.rows)) == (easy.key, 2, 3)
    low = 1 / len(hard.options)
    assert first.brier == pytest.approx((0.95**2 + round(low, 2) ** 2) / 2, abs=0.01) and len(first.scored) == 2
    assert [t.hits for t in classroom.by_reader(found.rows, found.readers)] == [1, 1, 1]


def test_files_that_cannot_be_counted_are_named_with_what_to_do_and_the_others_counted(tmp_path):
    good = exported(tmp_path / "good.json", "Ann", [answered(ASKED[0])])
    bad = {
        "cut.json": ('{"format": "alig', "is no JSON, or was cut off"),
        "list.json": ("[1]", "is JSON, and no export of this book"),
        "other.json": ('{"format": "x"}', "is JSON, and no export of this book"),
        "deep.json": ("[" * 100_000, "is no JSON, or was cut off"),
        "none.json": ('{"format": "alignlab-guesses", "version": 1}', "holds no list of answers"),
        "new.json": ('{"format": "alignlab-guesses", "version": 9, "answers": []}', "update the book"),
    }
    for name, (text, _) in bad.items():
        (tmp_path / name).write_text(text)
    broken = [{"chosen": "1"}, {"chosen": True}, {"chosen": -1}, {"sure": 7}, {"key": 3}, {"mark": 5}]
    for n, change in enumerate(broken):
        exported(tmp_path / f"broken{n}.json", "B", [answered(ASKED[0]), answered(ASKED[1], **change)])
        bad[f"broken{n}.json"] = ("", "its answer 2 is not whole")
    exported(tmp_path / "twice.json", "B", [answered(ASKED[0])] * 2)
    bad["twice.json"] = ("", "answers a question twice")
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe\x00")
    bad["bytes.json"] = ("", "is no text")
    bad["gone.json"] = ("", "does not exist: check the name")
    (tmp_path / "folder").mkdir()
    bad["folder"] = ("", "is a folder: name its files")
    found = classroom.add_up([*(tmp_path / name for name in bad), good], ASKED)
    assert found.readers == ["Ann"] and len(found.rows) == 1
    assert len(found.refused) == len(bad)
    for line, (name, (_, said)) in zip(found.refused, bad.items()):
        assert line.startswith(f"{tmp_path / name} ") and said in line and ": " in line and "\n" not in line


def test_answers_to_what_this_book_does_not_ask_are_left_out_and_said(tmp_path):
    other = [answered(ASKED[0]), answered(ASKED[1], mark="0123"), answered(ASKED[2], key="04-outer/rlhf/gone")]
    found = classroom.add_up([exported(tmp_path / "a.json", "Ann", other)], ASKED)
    assert len(found.rows) == 1 and "2 of 3 answers are to questions that this book does not ask" in found.notes[0]


def test_two_readers_of_one_name_stay_two_and_one_file_twice_stays_one(tmp_path):
    files = [
        exported(tmp_path / "a.json", "Ann", [answered(ASKED[0])]),
        exported(tmp_path / "b.json", "Ann", [answered(ASKED[0], False)]),
    ]
    copy = exported(tmp_path / "c.json", "Ann", [answered(ASKED[0])])
    found = classroom.add_up([*files, copy], ASKED)
    assert found.readers == ["Ann", "Ann (b)"] and len(found.rows) == 2
    assert "c.json holds the very answers of" in found.notes[0]


def test_table_csv_and_figure_say_the_same(tmp_path):
    from io import StringIO

    from rich.console import Console

    files = [exported(tmp_path / "a.json", "=Ann[1]", [answered(ASKED[0]), answered(ASKED[-1], False, 3)])]
    found = classroom.add_up(files, ASKED)
    out = Console(file=StringIO(), width=160)
    out.print(classroom.question_table(found.rows), classroom.reader_table(found.rows, found.readers))
    text = out.file.getvalue()
    assert "=Ann[1] (95 %)" in text and "0 of 1" in text and "0.90" in text and ASKED[-1].label in text
    classroom.write_csv(found.rows, tmp_path / "out.csv")
    rows = list(csv.DictReader((tmp_path / "out.csv").open(encoding="utf-8", newline="")))
    assert tuple(rows[0]) == classroom.COLUMNS and [r["right"] for r in rows] == ["1", "0"]
    assert rows[1]["score"] == "0.9025" and rows[0]["reader"] == "'=Ann[1]", "a spreadsheet computes nothing"
    for ending in ("svg", "png"):
        classroom.save_figure(found.rows, found.readers, tmp_path / f"f.{ending}")
    drawn = (tmp_path / "f.svg").read_text()
    assert ASKED[0].label in drawn and "=Ann[1]" in drawn and "Which question fooled whom" in drawn
    assert (tmp_path / "f.png").read_bytes().startswith(b"\x89PNG")
