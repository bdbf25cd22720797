"""True and false statements, written for the book, on which a probe for truth can be trained and tested.

Serves section 6. Facts come as pairs that swap their objects: Paris–France and Rome–Italy give two true statements
("The city of Paris is in France.") and two false ones ("The city of Paris is in Italy."). So every word stands in as
many true statements as false ones, and a list of words says nothing about truth. Templates with and without "not"
follow Marks and Tegmark (2023, "The Geometry of Truth") and Levinstein and Herrmann (2023).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Statement:
    """A statement.

    family: its template, such as "cities" or "not cities"; group: the pair of
        facts it was made of, with and without "not" alike, never split between
        training and test; subject: what it speaks about.
    """

    text: str
    true: bool
    family: str
    group: str
    subject: str


CITIES = """Paris France|Rome Italy|Madrid Spain|Berlin Germany|Lisbon Portugal|Athens Greece|Vienna Austria
Dublin Ireland|Oslo Norway|Warsaw Poland|Moscow Russia|Cairo Egypt|Tokyo Japan|Beijing China|Delhi India
Bangkok Thailand|Seoul South_Korea|Hanoi Vietnam|Manila the_Philippines|Jakarta Indonesia|Istanbul Turkey|Tehran Iran
Baghdad Iraq|Nairobi Kenya|Lagos Nigeria|Havana Cuba|Lima Peru|Santiago Chile|Bogota Colombia|Toronto Canada
Sydney Australia|Auckland New_Zealand|Stockholm Sweden|Helsinki Finland|Copenhagen Denmark|Budapest Hungary
Prague the_Czech_Republic|Brussels Belgium|Amsterdam the_Netherlands|Zurich Switzerland|Kyiv Ukraine|Tunis Tunisia
Accra Ghana|Damascus Syria|Kabul Afghanistan|Karachi Pakistan|Dhaka Bangladesh|Kathmandu Nepal|Caracas Venezuela
Quito Ecuador|Sofia Bulgaria|Bucharest Romania|Belgrade Serbia|Zagreb Croatia|Riga Latvia|Addis_Ababa Ethiopia
Buenos_Aires Argentina|Rio_de_Janeiro Brazil|Kampala Uganda|Montevideo Uruguay"""

ELEMENTS = """gold Au|silver Ag|iron Fe|copper Cu|oxygen O|hydrogen H|carbon C|nitrogen N|helium He|lithium Li
sodium Na|potassium K|calcium Ca|magnesium Mg|zinc Zn|lead Pb|mercury Hg|tin Sn|chlorine Cl|fluorine F|neon Ne
nickel Ni|uranium U|iodine I"""

SPANISH = """gato cat|perro dog|casa house|agua water|libro book|mesa table|sol sun|luna moon|noche night|amigo friend
rojo red|blanco white|negro black|verde green|uno one|dos two|tres three|leche milk|pan bread|mano hand|ojo eye
padre father|madre mother|hermano brother|mar sea|fuego fire|tierra earth|tiempo time|vida life|muerte death"""

OPPOSITES = """hot cold|big small|up down|day night|happy sad|fast slow|open closed|old young|rich poor|strong weak
light dark|early late|hard soft|full empty|wet dry|high low|long short|left right|good bad|first last|war peace
love hate|push pull|buy sell|win lose|before after|clean dirty|loud quiet|thick thin|near far"""

KINDS = """sparrow bird|carrot vegetable|apple fruit|salmon fish|hammer tool|violin instrument|oak tree|rose flower
ant insect|shirt clothing|wolf mammal|diamond gemstone|eagle bird|spinach vegetable|banana fruit|trout fish
screwdriver tool|piano instrument|pine tree|tulip flower|bee insect|jacket clothing|horse mammal|ruby gemstone
owl bird|potato vegetable|grape fruit|tuna fish|saw tool|trumpet instrument"""

NUMBERS = """three eight|nine twelve|fifteen twenty|two seven|thirty fifty|forty ninety|six eleven|four ten
sixty eighty|five seventy|one thirteen|fourteen seventeen"""

TEMPLATES: dict[str, tuple[str, str]] = {
    "cities": (CITIES, "The city of {x} is in {y}."),
    "elements": (ELEMENTS, "The chemical symbol of {x} is {y}."),
    "Spanish": (SPANISH, "The Spanish word '{x}' means '{y}'."),
    "opposites": (OPPOSITES, "The opposite of {x} is {y}."),
    "kinds": (KINDS, "{a_x} is a kind of {y}."),
    "not cities": (CITIES, "The city of {x} is not in {y}."),
    "not kinds": (KINDS, "{a_x} is not a kind of {y}."),
}

AFFIRMATIVE = ("cities", "elements", "Spanish", "opposites", "kinds")


def statements(
    families: tuple[str, ...] = (*TEMPLATES, "numbers"),
) -> list[Statement]:
    """The statements of the families named, about 600 in all, half of them true
    in each family and for each word.

    Raises ValueError for a family that does not exist.
    """
    found: list[Statement] = []
    for family in families:
        if family == "numbers":
            found += _comparisons()
        elif family in TEMPLATES:
            found += _swapped(family)
        else:
            raise ValueError(
                f"no family {family!r}; there are "
                f"{', '.join((*TEMPLATES, 'numbers'))}"
            )
    return found


def contrast_pairs(items: list[Statement]) -> np.ndarray:
    """Indices (pair, 2) of the true and the false statement about a subject in
    one family, the true one first.
    """
    by_subject: dict[tuple[str, str], list[int]] = {}
    for i, item in enumerate(items):
        by_subject.setdefault((item.family, item.subject), []).append(i)
    pairs = [
        sorted(both, key=lambda i: not items[i].true)
        for both in by_subject.values()
        if len(both) == 2
    ]
    return np.array(pairs)


def split_by_group(
    items: list[Statement], seed: int, test: float = 0.3
) -> tuple[np.ndarray, np.ndarray]:
    """Indices of a training and a test set that share no fact, hence no
    subject.

    test: the share of each family's facts that goes to the test set; a
        statement and its negation go together.
    """
    rng = np.random.default_rng(seed)
    held_out: set[str] = set()
    for kind in dict.fromkeys(item.group.split("/")[0] for item in items):
        groups = list(
            dict.fromkeys(
                item.group for item in items if item.group.split("/")[0] == kind
            )
        )
        held_out |= {
            groups[i]
            for i in rng.permutation(len(groups))[: round(test * len(groups))]
        }
    inside = np.array([item.group in held_out for item in items])
    return np.flatnonzero(~inside), np.flatnonzero(inside)


def _facts(table: str) -> list[tuple[str, str]]:
    pairs = (entry.split() for entry in table.replace("\n", "|").split("|"))
    return [(x.replace("_", " "), y.replace("_", " ")) for x, y in pairs]


def _swapped(family: str) -> list[Statement]:
    table, template = TEMPLATES[family]
    negated = family.startswith("not ")
    facts, made = _facts(table), []

    def say(x: str, y: str) -> str:
        return template.format(x=x, y=y, a_x=_with_article(x))

    for n in range(0, len(facts), 2):
        (x, y), (u, v) = facts[n], facts[n + 1]
        for subject, what, fits in (
            (x, y, True),
            (u, v, True),
            (x, v, False),
            (u, y, False),
        ):
            group = f"{family.removeprefix('not ')}/{n // 2}"
            made.append(
                Statement(
                    say(subject, what), fits != negated, family, group, subject
                )
            )
    return made


def _comparisons() -> list[Statement]:
    made = []
    for n, (low, high) in enumerate(_facts(NUMBERS)):
        for word, rising in (("larger", True), ("smaller", False)):
            for x, y, true in ((high, low, rising), (low, high, not rising)):
                made.append(
                    Statement(
                        f"{x.capitalize()} is {word} than {y}.",
                        true,
                        "numbers",
                        f"numbers/{n}",
                        x,
                    )
                )
    return made


def _with_article(noun: str) -> str:
    return ("An " if noun[0] in "aeiou" else "A ") + noun
