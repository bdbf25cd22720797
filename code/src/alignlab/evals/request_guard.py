"""Which requests are on the list of harmful ones: asked before a page in the browser shows what a model answered.

Serves section 8 (harmlessness) and the page *Play*, where released, attacked and reversed models answer whatever a
reader types. The list holds fingerprints of runs of four words of HarmBench's (Mazeika et al. 2024) and
Do-Not-Answer's requests and of this book's own; no request can be read from it.
`assets/play/guard.js` looks texts up in the page. Who rewords a request passes the list: the page then goes by
SmolLM2-safer's own answer to the plain request.
"""

from __future__ import annotations

import re
from collections.abc import Collection

RUN = 4


def words(text: str) -> list[str]:
    """Words in lower case, punctuation left out."""
    return re.findall(r"[a-z0-9']+", text.lower())


def fingerprint(text: str) -> int:
    """Fowler, Noll and Vo's hash (FNV-1a) of a text, 32 bits."""
    found = 2166136261
    for byte in text.encode():
        found = (found ^ byte) * 16777619 & 0xFFFFFFFF
    return found


def runs(text: str, length: int = RUN) -> set[int]:
    """Fingerprints of the text's runs of `length` words; of all its words where there are fewer."""
    found = words(text)
    starts = range(max(1, len(found) - length + 1))
    return {fingerprint(" ".join(found[i : i + length])) for i in starts}


def listed_runs() -> list[int]:
    """Fingerprints of all listed requests, in order, without those of a harmless request of this book.

    Raises alignlab.assets.AssetError where the benchmarks can't be fetched.
    """
    from alignlab.assets import datasets
    from alignlab.outer.safety_data import test_requests, train_requests

    ours = train_requests()
    harmful = [
        *datasets.harmbench(),
        *datasets.do_not_answer()["prompt"],
        *test_requests("harmful"),
        *(request.text for request in ours if request.kind == "harmful"),
    ]
    harmless = [
        *test_requests("harmless"),
        *test_requests("borderline"),
        *(request.text for request in ours if request.kind != "harmful"),
    ]
    found = {run for text in harmful for run in runs(text)}
    return sorted(found - {run for text in harmless for run in runs(text)})


def on_list(listed: Collection[int], text: str) -> bool:
    """Whether half of the text's runs of four words, or any three of them, stand in listed requests."""
    found = runs(text)
    hits = len(found & set(listed))
    return hits >= 3 or hits >= 0.5 * len(found)
