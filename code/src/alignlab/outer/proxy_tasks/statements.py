"""Statements whose truth is known, each with its negation and other wordings, and quantities with a ladder of bounds.

Serves section 4.4.5: Fluri et al. 2023 (arXiv 2306.09983) check forecasters
by negation, paraphrase and monotonicity, where nobody knows the answer yet.
Here everybody knows it, so that we can ask what the checks find. Facts come
in pairs that swap their objects: Paris-France and Rome-Italy give two true
statements and two false ones, and every word stands in as many true as false
ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

FACTS: dict[str, tuple[tuple[str, str, str, str], str]] = {
    "cities": (
        (
            "{x} is a city in {y}",
            "{x} is not a city in {y}",
            "the city of {x} lies in {y}",
            "{y} is the country where the city of {x} is",
        ),
        """Paris France|Rome Italy|Madrid Spain|Berlin Germany|Lisbon Portugal
        Athens Greece|Vienna Austria|Dublin Ireland|Oslo Norway|Warsaw Poland
        Moscow Russia|Cairo Egypt|Tokyo Japan|Beijing China|Delhi India
        Bangkok Thailand|Hanoi Vietnam|Jakarta Indonesia|Istanbul Turkey
        Tehran Iran|Baghdad Iraq|Nairobi Kenya|Lagos Nigeria|Havana Cuba
        Lima Peru|Santiago Chile|Toronto Canada|Sydney Australia
        Stockholm Sweden|Helsinki Finland|Budapest Hungary|Brussels Belgium""",
    ),
    "kinds": (
        (
            "a {x} is a kind of {y}",
            "a {x} is not a kind of {y}",
            "every {x} is a {y}",
            "among the kinds of {y} is the {x}",
        ),
        """sparrow bird|carrot vegetable|cherry fruit|salmon fish|hammer tool
        violin instrument|birch tree|rose flower|beetle insect|wolf mammal
        diamond gem|poodle dog|hawk bird|cabbage vegetable|banana fruit
        trout fish|chisel tool|piano instrument|maple tree|tulip flower
        wasp insect|horse mammal|ruby gem|terrier dog|swan bird|peach fruit
        herring fish|trumpet instrument|pine tree|daisy flower
        mosquito insect|rabbit mammal""",
    ),
    "parts": (
        (
            "a {x} is made of {y}",
            "a {x} is not made of {y}",
            "people make a {x} out of {y}",
            "{y} is what a {x} consists of",
        ),
        """window glass|sweater wool|candle wax|tire rubber|nail steel
        brick clay|book paper|snowman snow|sandcastle sand|log wood
        bottle glass|scarf wool|crayon wax|eraser rubber|sword steel
        pot clay|newspaper paper|igloo snow|dune sand|barrel wood""",
    ),
}

QUANTITIES = """{} kilometers lie between London and Paris=340
{} kilometers lie between New York and London=5600
{} kilometers lie between Rome and Berlin=1180
{} kilometers lie between Tokyo and Sydney=7800
{} people live in the city of Tokyo=14000000
{} people live in Iceland=390000
{} people live in France=68000000
{} people live in the city of Vienna=2000000
{} days are in a year=365
{} hours are in a week=168
{} minutes are in a day=1440
{} seconds are in an hour=3600
{} meters is the height of Mount Everest=8849
{} meters is the height of the Eiffel Tower=330
{} kilometers is the length of the Nile=6650
{} kilometers is the length of the Rhine=1230
{} bones are in the body of an adult=206
{} teeth are in the mouth of an adult=32
{} countries belong to the United Nations=193
{} states make up the United States=50
{} keys are on a piano=88
{} squares are on a chessboard=64
{} cards are in a pack of cards=52
{} elements are in the periodic table=118"""
FACTORS = (0.1, 0.25, 0.5, 2.0, 4.0, 10.0)
"""The bounds of a ladder, as multiples of the true number."""


@dataclass(frozen=True)
class Statement:
    """A statement in four forms.

    said: as it is; denied: its negation; reworded: two paraphrases. Without
    capital letter and full stop, so that they can stand in a question.
    """

    said: str
    denied: str
    reworded: tuple[str, str]
    true: bool
    family: str


def drawn(
    seed: int, families: tuple[str, ...] = tuple(FACTS)
) -> list[Statement]:
    """All facts of the families, true and false; the seed pairs them.

    Facts of a pair have different objects, and each false statement takes its
    partner's. Raises ValueError for a family that there is not.
    """
    unknown = [family for family in families if family not in FACTS]
    if unknown:
        raise ValueError(f"no family {unknown[0]!r}: take of {list(FACTS)}")
    rng = np.random.default_rng(seed)
    found = []
    for family in families:
        forms, text = FACTS[family]
        facts = [f.split() for f in text.replace("\n", "|").split("|")]
        for (x, y), (v, w) in _pairs(facts, rng):
            for subject, thing, true in (
                (x, y, True), (v, w, True), (x, w, False), (v, y, False),
            ):  # fmt: skip
                said, denied, *more = (
                    _article(form.format(x=subject, y=thing)) for form in forms
                )
                both = (more[0], more[1])
                found.append(Statement(said, denied, both, true, family))
    return found


def _pairs(
    facts: list[list[str]], rng: np.random.Generator
) -> list[tuple[list[str], list[str]]]:
    """Facts two by two, drawn again until the objects of each pair differ."""
    while True:
        order = rng.permutation(len(facts))
        pairs = [(facts[a], facts[b]) for a, b in zip(order[::2], order[1::2])]
        if all(one[1] != other[1] for one, other in pairs):
            return pairs


def _article(text: str) -> str:
    """'an' before a vowel."""
    for vowel in "aeio":
        text = text.replace(f" a {vowel}", f" an {vowel}")
        if text.startswith(f"a {vowel}"):
            text = f"an{text[1:]}"
    return text


def ladders() -> tuple[list[list[str]], np.ndarray]:
    """Quantities, each with "more than" six bounds.

    Returns statements, six a quantity with rising bounds, and whether each is
    true, shape (quantities, 6): the first three are.
    """
    found = []
    for line in QUANTITIES.splitlines():
        form, number = line.split("=")
        bounds = [round(float(number) * factor) for factor in FACTORS]
        found.append([form.format(f"more than {n:,}") for n in bounds])
    truth = np.tile(np.array(FACTORS) < 1, (len(found), 1))
    return found, truth
