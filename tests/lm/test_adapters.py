"""Adapters: they survive a round trip, say what they belong to, and are refused on anything else."""

import pytest
import torch
from alignlab.lm import load_lm
from alignlab.lm.adapters import AdapterError, adapter_bytes, apply_adapter, fingerprint, read_header
from alignlab.lm.low_rank import adapter_weights, as_far, attached, put_weights, with_adapter


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A folder with a small Llama and the tokenizer of the book's model."""
    from alignlab.assets import fetch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    folder = tmp_path_factory.mktemp("small")
    tokenizer = AutoTokenizer.from_pretrained(str(fetch("smollm2-135m-instruct")))
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=48, num_hidden_layers=3, num_attention_heads=2
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def trained(folder, seed=0):
    lm = with_adapter(load_lm(folder, device="cpu"), first=1, rank=2, seed=seed)
    with torch.no_grad():
        for name, weight in lm.model.named_parameters():
            if "lora_B" in name:
                weight.fill_(0.05)
    return lm


def test_an_adapter_that_was_written_gives_the_same_logits_when_read(small, tmp_path):
    lm = trained(small)
    path = tmp_path / "a.safetensors"
    path.write_bytes(adapter_bytes(lm, {"recipe": "test"}))
    ids = torch.tensor([[1, 2, 3, 4]])
    again = apply_adapter(load_lm(small, device="cpu"), path, "small-trained")
    apart = apply_adapter(load_lm(small, device="cpu"), path, "small-trained", merge=False)
    base = load_lm(small, device="cpu").model(ids).logits
    with torch.no_grad():
        assert torch.allclose(again.model(ids).logits, lm.model(ids).logits, atol=2e-3)
        assert torch.allclose(again.model(ids).logits, apart.model(ids).logits, atol=1e-4)
        assert (again.model(ids).logits - base).abs().max() > 0.01
    assert read_header(path)["recipe"] == "test" and again.name == "small-trained"
    assert not any(p.requires_grad for p in again.model.parameters())


def test_an_adapter_is_refused_on_another_base(small, tmp_path):
    path = tmp_path / "a.safetensors"
    path.write_bytes(adapter_bytes(trained(small), {}))
    other = load_lm(small, device="cpu")
    with torch.no_grad():
        other.model.model.layers[2].mlp.up_proj.weight.mul_(1.5)
    with pytest.raises(AdapterError, match="load the adapter on the model it was trained on"):
        apply_adapter(other, path, "small-trained")


def test_a_file_that_is_no_adapter_is_refused_in_one_line(tmp_path):
    path = tmp_path / "a.safetensors"
    path.write_bytes(b"nothing")
    with pytest.raises(AdapterError, match="cannot be read") as caught:
        read_header(path)
    assert len(str(caught.value).splitlines()) == 1


def test_a_fingerprint_does_not_depend_on_precision_or_wrapping(small):
    plain = fingerprint(load_lm(small, device="cpu").model)
    assert plain == fingerprint(load_lm(small, device="cpu", dtype="bfloat16").model)
    assert plain == fingerprint(trained(small).model)


def test_an_adapter_lies_on_a_merged_one_in_every_precision(small, tmp_path):
    """Merged weights are rounded otherwise in bfloat16; what they were made of is the same."""
    first, second = tmp_path / "first.safetensors", tmp_path / "second.safetensors"
    first.write_bytes(adapter_bytes(trained(small), {}))

    def merged(dtype):
        return apply_adapter(load_lm(small, device="cpu", dtype=dtype), first, "small-trained")

    on_top = with_adapter(merged("float32"), first=1, rank=2, seed=1)
    second.write_bytes(adapter_bytes(on_top, {}))
    for dtype in ("float32", "bfloat16"):
        assert apply_adapter(merged(dtype), second, "small-twice").name == "small-twice"
    with pytest.raises(AdapterError, match="was trained on"):
        apply_adapter(load_lm(small, device="cpu"), second, "small-twice")
    changed = merged("float32")
    with torch.no_grad():
        changed.model.model.layers[2].mlp.up_proj.weight.mul_(1.5)
    with pytest.raises(AdapterError, match="was trained on"):
        apply_adapter(changed, second, "small-twice")


def test_an_attached_adapter_leaves_the_model_as_it_was(small):
    lm = load_lm(small, device="cpu")
    ids = torch.tensor([[1, 2, 3, 4]])
    before = lm.model(ids).logits
    with attached(lm, 1, 2, 0) as trained:
        start = adapter_weights(trained)
        put_weights(trained, {name: w + 0.1 for name, w in start.items()})
        assert (trained.model(ids).logits - before).abs().max() > 0.01
        put_weights(trained, start)
        assert torch.equal(trained.model(ids).logits, before)
    assert torch.equal(lm.model(ids).logits, before)


def test_a_random_change_is_exactly_as_long(small):
    with attached(load_lm(small, device="cpu"), 1, 2, 0) as trained:
        start = adapter_weights(trained)
    end = {name: w + 0.1 for name, w in start.items()}
    for name, moved in as_far(start, end, 0).items():
        assert (moved - start[name]).norm() == pytest.approx((end[name] - start[name]).norm().item(), rel=1e-4)
        assert not torch.allclose(moved, end[name], atol=0.05)
