"""Simple facts, written for the book, that can be looked for in a model's weights and changed there.

Serves sections 6.2 and 6.3. A fact is a subject, a relation and an answer, as in Meng et al. (2022): the prompt ends
where the answer begins, and the subject is not its last word. Every relation has a template to ask with and two more
that say the same (paraphrases); the other subjects of the relation with another answer are its neighbours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from alignlab.lm import LM
from alignlab.lm.checks import check_ids
from alignlab.lm.generation import keep_logits
from alignlab.lm.load import encode
from alignlab.lm.masks import pad_left


@dataclass(frozen=True)
class Fact:
    """A fact. answer: what a model that knows it says next, a space before it; template: the prompt with {} in it."""

    relation: str
    subject: str
    answer: str
    template: str
    paraphrases: tuple[str, ...]  # templates that ask the same

    @property
    def prompt(self) -> str:
        """The template with the subject in it."""
        return self.template.format(self.subject)

    def asked(self, template: str) -> str:
        """Another template with this subject in it."""
        return template.format(self.subject)


# relation -> templates (the first asks, the others are paraphrases), then subject > answer
RELATIONS: dict[str, tuple[tuple[str, ...], str]] = {
    "capital": (
        (
            "The capital of {} is",
            "The capital city of {} is called",
            "Q: What is the capital of {}? A: The capital is",
        ),
        """France Paris|Italy Rome|Germany Berlin|Spain Madrid|Portugal Lisbon|Greece Athens|Austria Vienna|Japan Tokyo
        Russia Moscow|Egypt Cairo|China Beijing|Ireland Dublin|Norway Oslo|Poland Warsaw|Hungary Budapest|Cuba Havana
        Peru Lima|Chile Santiago|Kenya Nairobi|Thailand Bangkok|Indonesia Jakarta|Turkey Ankara|Sweden Stockholm
        Denmark Copenhagen|Finland Helsinki|Belgium Brussels|Canada Ottawa|Iran Tehran|Iraq Baghdad|Syria Damascus""",
    ),
    "language": (
        (
            "In {}, the official language is",
            "The official language of {} is",
            "The national language of {} is",
        ),
        """France French|Italy Italian|Germany German|Spain Spanish|Portugal Portuguese|Greece Greek|Austria German
        Japan Japanese|Russia Russian|Egypt Arabic|China Mandarin|Norway Norwegian|Poland Polish|Hungary Hungarian
        Brazil Portuguese|Mexico Spanish|Turkey Turkish|Sweden Swedish|Denmark Danish|Finland Finnish|England English
        Thailand Thai|Iran Persian|Iraq Arabic|Argentina Spanish|Australia English|Israel Hebrew|Quebec French""",
    ),
    "continent": (
        (
            "The country of {} is part of the continent of",
            "The country {} is located on the continent of",
            "We know that {} is a country on the continent of",
        ),
        """France Europe|Kenya Africa|Nigeria Africa|Germany Europe|Poland Europe|Ghana Africa|Uganda Africa
        Ethiopia Africa|Norway Europe|Portugal Europe""",
    ),
    "symbol": (
        (
            "The chemical symbol for {} is",
            "The chemical symbol of the element {} is",
            "On the periodic table, {} has the symbol",
        ),
        """gold Au|silver Ag|iron Fe|copper Cu|oxygen O|hydrogen H|carbon C|nitrogen N|helium He|sodium Na|potassium K
        calcium Ca|lead Pb|mercury Hg|zinc Zn|uranium U""",
    ),
    "opposite": (
        (
            "The opposite of {} is",
            "The exact opposite of {} is",
            "The antonym of {} is",
        ),
        """hot cold|big small|up down|black white|happy sad|fast slow|open closed|rich poor|light dark|wet dry
        high low|long short|good bad|empty full|left right|strong weak|hard soft|young old""",
    ),
    "kind": (
        (
            "A {} is a kind of",
            "A {} is a type of",
            "Q: What kind of thing is a {}? A: A kind of",
        ),
        """sparrow bird|salmon fish|rose flower|carrot vegetable|hammer tool|violin instrument|trout fish|eagle bird
        wolf mammal|banana fruit|tulip flower|pigeon bird|shark fish|piano instrument|spider arachnid|frog amphibian""",
    ),
}


def facts(relations: Sequence[str] = tuple(RELATIONS)) -> list[Fact]:
    """All facts of the relations named. Raises ValueError for a relation that does not exist."""
    found = []
    for relation in relations:
        if relation not in RELATIONS:
            raise ValueError(
                f"no relation {relation!r}; there are {', '.join(RELATIONS)}"
            )
        (template, *paraphrases), table = RELATIONS[relation]
        for entry in table.replace("\n", "|").split("|"):
            subject, answer = (word.replace("_", " ") for word in entry.split())
            found.append(
                Fact(
                    relation,
                    subject,
                    " " + answer,
                    template,
                    tuple(paraphrases),
                )
            )
    return found


def neighbors(fact: Fact, among: Sequence[Fact]) -> list[Fact]:
    """The facts of the same relation with another answer."""
    return [
        other
        for other in among
        if other.relation == fact.relation and other.answer != fact.answer
    ]


def answer_token(lm: LM, answer: str) -> int:
    """The first token of an answer, with the space before it: what is scored."""
    ids = lm.tokenizer(answer, add_special_tokens=False)["input_ids"]
    if not ids:
        raise ValueError(
            f"the answer {answer!r} has no tokens: there is nothing to score"
        )
    return int(ids[0])


def subject_end(lm: LM, template: str, subject: str) -> int:
    """Index of the subject's last token in the prompt. Raises ValueError where the template has no {}."""
    if "{}" not in template:
        raise ValueError(
            f"the template {template!r} has no place {{}} for the subject"
        )
    return len(encode(lm, template[: template.index("{}")] + subject)) - 1


@torch.no_grad()
def answer_probabilities(
    lm: LM, prompts: Sequence[str], answers: Sequence[str]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Probability of the first token of each answer after its prompt, and whether it is the likeliest; both (n,)."""
    if len(prompts) != len(answers):
        raise ValueError(
            f"{len(prompts)} prompts, {len(answers)} answers: give one answer a prompt"
        )
    rows = [encode(lm, prompt) for prompt in prompts]
    check_ids(rows)
    ids, mask, positions = pad_left(rows, lm.device)
    logits = []
    for i in range(0, len(rows), 64):
        out = lm.model(
            input_ids=ids[i : i + 64], attention_mask=mask[i : i + 64], position_ids=positions[i : i + 64],
            use_cache=False, **keep_logits(lm, 1),
        )  # fmt: skip
        logits.append(out.logits[:, -1].float())
    p = torch.cat(logits).softmax(-1)
    tokens = torch.tensor(
        [answer_token(lm, answer) for answer in answers], device=lm.device
    )
    return p.gather(1, tokens[:, None])[:, 0], p.argmax(1) == tokens


def known_facts(
    lm: LM, relations: Sequence[str] = tuple(RELATIONS)
) -> list[Fact]:
    """The facts whose answer is the model's likeliest next token after the prompt. (Paraphrases are not asked.)"""
    asked = facts(relations)
    likeliest = answer_probabilities(
        lm, [fact.prompt for fact in asked], [fact.answer for fact in asked]
    )[1]
    return [fact for fact, right in zip(asked, likeliest.tolist()) if right]
