"""How pages name works: "Stiennon et al. (2020)" in a sentence, "(Stiennon et al., 2020)" beside one.

The extension's own author–year style prints a list that ends in "and others" as if *others* were a name.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import pybtex.plugin
from pybtex.richtext import BaseText, Text
from pybtex.style.formatting.plain import Style as Plain
from pybtex.style.template import (
    FieldIsMissing,
    field,
    first_of,
    href,
    join,
    node,
    optional,
    optional_field,
    sentence,
    tag,
)
from sphinxcontrib.bibtex.plugin import register_plugin
from sphinxcontrib.bibtex.style.referencing import BracketStyle, PersonStyle
from sphinxcontrib.bibtex.style.referencing.author_year import AuthorYearReferenceStyle

from alignlab.book.files.references import who


@node
def _people(children: Any, data: dict[str, Any], role: str) -> BaseText:
    persons = data["entry"].persons.get(role)
    if not persons:
        raise FieldIsMissing(role, data["entry"])
    return Text.from_latex(who([" ".join((*p.prelast_names, *p.last_names)) for p in persons]))


@dataclass
class Persons(PersonStyle):
    """People of a work, always abbreviated to the first from three on."""

    def names(self, role: str, full: bool) -> Any:
        """The template for one role's names."""
        return _people(role=role)

    def author_or_editor_or_title(self, full: bool) -> Any:
        """The template for authors, else editors, else the title."""
        return first_of[
            optional[self.names("author", full)], optional[self.names("editor", full)], optional_field("title"), "n.n."
        ]


def _round() -> BracketStyle:
    return BracketStyle(left="(", right=")", sep="; ")


@dataclass
class BookReferences(AuthorYearReferenceStyle):
    """Author and year with round brackets."""

    bracket_textual: BracketStyle = dataclasses.field(default_factory=_round)
    bracket_parenthetical: BracketStyle = dataclasses.field(default_factory=_round)
    person: PersonStyle = dataclasses.field(default_factory=Persons)


class BookWorks(Plain):
    """An entry of the list: its title is the link, so that no address is printed; long author lists end in "et al."."""

    def format_names(self, role: str, as_sentence: bool = True) -> Any:
        """All people that the bibliography names, first names included."""
        return sentence[_full(role=role)] if as_sentence else _full(role=role)

    def format_title(self, e: Any, which_field: str, as_sentence: bool = True) -> Any:
        """The title as it is written, linked to the work."""
        address = e.fields.get("url") or (f"https://arxiv.org/abs/{e.fields['eprint']}" if "eprint" in e.fields else "")
        title = href[address, field(which_field)] if address else field(which_field)
        return sentence[title] if as_sentence else title

    def format_btitle(self, e: Any, which_field: str, as_sentence: bool = True) -> Any:
        """The title of a book, or of the volume that a work stands in, which is not what the link leads to."""
        if which_field == "title":
            return self.format_title(e, which_field, as_sentence)
        title = tag("em")[field(which_field)]
        return sentence[title] if as_sentence else title

    def format_web_refs(self, e: Any) -> Any:
        """The arXiv number alone."""
        return sentence[optional[join["arXiv:", field("eprint")]]]


@node
def _full(children: Any, data: dict[str, Any], role: str) -> BaseText:
    persons = data["entry"].persons.get(role)
    if not persons:
        raise FieldIsMissing(role, data["entry"])
    names = [data["style"].format_name(p, data["style"].abbreviate_names).format_data(data) for p in persons]
    if str(names[-1]) == "others":
        return Text(Text(", ").join(names[:-1]), " et al")
    if len(names) == 1:
        return names[0]
    return Text(Text(", ").join(names[:-1]), ", and " if len(names) > 2 else " and ", names[-1])


def register() -> None:
    """Make the styles known: `bibtex_reference_style: alignlab`, `bibtex_default_style: alignlab`."""
    pybtex.plugin.register_plugin("pybtex.style.formatting", "alignlab", BookWorks)
    register_plugin("sphinxcontrib.bibtex.style.referencing", "alignlab", BookReferences)
