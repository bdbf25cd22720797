"""Plain facts, each asked in five wordings, with all answers of its kind.

As in ParaRel (Elazar et al. 2021, "Measuring and Improving Consistency in
Pretrained Language Models"): a relation has several wordings that mean the
same, and a model chooses among all answers that the relation has. Facts and
wordings are written for this book. A wording ends where the answer begins.
"""

from __future__ import annotations

from typing import NamedTuple

RELATIONS: dict[str, tuple[tuple[str, ...], str]] = {
    "capital": (
        (
            "The capital of {} is",
            "The capital city of {} is called",
            "What is the capital of {}? It is",
            "If you visit the capital of {}, you are in",
            "Question: Name the capital of {}. Answer:",
        ),
        """France Paris|Italy Rome|Germany Berlin|Spain Madrid|Portugal Lisbon
        Greece Athens|Austria Vienna|Japan Tokyo|Russia Moscow|Egypt Cairo
        China Beijing|Ireland Dublin|Norway Oslo|Poland Warsaw|Cuba Havana
        Hungary Budapest|Peru Lima|Chile Santiago|Kenya Nairobi|Iraq Baghdad
        Thailand Bangkok|Indonesia Jakarta|Turkey Ankara|Sweden Stockholm
        Denmark Copenhagen|Finland Helsinki|Belgium Brussels|Canada Ottawa
        Iran Tehran|Syria Damascus|Ghana Accra|Uganda Kampala|Nepal Kathmandu
        Ecuador Quito|Bulgaria Sofia|Morocco Rabat|Latvia Riga|Senegal Dakar
        Estonia Tallinn|Angola Luanda|Ukraine Kyiv|Libya Tripoli""",
    ),
    "language": (
        (
            "The official language of {} is",
            "The language that is spoken in {} is",
            "What do people speak in {}? They speak",
            "Most people who were born in {} speak",
            "Question: Name the main language of {}. Answer:",
        ),
        """France French|Italy Italian|Germany German|Spain Spanish
        Portugal Portuguese|Greece Greek|Austria German|Japan Japanese
        Russia Russian|Egypt Arabic|China Mandarin|Norway Norwegian
        Poland Polish|Hungary Hungarian|Brazil Portuguese|Mexico Spanish
        Turkey Turkish|Sweden Swedish|Denmark Danish|Finland Finnish
        England English|Thailand Thai|Iran Persian|Iraq Arabic
        Argentina Spanish|Australia English|Israel Hebrew|Vietnam Vietnamese""",
    ),
    "currency": (
        (
            "The currency of {} is the",
            "The money that is used in {} is called the",
            "What do people pay with in {}? They pay with the",
            "Prices in the shops of {} are given in the",
            "Question: Name the currency of {}. Answer: the",
        ),
        """Japan yen|India rupee|Russia ruble|Mexico peso|Kenya shilling
        Poland zloty|Turkey lira|Thailand baht|Vietnam dong|Uganda shilling
        Norway krone|Switzerland franc|Britain pound|Israel shekel
        Hungary forint|Denmark krone|Canada dollar|France euro|Iran rial
        Kuwait dinar|Egypt pound|Australia dollar|Germany euro|Nigeria naira
        Ukraine hryvnia|Spain euro|Chile peso|Pakistan rupee""",
    ),
    "symbol": (
        (
            "The chemical symbol for {} is",
            "The symbol of the element {} is",
            "What is the chemical symbol of {}? It is",
            "In chemical formulas we write the element {} as",
            "Question: Name the symbol of the element {}. Answer:",
        ),
        """gold Au|silver Ag|iron Fe|copper Cu|oxygen O|hydrogen H|carbon C
        nitrogen N|helium He|sodium Na|potassium K|calcium Ca|lead Pb
        mercury Hg|zinc Zn|uranium U|tin Sn|chlorine Cl|magnesium Mg
        silicon Si|neon Ne|nickel Ni|lithium Li|aluminum Al""",
    ),
    "opposite": (
        (
            "The opposite of {} is",
            "The word that means the opposite of {} is",
            "What is the opposite of {}? It is",
            "An antonym of {} is",
            "Question: Name the opposite of {}. Answer:",
        ),
        """hot cold|big small|up down|black white|happy sad|fast slow
        open closed|rich poor|light dark|wet dry|high low|long short
        good bad|empty full|left right|strong weak|hard soft|young old
        early late|clean dirty|safe dangerous|brave afraid|sweet bitter
        narrow wide""",
    ),
    "young": (
        (
            "A young {} is called a",
            "The baby of a {} is called a",
            "What do we call the young of a {}? It is a",
            "When it is small, a {} is known as a",
            "Question: Name the young of a {}. Answer: a",
        ),
        """dog puppy|cat kitten|cow calf|horse foal|sheep lamb|goat kid
        pig piglet|lion cub|bear cub|deer fawn|duck duckling|goose gosling
        chicken chick|frog tadpole|kangaroo joey|swan cygnet|owl owlet
        hare leveret|elephant calf|whale calf""",
    ),
}
WORDINGS = 5


class Item(NamedTuple):
    """A fact. answer: with the space before it, as it follows a wording."""

    relation: str
    subject: str
    answer: str

    def asked(self, wording: int) -> str:
        """The prompt in one of the five wordings, up to the answer."""
        return RELATIONS[self.relation][0][wording].format(self.subject)


def items() -> list[Item]:
    """All facts, relation by relation."""
    found = []
    for relation, (_, facts) in RELATIONS.items():
        for fact in facts.replace("\n", "|").split("|"):
            subject, answer = fact.split()
            found.append(Item(relation, subject, " " + answer))
    return found


def answers_of(relation: str) -> list[str]:
    """The different answers of a relation, sorted, a space before each."""
    return sorted({i.answer for i in items() if i.relation == relation})
