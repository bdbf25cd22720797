"""Reading activations: `alignlab.lm.capture` beside a plain forward pass of transformers that returns hidden states."""

from __future__ import annotations

from benchmarks import Benchmark, Run, Side
from benchmarks.multiple_choice import ITEMS

PROMPTS = [f"Question: {question}\nAnswer: {answers[right]}" for question, answers, right in ITEMS]
MIDDLE = 14


def prepare_ours(dtype: str, model: str, layers: list[int]) -> Run:
    """Residual streams at the last token of twelve prompts."""
    from alignlab.lm import capture, load_lm

    lm = load_lm(model, device="cpu", dtype=dtype)
    names = [f"layers.{layer}.resid" for layer in layers]

    def run() -> list[float]:
        streams = capture(lm, PROMPTS, names)
        return [value for name in names[:29] for value in streams[name][:, :8].flatten().tolist()]

    return run


def prepare_peer(dtype: str, model: str, layers: list[int]) -> Run:
    """The same from `output_hidden_states`, one padded batch, logits of one position only."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model)
    network = AutoModelForCausalLM.from_pretrained(model, dtype=getattr(torch, dtype)).eval()

    @torch.no_grad()
    def run() -> list[float]:
        batch = tokenizer(PROMPTS, return_tensors="pt", padding=True, padding_side="right")
        states = network(**batch, output_hidden_states=True, use_cache=False, logits_to_keep=1).hidden_states
        last = batch["attention_mask"].sum(1) - 1
        # The last entry of hidden_states is normalized, so the comparison ends with layer 28.
        picked = [states[layer + 1][torch.arange(len(last)), last] for layer in layers[:29]]
        return [value for stream in picked for value in stream[:, :8].flatten().tolist()]

    return run


PEER = "transformers, forward pass with output_hidden_states, one batch, logits of one position"
BENCHMARKS = [
    Benchmark(
        name="capture",
        title="residual streams after all 30 layers, last token of 12 prompts",
        ours=Side("alignlab.lm.capture, no logits", lambda d, m: prepare_ours(d, m, list(range(30)))),
        peer=Side(PEER, lambda d, m: prepare_peer(d, m, list(range(30)))),
        tolerance={"float32": 1e-3},
    ),
    Benchmark(
        name="capture_middle",
        title=f"residual stream after layer {MIDDLE}, last token of 12 prompts",
        ours=Side("alignlab.lm.capture, stops after the layer", lambda d, m: prepare_ours(d, m, [MIDDLE])),
        peer=Side(PEER, lambda d, m: prepare_peer(d, m, [MIDDLE])),
        tolerance={"float32": 1e-3},
    ),
]
