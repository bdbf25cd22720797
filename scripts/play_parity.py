"""SmolLM2 in the page beside `alignlab.lm`: twenty prompts, both models, twenty tokens each, in headless Chromium.

    .venv/bin/python scripts/play_parity.py [NUMBER OF PROMPTS]

The reference is float32 arithmetic on the de-quantized weights. llama.cpp keeps the weights in four bits and rounds
what is multiplied with them to eight bits in blocks of 32; how much that alone moves log-probabilities is measured by
rounding the inputs of every linear layer of the reference in the same way. Prints how many greedy texts stay the same
and how far log-probabilities move, for the page and for the rounding alone; exits with 1 where the page's move more
than twice as far (root mean square).
"""

import contextlib
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from alignlab.assets import datasets
from alignlab.book.site.weights import add_weights
from alignlab.lm import chat_prompt, load_lm
from alignlab.lm.load import encode
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))
from play_server import Server  # noqa: E402

from conftest import find_chromium  # noqa: E402

TOKENS = 20
SCALES = {"smollm2-135m-instruct": 0, "smollm2-safer": 1}
ASK = """async ([ids, from, scale]) => {
    const found = await alignlabPlay.queue(() => alignlabPlay.ask(
        ids.slice(0, from), scale, { forced: ids.slice(from), free: 0 }));
    return found.map((token) => [token.logprob, token.top_logprobs[0].id]);
}"""


@contextlib.contextmanager
def rounded_inputs(model: torch.nn.Module):
    """Every linear layer reads its input rounded to eight bits in blocks of 32, as llama.cpp's Q4_1 kernels do."""

    def before(_, inputs):
        (x,) = inputs
        blocks = x.reshape(*x.shape[:-1], -1, 32)
        scale = blocks.abs().amax(-1, keepdim=True).clamp(min=1e-12) / 127
        return (((blocks / scale).round() * scale).reshape(x.shape),)

    handles = [m.register_forward_pre_hook(before) for m in model.modules() if isinstance(m, torch.nn.Linear)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


@torch.no_grad()
def logprobs(model, ids: list[int], start: int) -> np.ndarray:
    """Log-probability in nats of each token from `start` on, and whether it is the likeliest, shape (2, tokens)."""
    logits = model(torch.tensor([ids])).logits[0, start - 1 : -1].log_softmax(-1)
    told = torch.tensor(ids[start:])
    return np.stack([logits[range(len(told)), told].numpy(), (logits.argmax(-1) == told).float().numpy()])


@torch.no_grad()
def greedy(lm, prompt: str) -> tuple[list[int], int]:
    """The prompt's ids with the likeliest continuation, and where that begins."""
    ids = encode(lm, prompt)
    found = lm.model.generate(torch.tensor([ids]), max_new_tokens=TOKENS, do_sample=False)[0].tolist()
    ended = lm.tokenizer.eos_token_id in found[len(ids) :]  # forcing goes up to the token before the end
    return found[: -1 if ended else None], len(ids)


def main(count: int, exact: bool) -> int:
    """Compare, print, and return the exit code."""
    questions = [*datasets.instructions()["prompt"][:400], *datasets.truthfulqa()["question"]]
    short = [text for text in questions if len(text) < 90][:: max(1, 500 // count)][:count]
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        built = Path(name)
        (built / "_static/play").mkdir(parents=True)
        shutil.copy(ROOT / "assets/play/weights.json", built / "_static/play")
        add_weights(built)
        server = Server(built)
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.set_default_timeout(300_000)
        page.goto(f"{server.address}chapters/appendix/play.html")
        page.evaluate("exact => { alignlabPlay.exact = exact; return alignlabPlay.load(); }", exact)
        print(f"load {page.evaluate('alignlabPlay.seconds'):.1f} s, {page.evaluate('alignlabPlay.memory'):.0f} MB")
        failed = False
        for model, scale in SCALES.items():
            lm = load_lm(model, device="cpu")
            same, still, ours, rounds, speeds = 0, 0, [], [], []
            for text in short:
                ids, start = greedy(lm, chat_prompt(lm, text))
                found = np.array(page.evaluate(ASK, [ids, start, scale]))
                exact = logprobs(lm.model, ids, start)[0]
                with rounded_inputs(lm.model):
                    rounded, likeliest = logprobs(lm.model, ids, start)
                same += bool((found[:, 1] == np.array(ids[start:])).all())
                still += bool(likeliest.all())
                ours.append(found[:, 0] - exact)
                rounds.append(rounded - exact)
                speeds.append(page.evaluate("alignlabPlay.speed"))
            print(f"{model}, {len(short)} prompts, {np.median(speeds):.1f} tokens a second")
            for name, texts, differences in (("the page", same, ours), ("rounding alone", still, rounds)):
                each = [float(np.sqrt(np.mean(d**2))) for d in differences]
                every = np.concatenate(differences)
                print(
                    f"  {name}: same greedy text for {TOKENS} tokens in {texts}; log-probabilities differ by "
                    f"{np.sqrt(np.mean(every**2)):.4f} nats (root mean square), half of them by more than "
                    f"{np.median(np.abs(every)):.4f}, most {np.abs(every).max():.3f}; by prompt "
                    f"{' '.join(f'{x:.3f}' for x in each)}",
                    flush=True,
                )
            far, known = (float(np.sqrt(np.mean(np.concatenate(d) ** 2))) for d in (ours, rounds))
            failed |= far > 2 * known
        browser.close()
    return int(failed)


if __name__ == "__main__":
    told = [word for word in sys.argv[1:] if word != "--exact"]
    sys.exit(main(int(told[0]) if told else 20, "--exact" in sys.argv))
