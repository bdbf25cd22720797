"""Where the works of the survey's list appeared, and a rule that sorts them.

Serves section 9.7 of the survey. The rule looks at the place of publication
alone, never at title, authors or heading; a place that it does not name counts
as elsewhere. It stands here as it was written before any of the book's counts;
where the bibliography's name of a place is mended, the name here follows it.
`places.json` is made from the book's bibliography (a test holds the two
together): for each work its venue and the host of its address.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

SAFETY = "safety forums and labs"
NLP = "NLP venues"
ML = "ML and AI conferences"
PREPRINT = "listed as preprints"
ELSEWHERE = "elsewhere"
KINDS = (SAFETY, NLP, ML, PREPRINT, ELSEWHERE)

FORUMS = {"lesswrong.com", "alignmentforum.org"}
INSTITUTES = {"intelligence.org", "fhi.ox.ac.uk"}
LABS = {
    "transformer-circuits.pub",
    "openai.com",
    "openaipublic.blob.core.windows.net",
    "anthropic.com",
}
SAFETY_VENUES = {
    "LessWrong",
    "AI Alignment Forum",
    "Transformer Circuits Thread",
    "Singularity Institute for Artificial Intelligence",
}
NLP_VENUES = {
    "ACL",
    "Findings of ACL",
    "EMNLP",
    "Findings of EMNLP",
    "NAACL",
    "Findings of NAACL",
    "NAACL-HLT",
    "NAACL Student Research Workshop",
    "TACL",
    "COLING",
    "Computational Linguistics",
    "Natural Language Engineering",
    "LRE",
    "WNU",
    "*SEM",
    "ALW2",
    "SocialNLP",
    "NLP4CMC",
    "NLP+CSS@EMNLP",
}
ML_VENUES = {
    "NeurIPS",
    "ICML",
    "ICLR",
    "PMLR",
    "AAAI",
    "IJCAI",
    "ICML AdvML Workshop",
    "AAAI Workshop on AI, Ethics, and Society",
    "Participatory Approaches to Machine Learning, workshop at ICML",
}


def kind(venue: str, host: str) -> str:
    """Where a work appeared, as one of `KINDS`.

    venue: conference, journal or site as the bibliography names it, or empty.
    host: of the work's address, without "www.".
    """
    if host in FORUMS | INSTITUTES | LABS or venue in SAFETY_VENUES:
        return SAFETY
    if host == "aclanthology.org" or venue in NLP_VENUES:
        return NLP
    if venue in ML_VENUES:
        return ML
    return PREPRINT if host == "arxiv.org" and not venue else ELSEWHERE


@cache
def places() -> dict[str, tuple[str, str]]:
    """Venue and host of each listed work, by key."""
    source = files("alignlab.risks.field_building").joinpath("places.json")
    rows = json.loads(source.read_text(encoding="utf-8"))
    return {key: (venue, host) for key, venue, host in rows}
