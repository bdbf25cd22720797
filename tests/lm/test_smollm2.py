"""Loading, talking to, and scoring with the book's own model. All tests share one load."""

import math
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from alignlab import assets
from alignlab.lm import (
    LM,
    capture,
    chat,
    chat_prompt,
    encode,
    generate,
    load_lm,
    logprobs,
    next_token_probs,
    patch,
    perplexity,
    token_logprobs,
)
from alignlab.lm.scoring import split_tokens

READS = ("code/",)

NAME = "smollm2-135m-instruct"
SHOTS = "".join(
    f"Question: What is the capital of {country}?\nAnswer: {city}\n\n"
    for country, city in [("France", "Paris"), ("Spain", "Madrid"), ("Italy", "Rome"), ("Japan", "Tokyo")]
)
QUESTIONS = [
    f"Question: What is the capital of {country}?\nAnswer:" for country in ("Norway", "Chile", "the Czech Republic")
]
ANSWERS = [[" Oslo", " Oslo, of course", " Bergen"], [" Santiago de Chile", " Lima"], [" Prague", " Prague (Praha)"]]


@pytest.fixture(scope="module")
def lm() -> LM:
    return load_lm(NAME, device="cpu")


def naive(lm: LM, prompt: str, completion: str) -> float:
    """The sum over the completion's tokens, from the logits of a pass over the whole text alone."""
    given, scored = split_tokens(lm, prompt, completion)
    with torch.no_grad():
        table = lm.model(torch.tensor([given + scored])).logits[0].double().log_softmax(-1)
    return sum(table[len(given) - 1 + i, token].item() for i, token in enumerate(scored))


# --- loading


def test_a_warm_load_takes_under_a_second_and_a_half_and_prints_nothing(
    lm: LM, capfd: pytest.CaptureFixture[str]
) -> None:
    start = time.process_time()
    again = load_lm(NAME)
    assert time.process_time() - start < 1.5
    assert capfd.readouterr() == ("", "")
    assert (again.n_layers, again.d_model) == (30, 576)
    assert lm.model.dtype == torch.float32
    assert not again.model.training and not any(p.requires_grad for p in again.model.parameters())


def test_an_unknown_name_is_answered_with_the_nearest(lm: LM) -> None:
    with pytest.raises(assets.AssetError, match=NAME):
        load_lm("smollm2-135m-instrukt")


def test_another_type_is_loaded_on_request(lm: LM) -> None:
    assert load_lm(NAME, device="cpu", dtype=torch.bfloat16).model.dtype == torch.bfloat16
    assert load_lm(NAME, dtype="float64").model.dtype == torch.float64


def test_a_folder_and_a_hub_id_load_without_a_word(lm: LM, tmp_path: Path) -> None:
    from transformers import LlamaConfig, LlamaForCausalLM

    # The hub's own cache layout, filled by hand: what loading "org/tiny" finds with the network off.
    snapshot = tmp_path / "hub" / "models--org--tiny" / "snapshots" / "0123456789"
    refs = snapshot.parents[1] / "refs"
    refs.mkdir(parents=True)
    (refs / "main").write_text("0123456789")
    config = LlamaConfig(
        vocab_size=lm.tokenizer.vocab_size,
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
    )
    LlamaForCausalLM(config).save_pretrained(snapshot)
    lm.tokenizer.save_pretrained(snapshot)
    assert load_lm(snapshot, device="cpu").n_layers == 2
    code = "from alignlab.lm import *; lm = load_lm('org/tiny'); print(lm.name, lm.d_model, len(generate(lm, ['a'])))"
    environment = {**os.environ, "ALIGNLAB_OFFLINE": "1", "HF_HUB_CACHE": str(tmp_path / "hub"), "HF_HUB_OFFLINE": "0"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert (done.stdout, done.stderr) == ("org/tiny 16 1\n", "")


def test_a_model_that_is_not_there_is_one_line(lm: LM, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALIGNLAB_OFFLINE", "1")
    with pytest.raises(assets.AssetError, match="ALIGNLAB_OFFLINE forbids the network: unset it"):
        load_lm("org/surely-not-there")
    with pytest.raises(assets.AssetError, match="can't be loaded") as caught:
        load_lm(tmp_path)
    assert "\n" not in str(caught.value)


# --- text out


def test_it_knows_the_capital_of_france(lm: LM) -> None:
    assert "Paris" in chat(lm, "What is the capital of France?", max_new_tokens=12)
    best = next_token_probs(lm, "The capital of France is", k=3)
    assert best[0][0] == " Paris"
    assert len(best) == 3 and best[0][1] > best[1][1] > best[2][1] > 0


def test_chat_prompt_holds_every_turn_and_ends_where_the_answer_begins(lm: LM) -> None:
    turns = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello"},
        {"role": "user", "content": "Bye"},
    ]
    text = chat_prompt(lm, turns, system="Be brief.")
    places = [text.index(part) for part in ("system\nBe brief.", "user\nHi", "assistant\nHello", "user\nBye")]
    assert places == sorted(places) and text.endswith("assistant\n")
    assert chat_prompt(lm, "Hi") == chat_prompt(lm, [{"role": "user", "content": "Hi"}])
    with pytest.raises(ValueError, match="system turn already"):
        chat_prompt(lm, [{"role": "system", "content": "a"}, *turns], system="b")


PROMPTS = ["The capital of France is", "Once upon a time, in a village by the sea, there lived a", "2 + 2 =", "Dogs"]


def test_a_batch_gives_what_each_prompt_gives_alone(lm: LM) -> None:
    together = generate(lm, PROMPTS, max_new_tokens=10)
    assert together == [generate(lm, [prompt], max_new_tokens=10)[0] for prompt in PROMPTS]
    assert len(set(together)) == len(PROMPTS)


def test_greedy_text_is_the_likeliest_token_each_time(lm: LM) -> None:
    ids = encode(lm, PROMPTS[1])
    for _ in range(6):
        ids.append(lm.model(torch.tensor([ids])).logits[0, -1].argmax().item())
    assert generate(lm, PROMPTS, max_new_tokens=6)[1] == lm.tokenizer.decode(ids[len(encode(lm, PROMPTS[1])) :])


def test_samples_hang_on_seed_and_place_alone(lm: LM, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    state = torch.get_rng_state()
    four = generate(lm, PROMPTS[:1] * 4, max_new_tokens=8, temperature=1.0, seed=1)
    assert len(set(four)) > 1
    assert four[:2] == generate(lm, PROMPTS[:1] * 2, max_new_tokens=8, temperature=1.0, seed=1)
    assert four != generate(lm, PROMPTS[:1] * 4, max_new_tokens=8, temperature=1.0, seed=2)
    monkeypatch.setattr("alignlab.lm.generation.BATCH_TOKENS", 30)
    assert four == generate(lm, PROMPTS[:1] * 4, max_new_tokens=8, temperature=1.0, seed=1)
    assert torch.equal(state, torch.get_rng_state())


def test_samples_follow_the_model_s_distribution(lm: LM) -> None:
    prompt, n = "Two plus two is", 400
    expected = dict(next_token_probs(lm, prompt, k=3))
    drawn = generate(lm, [prompt] * n, max_new_tokens=1, temperature=1.0)
    for token, p in expected.items():
        assert abs(drawn.count(token) / n - p) < 4 * math.sqrt(p * (1 - p) / n)
    nucleus = set(generate(lm, [prompt] * 50, max_new_tokens=1, temperature=1.0, top_p=1e-6))
    assert nucleus == {max(expected, key=lambda token: expected[token])}


def test_text_ends_before_a_stop_string(lm: LM) -> None:
    whole = generate(lm, PROMPTS[:2], max_new_tokens=12)
    cut = generate(lm, PROMPTS[:2], max_new_tokens=12, stop=[".", "sea"])
    assert cut[0] == whole[0].split(".")[0] != whole[0]
    assert all("." not in text and "sea" not in text for text in cut)


def test_an_answer_ends_by_itself_and_shows_no_special_token(lm: LM) -> None:
    answer = generate(lm, [chat_prompt(lm, "What is the capital of France?")], max_new_tokens=64)[0]
    assert answer.startswith("The capital") and "<|" not in answer
    assert len(lm.tokenizer(answer)["input_ids"]) < 63


# --- scores


def test_log_probabilities_equal_the_naive_computation(lm: LM) -> None:
    got = logprobs(lm, QUESTIONS, ANSWERS, prefix=SHOTS)
    assert [tuple(row.shape) for row in got] == [(3,), (2,), (2,)]
    for question, answers, row in zip(QUESTIONS, ANSWERS, got):
        for answer, value in zip(answers, row.tolist()):
            assert value == pytest.approx(naive(lm, SHOTS + question, answer), abs=1e-4)
    assert got[0][0] > got[0][2] and got[2][0] > got[2][1]


def test_rows_of_every_size_give_the_same(lm: LM, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = torch.cat(logprobs(lm, QUESTIONS, ANSWERS, prefix=SHOTS))
    for size in (3, 16, 40):
        monkeypatch.setattr("alignlab.lm.scoring.ROW_TOKENS", size)
        torch.testing.assert_close(torch.cat(logprobs(lm, QUESTIONS, ANSWERS, prefix=SHOTS)), whole, atol=1e-4, rtol=0)


def test_each_shared_token_is_run_once_and_few_logits_are_computed(lm: LM) -> None:
    body: list[int] = []
    head: list[int] = []
    handles = [
        lm.model.model.embed_tokens.register_forward_hook(lambda m, args, out: body.append(args[0].numel())),
        lm.model.lm_head.register_forward_hook(lambda m, args, out: head.append(out.shape[1])),
    ]
    try:
        logprobs(lm, QUESTIONS, ANSWERS, prefix=SHOTS)
    finally:
        for handle in handles:
            handle.remove()
    pairs = [split_tokens(lm, SHOTS + q, answer) for q, answers in zip(QUESTIONS, ANSWERS) for answer in answers]
    needed = {tuple((given + scored)[:n]) for given, scored in pairs for n in range(1, len(given + scored))}
    scored_at = {tuple((given + scored)[:n]) for given, scored in pairs for n in range(len(given), len(given + scored))}
    assert sum(body) == len(needed) < 0.3 * sum(len(given + scored) for given, scored in pairs)
    assert sum(head) <= len(scored_at) + 1  # a row in which nothing is asked unembeds one position


def test_tokens_at_the_boundary_are_those_of_the_harness(lm: LM) -> None:
    assert split_tokens(lm, "The cat ", "sat") == split_tokens(lm, "The cat", " sat")
    given, scored = split_tokens(lm, "Answer:", " 42 days")
    assert given + scored == encode(lm, "Answer: 42 days")
    given, scored = split_tokens(lm, "The cat", "s sat")  # " cats" is one token: it would span the boundary
    assert given == encode(lm, "The cat") and lm.tokenizer.decode(scored) == "s sat"
    given, scored = split_tokens(lm, "", "Hello")
    assert given == [lm.tokenizer.bos_token_id] and scored == encode(lm, "Hello")


def test_scores_see_a_patch(lm: LM) -> None:
    direction = capture(lm, [QUESTIONS[0]], ["layers.20.resid"])["layers.20.resid"][0]
    plain = logprobs(lm, QUESTIONS[:1], ANSWERS[:1])[0]
    with patch(lm, {"layers.20.resid": lambda x: x + direction}):
        steered = logprobs(lm, QUESTIONS[:1], ANSWERS[:1])[0]
    assert (plain - steered).abs().max() > 0.1
    assert torch.equal(logprobs(lm, QUESTIONS[:1], ANSWERS[:1])[0], plain)


def test_perplexity_is_exp_of_the_transformers_loss(lm: LM) -> None:
    texts = ["The cat sat on the mat.", "The cat sat on the sofa and slept.", "Mat the on sat cat the."]
    expected = [lm.model(ids := torch.tensor([encode(lm, t)]), labels=ids).loss.exp().item() for t in texts]
    got = perplexity(lm, texts)
    torch.testing.assert_close(got, torch.tensor(expected), rtol=1e-4, atol=0)
    tokens, values = token_logprobs(lm, texts[1])
    assert "".join(tokens) == texts[1] and math.isnan(values[0])
    assert torch.exp(-values[1:].mean()).item() == pytest.approx(got[1].item(), rel=1e-5)


def test_a_text_longer_than_a_row_is_scored_in_pieces(lm: LM, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "One day the fox met the hen by the river and asked her the way to the next town."
    whole = perplexity(lm, [text])
    monkeypatch.setattr("alignlab.lm.scoring.ROW_TOKENS", 5)
    torch.testing.assert_close(perplexity(lm, [text]), whole, rtol=1e-5, atol=0)


def test_wrong_arguments_are_named(lm: LM) -> None:
    with pytest.raises(ValueError, match="2 prompts, but completions for 1"):
        logprobs(lm, ["a", "b"], [["c"]])
    with pytest.raises(TypeError, match="is one string: give a list"):
        logprobs(lm, ["a"], ["c"])
    with pytest.raises(ValueError, match="empty completion"):
        logprobs(lm, ["a"], [[""]])
    with pytest.raises(ValueError, match="at least two tokens"):
        perplexity(lm, ["a"])
    with pytest.raises(TypeError, match="list of prompts"):
        generate(lm, "a")
    with pytest.raises(ValueError, match="temperature=-1"):
        generate(lm, ["a"], temperature=-1)
