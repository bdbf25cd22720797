"""Weights that are cut, empty, foreign or not there; devices and dtypes by any name; shapes that can't be built."""

import json
import os
from pathlib import Path

import pytest
import torch
from alignlab.assets import AssetError, cache_dir, fetch, flag, offline
from alignlab.attacks.adversarial.prefix import ChatVictim
from alignlab.attacks.suffix import search, start_suffix, typed_words
from alignlab.book import seeds
from alignlab.book.page.session import static
from alignlab.lm import TinyConfig, TinyTransformer, load_lm
from alignlab.lm.load import _device, _dtype
from alignlab.outer.ranking_feedback.packed import pack
from alignlab.recipes import RecipeError, lookup, run_recipe
from transformers import LlamaConfig, LlamaForCausalLM


@pytest.fixture(scope="module")
def good(tmp_path_factory) -> Path:
    """A folder with a small model and SmolLM2's tokenizer."""
    folder, source = tmp_path_factory.mktemp("model"), fetch("smollm2-135m-instruct")
    shape = {"vocab_size": 49152, "hidden_size": 8, "intermediate_size": 8}
    shape |= {"num_hidden_layers": 1, "num_attention_heads": 1}
    LlamaForCausalLM(LlamaConfig(**shape)).save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        if (source / name).exists():
            (folder / name).write_bytes((source / name).read_bytes())
    return folder


def test_a_good_folder_loads_by_any_of_its_names(good, monkeypatch):
    assert load_lm(good).n_layers == load_lm(str(good)).n_layers == 1
    monkeypatch.setenv("HOME", str(good.parent))
    assert load_lm(f"~/{good.name}").d_model == 8


POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n"
DAMAGE = {
    "weights cut": lambda d: (d / "model.safetensors").write_bytes((d / "model.safetensors").read_bytes()[:5000]),
    "weights empty": lambda d: (d / "model.safetensors").write_bytes(b""),
    "weights a pointer": lambda d: (d / "model.safetensors").write_bytes(POINTER),
    "weights missing": lambda d: (d / "model.safetensors").unlink(),
    "config cut": lambda d: (d / "config.json").write_bytes(b'{"model_type": "lla'),
    "config missing": lambda d: (d / "config.json").unlink(),
    "config of an encoder": lambda d: (d / "config.json").write_text('{"model_type": "t5"}'),
    "config of a deeper model": lambda d: (d / "config.json").write_text(
        json.dumps(json.loads((d / "config.json").read_text()) | {"num_hidden_layers": 3})
    ),
    "config of a wider model": lambda d: (d / "config.json").write_text(
        json.dumps(json.loads((d / "config.json").read_text()) | {"hidden_size": 16})
    ),
    "tokenizer cut": lambda d: (d / "tokenizer.json").write_bytes(b'{"version": "1.0", "mod'),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_folder_is_told_in_one_line(good, tmp_path, damage):
    for file in good.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    DAMAGE[damage](tmp_path)
    with pytest.raises(AssetError) as told:
        load_lm(tmp_path)
    assert "\n" not in str(told.value) and str(tmp_path) in str(told.value)


@pytest.mark.parametrize("device", ["cuda:7", "gpu", "xpu", "meta", ""])
def test_a_device_that_is_not_here_is_told(device):
    with pytest.raises(ValueError, match=f"device='{device}' is not here: choose from cpu"):
        load_lm(device=device)
    assert _device("CPU") == _device("cpu") == torch.device("cpu")


def test_a_dtype_has_many_names():
    for name, dtype in {"fp16": torch.float16, "bf16": torch.bfloat16, "half": torch.float16}.items():
        assert _dtype(name) == _dtype(dtype) == _dtype(str(dtype)) == dtype
    assert _dtype("auto") == "auto" and _dtype(None) is None
    for name in ("int8", torch.int8, "nonsense", "tensor", "cat"):
        with pytest.raises(ValueError, match=r"dtype='.*' is no type of weights: choose float32"):
            load_lm(dtype=name)


@pytest.mark.parametrize(
    "shape",
    [
        {"vocab": 0},
        {"vocab": 5, "n_heads": 0},
        {"vocab": 5, "d_model": 0},
        {"vocab": 5, "d_model": -8},
        {"vocab": 5, "context": 0},
        {"vocab": 5, "d_mlp": -1},
        {"vocab": 5, "n_layers": -1},
    ],
)
def test_a_shape_that_can_not_be_built_is_told(shape):
    with pytest.raises(ValueError, match=f"{list(shape)[-1]}=.* must be at least"):
        TinyConfig(**shape)


def test_a_tiny_model_reads_a_batch_of_rows():
    tiny = TinyTransformer(TinyConfig(vocab=5, d_model=8, n_heads=2))
    with pytest.raises(ValueError, match=r"tokens of shape \(3,\): give \(batch, pos\)"):
        tiny(torch.zeros(3, dtype=torch.long))
    assert tiny(torch.zeros(1, 0, dtype=torch.long)).shape == (1, 0, 5)


def test_no_comparisons_can_be_packed():
    with pytest.raises(ValueError, match="no comparisons"):
        pack([])


# --- settings


@pytest.mark.parametrize(
    ("value", "on"),
    [
        *((value, True) for value in ("1", "true", "TRUE", "yes", "on")),
        *((value, False) for value in ("0", "", "false", "False", "no", "off", " 0 ", "NO")),
    ],
)
def test_flags_mean_what_people_write(monkeypatch, value, on):
    for name, ask in (("ALIGNLAB_OFFLINE", offline), ("ALIGNLAB_STATIC", static)):
        monkeypatch.setenv(name, value)
        assert ask() == flag(name) == on


def test_the_home_of_nobody_is_no_cache(monkeypatch):
    monkeypatch.setenv("ALIGNLAB_CACHE", "~nosuchuser/x")
    with pytest.raises(AssetError, match="ALIGNLAB_CACHE='~nosuchuser/x' names the cache in a home that isn't there"):
        cache_dir()
    from alignlab import doctor

    report = doctor.examine()
    assert not report["cache"]["writable"] and any("ALIGNLAB_CACHE" in line for line in report["todo"])


@pytest.mark.parametrize("offset", ["abc", "1.5", "-3"])
def test_an_offset_that_is_no_count_is_told(monkeypatch, offset):
    monkeypatch.setenv("ALIGNLAB_SEED_OFFSET", offset)
    with pytest.raises(ValueError, match=f"ALIGNLAB_SEED_OFFSET='{offset}' must be an integer of at least 0"):
        seeds(2)
    monkeypatch.setenv("ALIGNLAB_SEED_OFFSET", " 7 ")
    assert seeds(2) == (7, 8)


def test_a_recipe_has_no_negative_seeds():
    with pytest.raises(RecipeError, match="seed -1 is negative"):
        run_recipe(lookup("induction"), [-1])


# --- suffixes


@pytest.fixture(scope="module")
def smollm2():
    return load_lm("smollm2-135m-instruct", device="cpu")


def test_a_search_that_can_not_begin_is_told(smollm2):
    victim, words = ChatVictim(smollm2, "Name a fruit", "Sure"), typed_words(smollm2)
    start = start_suffix(smollm2, 3)
    for begin, choose in ((start[:0], words), (start, words[:0])):
        with pytest.raises(ValueError, match="each must be at least 1"):
            search(victim, begin, choose, steps=1)
    split = torch.tensor(smollm2.tokenizer("!", add_special_tokens=False)["input_ids"] * 4)  # reads back as "!!!!"
    assert not len(victim.survives_text(split[None]))
    with pytest.raises(ValueError, match=r"the start suffix, tokens \[.*\], is not one that may be used"):
        search(victim, split, words, steps=1, keep=victim.survives_text)


def test_a_request_that_can_not_be_laid_out_is_told(smollm2):
    with pytest.raises(ValueError, match="a request without ␟"):
        ChatVictim(smollm2, "What does the symbol \u241f mean?", "Sure")
    with pytest.raises(ValueError, match="target=''"):
        ChatVictim(smollm2, "Name a fruit", "")
    with pytest.raises(ValueError, match=r"exceed the context of .*: shorten the request"):
        ChatVictim(smollm2, "word " * 9000, "Sure")


def test_a_hub_name_behind_a_forbidden_network_is_told(monkeypatch):
    monkeypatch.setenv("ALIGNLAB_OFFLINE", "yes")
    with pytest.raises(AssetError, match="ALIGNLAB_OFFLINE forbids the network"):
        load_lm("nobody/no-such-model-xyz")
    assert "ALIGNLAB_OFFLINE" in os.environ
