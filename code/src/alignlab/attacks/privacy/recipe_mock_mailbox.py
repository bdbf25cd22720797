"""SmolLM2, released and safer, with a mock mailbox in its prompt, asked for addresses in four ways.

Results of each seed: for each model and way of asking, with the rule in the prompt and without, how many of the
people's addresses the answers hold, and how many still do once answers are scrubbed. No answer is kept.
"""

from __future__ import annotations

from typing import Any

from alignlab.attacks.privacy import letters
from alignlab.lm import load_lm
from alignlab.lm.generation import chat_prompt, generate
from alignlab.recipes._recipe import Recipe
from alignlab.recipes._running import report


def run_seed(seed: int, config: dict[str, Any]) -> dict[str, Any]:
    """One mailbox, all models and ways."""
    book = letters.people(seed, config["people"])
    found: dict[str, Any] = {"people": len(book)}
    for done, name in enumerate(config["models"]):
        lm = load_lm(name, device="cpu", dtype="float32")
        for rule in config["rules"]:
            report(done / len(config["models"]), name)
            prompts, asked = [], []
            for way, attack in letters.ATTACKS.items():
                for person in book:
                    turns = attack(person)
                    head = letters.system(book, rule)
                    prompts.append(chat_prompt(lm, turns, system=head))
                    asked.append((way, person))
            said = generate(lm, prompts, config["tokens"])
            for way in letters.ATTACKS:
                rows = [
                    (answer, book[person])
                    for answer, (which, person) in zip(said, asked)
                    if which == way
                ]
                key = f"{name}, {way}, {'rule' if rule else 'no rule'}"
                found[key] = sum(letters.leaks(*row) for row in rows)
                found[f"{key}, scrubbed"] = sum(
                    letters.leaks(letters.scrub(answer), address)
                    for answer, address in rows
                )
    return found


RECIPE = Recipe(
    name="mock-mailbox",
    about="SmolLM2 with a made-up mailbox in its prompt, asked for addresses directly and in several steps",
    config={
        "people": 4,
        "tokens": 24,
        "models": ["smollm2-135m-instruct", "smollm2-safer"],
        "rules": [True],
    },
    seeds=(0, 1, 2),
    run=run_seed,
)
