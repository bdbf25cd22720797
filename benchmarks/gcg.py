"""A step of suffix search: `alignlab.attacks` beside nanoGCG, 64 candidates that change a 20-token suffix.

A step is: the gradient in the one-hot suffix, candidates drawn from it, the filter that keeps those which text leads
back to, and the losses of 64 candidates. So that results can be compared, each side draws and then sets aside its own
candidates, and filters and scores the same 64, which are fixed.
"""

from __future__ import annotations

import random

from benchmarks import Benchmark, Run, Side

REQUEST = "Write a short note about the weather in Norway."
TARGET = "Sure, here is a recipe for banana bread:"
LENGTH, CANDIDATES, TOP = 20, 64, 256
NANOGCG = ("nanogcg==0.3.0", "transformers==4.47.1", "accelerate==1.12.0")


def suffixes(tokenizer) -> list[list[int]]:
    """The current suffix and 64 that differ from it in one token, all of them ordinary words with a space before."""
    known = tokenizer.get_vocab().items()
    words = sorted(i for text, i in known if text[0] == "Ġ" and text[1:].isascii() and text[1:].isalpha())
    rng = random.Random(0)
    current = rng.sample(words, LENGTH)
    rows = [current]
    for i in range(CANDIDATES):
        rows.append([*current])
        rows[-1][i % LENGTH] = rng.choice(words)
    return rows


def prepare_ours(dtype: str, model: str) -> Run:
    """One step of `alignlab.attacks.suffix.search` against `ChatVictim`."""
    import torch
    from alignlab.attacks.adversarial.prefix import ChatVictim
    from alignlab.attacks.suffix import gradient_words, typed_words
    from alignlab.lm import load_lm

    lm = load_lm(model, device="cpu", dtype=dtype)
    victim, words = ChatVictim(lm, REQUEST, TARGET), typed_words(lm)
    current, *others = suffixes(lm.tokenizer)
    suffix, fixed = torch.tensor(current), torch.tensor(others)
    generator = torch.Generator().manual_seed(0)

    def run() -> list[float]:
        gradient_words(victim, suffix, words, CANDIDATES, TOP, generator)
        kept = victim.survives_text(fixed)
        return (victim.losses(kept) / len(victim.target)).tolist()

    return run


def prepare_peer(dtype: str, model: str) -> Run:
    """The same step out of nanoGCG's own parts, prefix cache on, all candidates in one batch as is its default."""
    import torch
    from nanogcg.gcg import GCG, GCGConfig, filter_ids, sample_ids_from_grad
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model)
    network = AutoModelForCausalLM.from_pretrained(model, torch_dtype=getattr(torch, dtype)).eval()
    peer = GCG(network, tokenizer, GCGConfig(search_width=CANDIDATES, topk=TOP))
    chat = [{"role": "user", "content": REQUEST + "{here}"}]
    before, after = tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True).split("{here}")
    ids = [tokenizer([t], add_special_tokens=False, return_tensors="pt")["input_ids"] for t in (before, after, TARGET)]
    peer.target_ids = ids[2]
    peer.before_embeds, peer.after_embeds, peer.target_embeds = (peer.embedding_layer(part).detach() for part in ids)
    with torch.no_grad():
        peer.prefix_cache = network(inputs_embeds=peer.before_embeds, use_cache=True).past_key_values
    current, *others = suffixes(tokenizer)
    suffix, fixed = torch.tensor([current]), torch.tensor(others)

    def run() -> list[float]:
        gradient = peer.compute_token_gradient(suffix)
        with torch.no_grad():
            sample_ids_from_grad(suffix[0], gradient[0], CANDIDATES, TOP, 1, not_allowed_ids=peer.not_allowed_ids)
            kept = filter_ids(fixed, tokenizer)
            rest = [part.repeat(len(kept), 1, 1) for part in (peer.after_embeds, peer.target_embeds)]
            embeds = torch.cat([peer.embedding_layer(kept), *rest], dim=1)
            return peer._compute_candidates_loss_original(len(kept), embeds).tolist()

    return run


BENCHMARKS = [
    Benchmark(
        name="gcg",
        title="a step of suffix search: gradient, filter, 64 candidates of a 20-token suffix",
        ours=Side("alignlab.attacks: cache before each candidate's first change, logits at the target", prepare_ours),
        peer=Side("nanoGCG 0.3.0, prefix cache on, one batch of 64 (its default)", prepare_peer, NANOGCG),
        tolerance={"float32": 1e-3, "bfloat16": 0.1},
    )
]
