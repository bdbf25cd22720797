"""The modules of `alignlab.risks.field_building`, held against what is known without them."""

from urllib.parse import urlparse

import numpy as np
import pytest
from alignlab.book.files import references
from alignlab.risks.field_building import fields, headings, lists, measured, mixing, titles, venues
from alignlab.risks.reading_list import listed
from support import ROOT

FIELD = fields.grow(100, 2.0)


# --- the list and the rule


def test_places_are_the_bibliographys():
    found = {w.key: w for w in references.works(ROOT).values() if w.headings}
    assert list(venues.places()) == list(found) == [w.key for w in listed()]
    for key, (venue, host) in venues.places().items():
        told = found[key].fields
        assert venue == (told.get("booktitle") or told.get("journal") or told.get("howpublished") or "")
        assert host == urlparse(found[key].address).netloc.removeprefix("www.")


@pytest.mark.parametrize(
    "venue, host, kind",
    [
        ("", "lesswrong.com", venues.SAFETY),
        ("Transformer Circuits Thread", "arxiv.org", venues.SAFETY),
        ("", "aclanthology.org", venues.NLP),
        ("ACL", "arxiv.org", venues.NLP),
        ("NeurIPS", "arxiv.org", venues.ML),
        ("", "arxiv.org", venues.PREPRINT),
        ("ACM Computing Surveys", "arxiv.org", venues.ELSEWHERE),
        ("", "gwern.net", venues.ELSEWHERE),
    ],
)
def test_a_place_has_its_kind(venue, host, kind):
    assert venues.kind(venue, host) == kind


def test_every_venue_of_the_rule_is_in_the_list():
    """A misspelled venue would silently count for elsewhere."""
    named = {venue for venue, _ in venues.places().values()}
    hosts = {host for _, host in venues.places().values()}
    assert named >= venues.SAFETY_VENUES | venues.NLP_VENUES | venues.ML_VENUES
    assert hosts >= venues.FORUMS | venues.INSTITUTES | venues.LABS


# --- the simulated field


def test_a_field_repeats_with_the_seed_and_cites_the_past_alone():
    again = fields.grow(100, 2.0)
    assert all(np.array_equal(a, b) for a, b in zip(FIELD, again))
    assert (FIELD.year[FIELD.cited] < FIELD.year[FIELD.citing]).all()
    assert np.bincount(FIELD.citing).max() == 10
    assert len(np.unique(FIELD.citing * 10**6 + FIELD.cited)) == len(FIELD.citing)


def test_copied_references_are_references_of_what_is_cited():
    field = fields.grow(100, 2.0, copied=0.3, years=8)
    assert (field.year[field.cited] < field.year[field.citing]).all()
    assert len(np.unique(field.citing * 10**6 + field.cited)) == len(field.citing)
    mine = {int(p): set(field.cited[field.citing == p]) for p in np.unique(field.citing)}
    last = int(field.citing.max())
    chained = [c for c in mine[last] if any(c in mine.get(int(b), ()) for b in mine[last])]
    assert len(chained) >= 3


def test_the_younger_community_comes_late_or_not_at_all_late():
    assert fields.young_share(0.0, 16) == pytest.approx(0.5)
    late = fields.young_share(1.0, 16)
    assert (np.diff(late) > 0).all() and late[0] < 0.01 < 0.9 < late[-1]


# --- the estimate


def test_preference_by_hand():
    """Two strata with an odds ratio of 4 each; thrown together they give 25/4."""
    citing, cited, strata = [], [], []
    for number, table in enumerate((((16, 4), (4, 4)), ((4, 4), (4, 16)))):
        for a in (0, 1):
            for b in (0, 1):
                citing += [a] * table[a][b]
                cited += [b] * table[a][b]
                strata += [number] * table[a][b]
    citing, cited, strata = map(np.array, (citing, cited, strata))
    assert mixing.preference(citing, cited, strata) == pytest.approx(2)
    assert mixing.preference(citing, cited, 0 * strata) == pytest.approx(20 / 8)
    assert mixing.at_home(citing, cited) == pytest.approx(40 / 56)


def test_preference_of_one_way_citations_is_refused():
    with pytest.raises(ValueError, match="both directions"):
        mixing.preference(np.array([0, 0]), np.array([0, 1]), np.array([0, 0]))


def test_how_often_papers_cite_and_are_cited_explains_no_odds_ratio():
    """Shuffling who is cited keeps all counts and leaves an odds ratio of about 1: nothing to correct by."""
    rng = np.random.default_rng(0)
    citing, cited = FIELD.group[FIELD.citing], FIELD.group[FIELD.cited]
    told = [mixing.preference(citing, rng.permutation(cited), 0 * cited) for _ in range(10)]
    assert np.mean(told) == pytest.approx(1, abs=0.05)


def test_fame_of_a_community_and_size_cancel():
    """Dropping most citations of one community leaves the odds ratio, and changes the share at home."""
    citing, cited = FIELD.group[FIELD.citing], FIELD.group[FIELD.cited]
    keep = (cited == 0) | (np.random.default_rng(1).random(len(cited)) < 0.3)
    year = FIELD.year[FIELD.cited]
    whole, part = mixing.preference(citing, cited, year), mixing.preference(citing[keep], cited[keep], year[keep])
    assert part == pytest.approx(whole, rel=0.1)
    assert abs(mixing.at_home(citing[keep], cited[keep]) - mixing.at_home(citing, cited)) > 0.05


def test_sixteen_periods_are_the_years_and_one_is_none():
    year = FIELD.year[FIELD.cited]
    assert np.array_equal(measured.periods(FIELD, 16), year)
    assert not measured.periods(FIELD, 1).any()
    whole = mixing.preference(FIELD.group[FIELD.citing], FIELD.group[FIELD.cited], year)
    assert measured.estimate([FIELD]) == pytest.approx(whole)
    assert measured.estimate([FIELD], by_topic=True) == pytest.approx(whole, rel=0.25)
    assert measured.estimate([FIELD], by="citing") == pytest.approx(whole, rel=0.15)


def test_strata_by_age_and_by_the_citing_year():
    citing, cited = FIELD.year[FIELD.citing], FIELD.year[FIELD.cited]
    assert np.array_equal(measured.cut(FIELD, 16, "citing"), citing)
    assert np.array_equal(measured.cut(FIELD, 16, "age"), citing - cited)
    assert measured.estimate([FIELD], by="age") > 1.5 * measured.estimate([FIELD])


def test_equally_attractive_papers_explain_less_at_home_than_there_is():
    """Without a preference: recent papers are cited more, and mostly by their own community."""
    field = fields.grow(100, 1.0)
    years = range(1, 16)
    there = np.array([np.bincount(field.group[field.year < y], minlength=2) for y in years])
    made = [np.bincount(field.group[field.citing[field.year[field.citing] == y]], minlength=2) for y in years]
    expected = (there / there.sum(1, keepdims=True) * made).sum() / np.sum(made)
    assert mixing.at_home(field.group[field.citing], field.group[field.cited]) > expected + 0.02


# --- lists


def test_lists_hold_as_many_of_each_community_and_year():
    like = lists.followed(FIELD, 1, 150, 0)
    assert like.sum() == 150
    cell = 2 * FIELD.year + FIELD.group
    for make in (lists.by_lot, lists.most_cited, lists.relevant):
        kept = make(FIELD, like, 0)
        assert np.array_equal(np.bincount(cell[kept]), np.bincount(cell[like]))
    inner = lists.within(FIELD, like)
    assert like[inner.citing].all() and like[inner.cited].all()


def test_following_references_starts_at_home():
    old, young = (lists.followed(FIELD, home, 60, 0) for home in (0, 1))
    assert FIELD.group[young].mean() > FIELD.group[old].mean()


def test_relevant_papers_cite_the_older_community_more():
    like = lists.followed(FIELD, 1, 150, 0)

    def to_old(kept):
        mine = kept[FIELD.citing] & (FIELD.group[FIELD.citing] == 1)
        return (FIELD.group[FIELD.cited[mine]] == 0).mean()

    assert to_old(lists.relevant(FIELD, like, 0)) > to_old(lists.by_lot(FIELD, like, 0)) + 0.05


# --- headings and titles


def test_meetings_by_hand():
    under = np.array([[1, 0], [1, 1], [0, 1], [1, 0]], dtype=float)
    kind = np.array([0, 0, 1, 1])
    assert headings.meetings(under, kind) == 2 * 1 + 1 * 1


def test_kinds_are_dealt_within_years():
    rng = np.random.default_rng(0)
    year, kind = np.repeat([2019, 2020, 2021], 20), rng.integers(2, size=60)
    mixed = headings.dealt(kind, year, rng)
    assert not np.array_equal(mixed, kind)
    for one in (2019, 2020, 2021):
        assert mixed[year == one].sum() == kind[year == one].sum()


def test_the_ratio_is_about_one_for_kinds_by_lot_and_zero_for_kinds_apart():
    rng = np.random.default_rng(0)
    under = np.eye(4)[np.repeat(np.arange(4), 30)]
    year, kind = np.tile(np.arange(3), 40), rng.integers(2, size=120)
    assert headings.meeting_ratio(under, kind, year, rng) == pytest.approx(1, abs=0.1)
    apart = (np.arange(120) >= 60).astype(int)
    assert headings.meeting_ratio(under, apart, year, rng) == 0


def test_titles_are_told_apart_by_their_words_or_not_at_all():
    rng = np.random.default_rng(0)
    kind = np.repeat([0, 1], 30)
    words = np.array(["agents goals reward", "hate speech bias"])[kind]
    assert titles.told_apart(list(words), kind, 0) == 1
    assert abs(titles.told_apart(rng.normal(size=(60, 2)), kind, 0) - 0.5) < 0.25
    assert titles.with_words(["Aligning AI", "a model"], "align").tolist() == [True, False]
