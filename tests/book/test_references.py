"""The bibliography: every citation resolves, every entry can be found and dated, and coverage counts what it says."""

import json
import re
import unicodedata
from datetime import date

import pytest
from alignlab import cli
from alignlab.book.files import pages, references
from support import ROOT
from typer.testing import CliRunner

WORKS = references.works(ROOT)
TEXTS = dict(references.texts(ROOT))
SURVEYED = "2023-09-27"
EXTRA = [key for key, work in WORKS.items() if not work.headings]


def age(work: references.Work) -> str:
    """Whether a work is "later" than the survey, "older", or "undated"."""
    first, last = work.appeared
    return "later" if first >= SURVEYED else "older" if last < SURVEYED else "undated"


@pytest.mark.parametrize("name", TEXTS)
def test_every_citation_of_a_page_is_in_a_bibliography(name):
    assert [key for key in references.cited(TEXTS[name]) if key not in WORKS] == []


@pytest.mark.parametrize("slug", pages.slugs(ROOT))
def test_every_paper_that_a_claim_names_is_in_a_bibliography(slug):
    named = re.findall(r"\bpaper\s*=\s*[\"']([^\"']*)[\"']", TEXTS[slug])
    assert [key for key in named if key not in WORKS] == []


@pytest.mark.parametrize("slug", pages.slugs(ROOT))
def test_a_page_has_one_box_of_what_came_since_and_nothing_older_in_it(slug):
    boxes = references.since_boxes(TEXTS[slug])
    assert len(boxes) == 1, f"{slug} has {len(boxes)} boxes of class `since`"
    keys = references.cited(boxes[0])
    assert 3 <= len(set(keys)) <= 8, f"{slug}: a box names 3 to 8 works, this names {sorted(set(keys))}"
    for key in keys:
        first, last = WORKS[key].appeared
        told = f"{slug}: {key} appeared between {first} and {last}"
        assert age(WORKS[key]) != "undated", f"{told}: give its entry a `date` or an arXiv number"
        assert age(WORKS[key]) == "later", f"{told}, no later than the survey of 26 September 2023"


@pytest.mark.parametrize(
    "fields, expected",
    [
        ({"date": "2023-09-26"}, "older"),
        ({"date": "2023-09-27"}, "later"),
        ({"eprint": "2309.17000"}, "undated"),
        ({"eprint": "2309.17000", "date": "2023-09-29"}, "later"),
        ({"eprint": "2310.00001"}, "later"),
        ({"eprint": "2305.00001", "year": "2024"}, "older"),
        ({"eprint": "2305.00001", "date": "2024-05-07"}, "older"),
        ({"url": "https://arxiv.org/abs/2305.00001", "year": "2024"}, "older"),
        ({"year": "2023"}, "undated"),
        ({"year": "2023", "month": "oct"}, "later"),
        ({"year": "2023", "month": "8"}, "older"),
        ({"year": "2024"}, "later"),
    ],
)
def test_a_work_is_as_old_as_its_first_appearance(fields, expected):
    work = references.Work("k", "A", fields.get("year", "2023"), "T", "", (), fields)
    assert age(work) == expected


def test_a_malformed_date_is_named():
    with pytest.raises(ValueError, match="not '2024-5'"):
        references.Work("k", "A", "2024", "T", "", (), {"date": "2024-5"}).appeared  # noqa: B018


def test_the_reading_list_has_its_246_places_and_235_works():
    found = references.coverage(ROOT)
    assert (found["entries_total"], found["works_total"]) == (246, 235)
    assert sum(row["entries"] for row in found["sections"]) == 246
    assert 0 < found["works_cited"] <= sum(row["cited"] for row in found["sections"])
    for row in found["sections"]:
        assert row["cited"] <= row["works"] <= row["entries"]
        assert (row["chapter"] is None) == (row["chapters"] == [])
        assert row["cited"] == 0 or row["chapter"]


def test_coverage_counts_prose_of_the_works_own_section_and_nothing_else(tmp_path):
    """The first work is cited by its own chapter, the second by code alone, the third by another section's chapter."""
    heading = "Outer Alignment / Non-recursive Oversight / RL-based Methods"
    entry = "@misc{%s, author = {A, B}, title = {T %s}, year = {2020}, survey = {%s}}\n"
    (tmp_path / "references").mkdir()
    (tmp_path / "references/survey.bib").write_text(
        entry % ("one", "1", f"{heading}; Inner Alignment")
        + entry % ("two", "2", heading)
        + entry % ("three", "3", heading)
    )
    (tmp_path / "references/extra.bib").write_text("")
    body = {
        "04-outer/rlhf": "{cite:p}`one, one`\n\n```{code-cell}\n# {cite:t}`two`\n```\n\n~~~\n{cite:t}`two`\n~~~\n",
        "06-interpretability/mlp": "```{note}\n{cite:t}`three`\n```\n",
        "05-inner/failures": "{cite:t}`one`, in a draft that has not been run",
    }
    for slug, text in body.items():
        for path in (pages.text_path(tmp_path, slug), pages.notebook_path(tmp_path, slug)):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    pages.notebook_path(tmp_path, "05-inner/failures").unlink()
    found = references.coverage(tmp_path)
    rows = {row["section"]: row for row in found["sections"]}
    assert (found["entries_total"], found["works_total"], found["works_cited"]) == (4, 3, 1)
    assert (rows[heading]["works"], rows[heading]["cited"], rows[heading]["chapter"]) == (3, 1, "04-outer/rlhf")
    assert (rows["Inner Alignment"]["cited"], rows["Inner Alignment"]["chapter"]) == (0, None)


def test_a_bibliography_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "references").mkdir()
    with pytest.raises(pages.PageError, match=r"survey\.bib cannot be read"):
        references.works(tmp_path)
    (tmp_path / "references/survey.bib").write_text("@misc{one, title = {T}")
    with pytest.raises(pages.PageError, match=r"survey\.bib cannot be read"):
        references.works(tmp_path)
    for name in references.FILES:
        (tmp_path / f"references/{name}.bib").write_text("@misc{one, author = {A, B}, title = {T}, year = {2020}}")
    with pytest.raises(pages.PageError, match="'one' stands in both"):
        references.works(tmp_path)


def test_the_command_prints_json_or_a_table():
    result = CliRunner().invoke(cli.app, ["coverage", "--json", "--root", str(ROOT)])
    assert result.exit_code == 0 and json.loads(result.stdout) == references.coverage(ROOT)
    result = CliRunner().invoke(cli.app, ["coverage", "--root", str(ROOT)])
    cited = references.coverage(ROOT)["works_cited"]
    assert result.exit_code == 0 and f"{cited} of 235 works" in " ".join(result.stdout.split())
    assert "Scalable Oversight" in result.stdout


@pytest.mark.parametrize("key", EXTRA)
def test_every_other_work_can_be_found(key):
    work = WORKS[key]
    assert work.people and work.title and re.fullmatch(r"(19|20)\d\d", work.year), work
    assert {"url", "eprint", "doi"} & set(work.fields), f"{key}: give a url, an arXiv number (eprint) or a doi"


@pytest.mark.parametrize("key", WORKS)
def test_what_an_entry_says_of_itself_agrees(key):
    """Key, arXiv number, address, year and date tell the same story."""
    fields, year = WORKS[key].fields, int(WORKS[key].year)
    first, _ = WORKS[key].appeared
    # A talk may come a year before the preprint, a journal some years after it.
    assert int(first[:4]) - 1 <= year <= int(first[:4]) + 3, f"{key}: year {year}, first seen {first}"
    if "eprint" in fields:
        assert re.fullmatch(r"\d{4}\.\d{4,5}|[a-z.-]+/\d{7}", fields["eprint"], re.I), fields["eprint"]
        assert fields.get("archiveprefix") == "arXiv"
        address = re.search(r"arxiv\.org/(?:abs|pdf)/([\w./-]+?)(?:v\d+)?(?:\.pdf)?$", fields.get("url", ""))
        assert address is None or address[1] == fields["eprint"], (fields["url"], fields["eprint"])
    if "date" in fields and re.match(r"\d{4}\.", fields.get("eprint", "")):
        month = f"20{fields['eprint'][:2]}-{fields['eprint'][2:4]}-01"
        days = (date.fromisoformat(fields["date"]) - date.fromisoformat(month)).days
        assert -4 <= days <= 31, f"{key}: date {fields['date']}, arXiv number {fields['eprint']}"


def test_no_work_stands_twice():
    """By title and by address, across both files."""

    def squeeze(title: str) -> str:
        plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
        return re.sub(r"[^a-z0-9]+", "", plain)

    for of in (lambda w: squeeze(w.title), lambda w: w.address.removesuffix("/"), lambda w: w.fields.get("eprint", "")):
        seen: dict[str, str] = {}
        for key, work in WORKS.items():
            mark = of(work)
            assert not mark or mark not in seen, f"{key} and {seen[mark]} are one work: {mark}"
            seen[mark] = key
