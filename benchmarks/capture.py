"""Reading activations: `alignlab.lm.capture` beside plain transformers, TransformerLens and nnsight.

All of them, and one in the middle, where ours stops after the layer; TransformerLens (`stop_at_layer`) and nnsight
(`tracer.stop()`) can do so, too, and are asked to.
"""

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


def prepare_transformer_lens(dtype: str, model: str, layers: list[int], stop: bool) -> Run:
    """The same from `run_with_cache`, one padded batch."""
    import torch
    from transformer_lens.model_bridge import TransformerBridge
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model)
    network = AutoModelForCausalLM.from_pretrained(
        model, dtype=getattr(torch, dtype), attn_implementation="eager"
    ).eval()
    bridge = TransformerBridge.boot_transformers(
        model, hf_model=network, tokenizer=tokenizer, device="cpu", dtype=getattr(torch, dtype)
    )
    names = {f"blocks.{layer}.{hook}" for layer in layers for hook in ("hook_resid_post", "hook_out")}
    more = {"stop_at_layer": max(layers) + 1} if stop else {}

    @torch.no_grad()
    def run() -> list[float]:
        batch = tokenizer(PROMPTS, return_tensors="pt", padding=True, padding_side="right")
        _, cache = bridge.run_with_cache(
            batch["input_ids"], attention_mask=batch["attention_mask"], names_filter=lambda n: n in names, **more
        )
        last = batch["attention_mask"].sum(1) - 1
        picked = [cache[f"blocks.{layer}.hook_resid_post"][torch.arange(len(last)), last] for layer in layers[:29]]
        return [value for stream in picked for value in stream[:, :8].flatten().tolist()]

    return run


def prepare_nnsight(dtype: str, model: str, layers: list[int], stop: bool) -> Run:
    """The same from a trace, one batch; the library pads on the left, whatever it is told, so the last token is -1."""
    import nnsight
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model)
    network = AutoModelForCausalLM.from_pretrained(model, dtype=getattr(torch, dtype)).eval()
    traced = nnsight.TransformersModel(network, tokenizer=tokenizer, task="text-generation")

    @torch.no_grad()
    def run() -> list[float]:
        batch = tokenizer(PROMPTS, return_tensors="pt", padding=True)
        with traced.trace(dict(batch), use_cache=False, logits_to_keep=1) as tracer:
            picked = nnsight.save([])
            for layer in layers:
                output = traced.model.layers[layer].output
                picked.append((output[0] if isinstance(output, tuple) else output)[:, -1])
            if stop:
                tracer.stop()
        return [value for stream in picked[:29] for value in stream[:, :8].flatten().tolist()]

    return run


TRANSFORMER_LENS, NNSIGHT = ("transformer-lens==4.3.0",), ("nnsight==0.8.1",)
ALL = list(range(30))
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
    *(
        Benchmark(
            name=f"capture{'_middle' if stop else ''}_{name}",
            title=f"residual stream{' after layer 14' if stop else 's after all 30 layers'}, last token of 12 prompts",
            ours=Side("alignlab.lm.capture", lambda d, m, layers=layers: prepare_ours(d, m, layers)),
            peer=Side(
                configuration,
                lambda d, m, layers=layers, stop=stop, prepare=prepare: prepare(d, m, layers, stop),
                packages,
            ),
            tolerance={"float32": 5e-3},
        )
        for stop, layers in ((False, ALL), (True, [MIDDLE]))
        for name, prepare, packages, configuration in (
            (
                "transformer_lens",
                prepare_transformer_lens,
                TRANSFORMER_LENS,
                f"TransformerLens 4.3.0, run_with_cache{', stop_at_layer' if stop else ''}, one batch",
            ),
            (
                "nnsight",
                prepare_nnsight,
                NNSIGHT,
                f"nnsight 0.8.1, trace{', tracer.stop()' if stop else ', logits of one position'}, one batch",
            ),
        )
    ),
]
