"""A patch sweep: `alignlab.interp.attention.patching` beside one hooked forward pass a site, as in TransformerLens."""

from __future__ import annotations

from benchmarks import Benchmark, Run, Side

PROMPT = "When Mary and John went to the store, John gave a drink to"
SOURCE = "When Mary and John went to the store, Mary gave a drink to"
TRANSFORMER_LENS = ("transformer-lens==4.3.0",)
STEP = 37  # of the vocabulary, every 37th logit is compared


def prepare_ours(dtype: str, model: str) -> Run:
    """All layers and positions, residual stream."""
    from alignlab.interp.attention.patching import patch_sweep
    from alignlab.lm import encode, load_lm

    lm = load_lm(model, device="cpu", dtype=dtype)
    prompt, source = encode(lm, PROMPT), encode(lm, SOURCE)
    return lambda: patch_sweep(lm, prompt, source)[..., ::STEP].flatten().tolist()


def prepare_peer(dtype: str, model: str) -> Run:
    """The library's pattern: cache the source's run, then a forward pass with one hook for each site."""
    import torch
    from transformer_lens.model_bridge import TransformerBridge
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model)
    network = AutoModelForCausalLM.from_pretrained(
        model, dtype=getattr(torch, dtype), attn_implementation="eager"
    ).eval()
    layers, head = network.config.num_hidden_layers, network.lm_head
    bridge = TransformerBridge.boot_transformers(
        model, hf_model=network, tokenizer=tokenizer, device="cpu", dtype=getattr(torch, dtype)
    )
    prompt, source = (tokenizer(text, return_tensors="pt")["input_ids"] for text in (PROMPT, SOURCE))
    names = [f"blocks.{layer}.hook_resid_post" for layer in range(layers)]
    assert head is not None

    @torch.no_grad()
    def run() -> list[float]:
        _, cache = bridge.run_with_cache(
            source, names_filter=lambda name: name.endswith(("hook_resid_post", "hook_out"))
        )
        found = []
        for name in names:
            for position in range(prompt.shape[1]):

                def put(activation, hook, position=position, new=cache[name]):
                    activation[:, position] = new[:, position]
                    return activation

                found.append(bridge.run_with_hooks(prompt, fwd_hooks=[(name, put)])[0, -1, ::STEP].float())
        return torch.stack(found).flatten().tolist()

    return run


BENCHMARKS = [
    Benchmark(
        name="patching",
        title="patch sweep, residual stream, 30 layers x 14 positions",
        ours=Side("alignlab.interp.patch_sweep: from the patched layer and position on, one row", prepare_ours),
        peer=Side(
            "TransformerLens 4.3.0, TransformerBridge.run_with_hooks, one pass a site", prepare_peer, TRANSFORMER_LENS
        ),
        tolerance={"float32": 2e-3},
    )
]
