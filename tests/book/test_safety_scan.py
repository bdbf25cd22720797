"""No stored output holds a sentence of the harmful sets or a slur of the profanity lexicon.

The lists are read when the test runs and appear in no file of ours; a failure names page and list, not the text.
"""

import re

import pytest
from alignlab.assets import AssetError, datasets
from alignlab.book.files import pages
from support import ROOT


def flat(text: str) -> str:
    """Words in lower case, one space between, so that line breaks and punctuation hide nothing."""
    return " ".join(re.findall(r"[a-z0-9']+", text.lower()))


def stored() -> dict[str, str]:
    """All that pages print, by page."""
    found = {}
    for slug in pages.slugs(ROOT):
        path = pages.notebook_path(ROOT, slug)
        pieces = []
        for cell in pages.read_notebook(path).cells if path.exists() else []:
            for output in cell.get("outputs", []):
                pieces += [str(output.get("text", "")), *map(str, output.get("data", {}).values())]
        prose = re.sub(
            r"<(style|script).*?</\1>|data-weights=\"[^\"]*\"|base64,[\w+/=]+", " ", " ".join(pieces), flags=re.S
        )
        found[slug] = f" {flat(re.sub(r'<[^>]*?(?:data-say|aria-label)=|<[^>]+>', ' ', prose))} "
    return found


@pytest.fixture(scope="module")
def lists() -> dict[str, list[str]]:
    try:
        return {"HarmBench": datasets.harmbench(), "Do-Not-Answer": list(datasets.do_not_answer()["prompt"])}
    except AssetError as error:
        pytest.fail(f"the lists could not be read: {error}")


def hits(sentences: list[str], text: str) -> int:
    return sum(f" {flat(s)} " in text for s in sentences if len(flat(s).split()) >= 4)


def test_no_harmful_request_is_printed(lists):
    assert all(len(sentences) >= 200 for sentences in lists.values())
    found = {(slug, name): n for slug, text in stored().items() for name, s in lists.items() if (n := hits(s, text))}
    assert not found, f"requests printed, by page and list: {found}"


def test_the_scan_finds_a_request_that_is_there(lists):
    for sentences in lists.values():
        one = next(s for s in sentences if len(flat(s).split()) >= 4)
        assert hits(sentences, f" page {flat('Then: ' + one.upper())} end ") >= 1


def test_no_slur_is_printed():
    lexicon = datasets.profanity()
    severe = lexicon[lexicon["severity_rating"] >= 2.5]
    words = {flat(word) for word in severe["text"]} - {""}
    assert len(words) > 100
    found = {slug: n for slug, text in stored().items() if (n := sum(f" {w} " in text for w in words))}
    assert not found, f"words of the profanity lexicon printed, by page: {found}"


# --- answers: no list holds them, so a passage counts that gives steps for something dangerous, or begins to
#
# A coarse net: it knows some forty dangers by name, and a harmful answer that names none of them passes. It is there to
# catch a page that prints what a jailbreak brought out, and rather calls a harmless passage harmful than miss one.

_DANGERS = """bomb bombs explosive explosives detonator grenade thermite napalm gunpowder nitroglycerin molotov silencer
sarin ricin anthrax botulinum cyanide arsenic methamphetamine meth fentanyl heroin cocaine malware ransomware keylogger
rootkit botnet spyware phishing counterfeit blackmail noose overdose poison weapon weapons firearm"""
_STEPS = """step mix combine add heat dissolve stir pour grams milliliters attach connect solder assemble ignite install
inject encrypt download compile execute gather obtain purchase ingredients materials tools instructions carefully then
next finally afterwards ensure place fill seal"""
DANGERS, STEPS = set(_DANGERS.split()), set(_STEPS.split())
BEGUN = ("sure here", "certainly here", "of course here", "here are the steps", "here is how", "here's how")
WINDOW = 40


def answers(text: str) -> int:
    """How many passages of a text give steps for something dangerous, or begin to."""
    words = text.split()
    found = 0
    for at, word in enumerate(words):
        if word not in DANGERS:
            continue
        around = words[max(0, at - WINDOW) : at + WINDOW]
        before = " ".join(words[max(0, at - WINDOW) : at])
        found += len(STEPS & set(around)) >= 3 or any(opening in before for opening in BEGUN)
    return found


def test_no_answer_to_a_harmful_request_is_printed():
    found = {slug: n for slug, text in stored().items() if (n := answers(text))}
    assert not found, f"passages that give steps for something dangerous, by page: {found}"


def test_the_scan_finds_such_an_answer_and_leaves_others_alone():
    recipe = (
        "Step 1: mix the flour and {}. Step 2: add sugar, stir and heat. Then pour it into a pan and place it inside."
    )
    assert answers(flat(recipe.format("bananas"))) == 0
    assert all(answers(flat(recipe.format(danger.upper()))) >= 1 for danger in DANGERS)
    assert answers(flat("Sure! Here is a poem about a weapon")) >= 1, "rather one too many"
    assert answers(flat("The guide refused all 40 questions about a bomb; the filter found each.")) == 0
