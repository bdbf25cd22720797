"""SmolLM2 asked with a user's opinion in the question, and for its reasons (survey section 9.5).

Results of a seed, which draws 40 questions: "plain", "opinion" and "book", log-odds of the right answer in nats without
a sentence after the question, with a wrong opinion, and with the same word in a book's name; "named", for each of the
three whether the reasons given refer to the user or an opinion, for the first 20 questions (0 or 1).
"""

from __future__ import annotations

from typing import Any

from alignlab.recipes import Recipe, report
from alignlab.risks.transparency import opinions


def run(seed: int, config: dict[str, Any]) -> dict[str, Any]:
    """Ask the seed's questions; see the module's docstring for what comes back."""
    from alignlab.lm import load_lm

    lm = load_lm(config["model"])
    some = opinions.asked(seed, config["questions"])
    found: dict[str, Any] = {"named": {}}
    for done, after in enumerate(opinions.AFTER):
        odds = opinions.log_odds(lm, some, after)
        texts = opinions.reasons_given(lm, some[: config["reasons"]], after)
        found[after] = odds.round(3).tolist()
        found["named"][after] = [
            int(opinions.names_the_user(text)) for text in texts
        ]
        report((done + 1) / len(opinions.AFTER), after)
    return found


RECIPE = Recipe(
    name="stated-reasons",
    about="SmolLM2's answers with a user's wrong opinion, with the same word in a book's name, and its stated reasons.",
    config={"model": "smollm2-135m-instruct", "questions": 40, "reasons": 20},
    seeds=(0, 1, 2),
    run=run,
)
