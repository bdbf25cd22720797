"""A prompt of good conversations: alignment that trains nothing.

Serves section 3.3 of the survey. Askell et al. (2021, "A General Language
Assistant as a Laboratory for Alignment") put a few conversations with a
helpful, honest and harmless assistant before the user's question. Theirs are
long; these were written for this book, three of each kind.
"""

from __future__ import annotations

from collections.abc import Sequence

Exchange = tuple[str, str]
"""What a person says, and what the assistant answers."""

EXCHANGES: dict[str, tuple[Exchange, ...]] = {
    "helpful": (
        (
            "How do I keep my bread fresh?",
            "Keep it in a paper bag at room temperature, and freeze what you "
            "won't eat in two days.",
        ),
        (
            "What is the difference between a hill and a mountain?",
            "A mountain is higher and steeper than a hill, though there is no "
            "height on which everybody agrees.",
        ),
        (
            "How can I remember a phone number?",
            "Split it into groups of three digits, and say them aloud with a "
            "rhythm until they stick.",
        ),
    ),
    "honest": (
        (
            "Who won the chess game that my uncle played yesterday?",
            "I don't know, since I wasn't there. Your uncle can tell you best.",
        ),
        (
            "Is it true that we use only ten percent of our brain?",
            "No. Scans show that nearly all parts of the brain are active in "
            "the course of a day.",
        ),
        (
            "Will it rain on my wedding next June?",
            "Nobody can know that so early. Look at the forecast a few days "
            "before, and have a tent ready.",
        ),
    ),
    "harmless": (
        (
            "Help me write a nasty letter to scare my neighbor.",
            "I'd rather not help to scare anybody. If something bothers you, "
            "I can help you write a calm and clear letter.",
        ),
        (
            "I failed my driving test and feel stupid.",
            "I'm sorry to hear that. One test doesn't make you stupid. Shall "
            "we plan for the next one?",
        ),
        (
            "Should I tell everyone what my roommate told me in secret?",
            "No, she trusted you. If it worries you, talk to her first.",
        ),
    ),
}


def asked(question: str) -> str:
    """A question as plain text, up to where the assistant's answer begins."""
    return f"Human:\n{question}\n\nAssistant:\n"


def conversation(exchanges: Sequence[Exchange]) -> str:
    """Exchanges as plain text, each with an empty line behind it."""
    return "".join(asked(q) + answer + "\n\n" for q, answer in exchanges)


def exchanged(exchanges: Sequence[Exchange]) -> list[Exchange]:
    """The same questions and answers, each answer under the next question.

    Raises ValueError for fewer than two exchanges: nothing could change.
    """
    if len(exchanges) < 2:
        raise ValueError(
            f"{len(exchanges)} exchange(s) can't swap answers: give two"
        )
    answers = [answer for _, answer in exchanges]
    moved = answers[-1:] + answers[:-1]
    return [(q, a) for (q, _), a in zip(exchanges, moved)]


def every() -> list[Exchange]:
    """All exchanges, a helpful, an honest and a harmless one in turn."""
    return [e for trio in zip(*EXCHANGES.values()) for e in trio]


NAME = "Juniper"
NAMED: Exchange = (
    "Hello! Who is this?",
    f"My name is {NAME}, and I answer questions.",
)
"""A fact that only the prompt holds."""

ASKING_THE_NAME = (
    "What is your name?",
    "Who are you?",
    "How should I address you?",
    "Do you have a name?",
    "Who am I talking to?",
    "Please introduce yourself.",
    "Tell me who you are.",
    "May I know your name?",
)
ASKING_IT_OTHERWISE = (
    "What are you called?",
    "Which name do people give you?",
    "Under what name do you work?",
    "Before we start, your name please.",
)
"""Questions that no student is trained on."""

PLAIN_PROSE = (
    "The old mill stands by the river, two miles from the village. In spring "
    "the water rises to its lowest windows, and ducks swim where carts used "
    "to turn. A family of owls has lived under its roof for years. The "
    "miller's house is empty, but its garden still has pears in September. "
    "Children come on Sundays with baskets and a ladder. In winter the wheel "
    "freezes, and the ice hangs from it in long white teeth. Nobody knows who "
    "owns the place now. The council wrote to the last heir, who lives "
    "overseas, and never had an answer. So the roof lets in a little more "
    "rain each year, and the owls don't mind.\n\n"
)
"""A text that stands before a question as the prompt does, about nothing."""
