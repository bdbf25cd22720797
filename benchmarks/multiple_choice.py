"""Multiple choice after six worked examples: `alignlab.lm.logprobs` beside the evaluation harness's `HFLM`."""

from __future__ import annotations

from benchmarks import Benchmark, Run, Side

# (question, answers, which is right): the first six are the examples.
ITEMS = [
    ("Which gas do green plants take from the air when they make sugar in sunlight?",
     ["carbon dioxide", "oxygen from the leaves", "nitrogen", "water vapor and helium"], 0),
    ("Why does ice float on water instead of sinking to the bottom of the glass?",
     ["it is colder than water", "it is less dense than water", "it holds salt", "the glass pushes it up"], 1),
    ("What does a doctor measure with a cuff around the arm and a stethoscope?",
     ["the pulse of the lungs", "body temperature", "blood pressure", "the strength of the bones"], 2),
    ("Which instrument tells a sailor where north is when clouds hide the stars?",
     ["a barometer", "a sextant", "an hourglass", "a magnetic compass"], 3),
    ("What happens to the pitch of a guitar string when it is made shorter?",
     ["it rises", "it falls", "it stays as it was", "it disappears at once"], 0),
    ("Which layer of the Earth lies right below the crust that we live on?",
     ["the outer core", "the mantle", "the atmosphere", "the inner core of iron"], 1),
    ("Why do we see lightning before we hear the thunder that comes with it?",
     ["light is louder", "thunder comes later", "light travels faster than sound", "our ears are slow"], 2),
    ("What do bees carry from flower to flower when they look for nectar?",
     ["seeds", "drops of honey", "small insects", "grains of pollen"], 3),
    ("Which of these is needed for iron to rust when it lies outside for a year?",
     ["oxygen and water", "sunlight alone", "a strong wind", "very dry sand"], 0),
    ("What turns the energy of falling water into electric current in a power station?",
     ["a row of solar panels", "a turbine with a generator", "a steam whistle", "a long copper pipe"], 1),
    ("Why do most trees of cold countries lose their leaves before winter comes?",
     ["birds eat them", "they grow too heavy", "to save water and energy", "the soil pulls them down"], 2),
    ("Which part of the eye changes its size when you walk from the dark into the sun?",
     ["the retina", "the optic nerve", "the eyelashes", "the pupil"], 3),
]  # fmt: skip


def prefix() -> str:
    """The six worked examples."""
    return "".join(f"Question: {question}\nAnswer: {answers[right]}\n\n" for question, answers, right in ITEMS[:6])


def prompts() -> list[str]:
    """The questions that are asked."""
    return [f"Question: {question}\nAnswer:" for question, _, _ in ITEMS[6:]]


def completions() -> list[list[str]]:
    """Their answers in full."""
    return [[f" {answer}" for answer in answers] for _, answers, _ in ITEMS[6:]]


def letter_prompts() -> list[str]:
    """The questions with lettered answers before "Answer:"."""
    return [
        "".join([f"Question: {q}\n", *(f"{x}. {a}\n" for x, a in zip("ABCD", answers)), "Answer:"])
        for q, answers, _ in ITEMS
    ]


def letter_prefix() -> str:
    """The six worked examples, answered by a letter."""
    return "".join(f"{prompt} {'ABCD'[item[2]]}\n\n" for prompt, item in zip(letter_prompts(), ITEMS[:6]))


LETTERS = [[" A", " B", " C", " D"]] * 6


def prepare_ours(dtype: str, model: str, letters: bool = False) -> Run:
    """One call."""
    from alignlab.lm import load_lm, logprobs

    lm = load_lm(model, device="cpu", dtype=dtype)
    if letters:
        return lambda: _flat(logprobs(lm, letter_prompts()[6:], LETTERS, prefix=letter_prefix()))
    return lambda: _flat(logprobs(lm, prompts(), completions(), prefix=prefix()))


def prepare_peer(dtype: str, model: str, letters: bool = False) -> Run:
    """The same texts as requests to the harness's own model class."""
    before = letter_prefix() if letters else prefix()
    asked, answered = (letter_prompts()[6:], LETTERS) if letters else (prompts(), completions())
    return harness(
        dtype, model, [(before + prompt, answer) for prompt, answers in zip(asked, answered) for answer in answers]
    )


def harness(dtype: str, model: str, texts: list[tuple[str, str]]) -> Run:
    """Log-probabilities of (prompt, continuation) pairs by the harness, batches of eight.

    Timed as it comes. Its softmax in float32 over 49,152 tokens adds up to an error of about 1e-4 nats an answer, so
    the first, untimed run, whose results are compared, takes the softmax in float64 (the harness's own option).
    """
    import torch
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM

    lm = HFLM(pretrained=model, device="cpu", dtype=dtype, batch_size=8)
    lm.softmax_dtype = torch.float64

    def run() -> list[float]:
        requests = [Instance("loglikelihood", {}, text, i) for i, text in enumerate(texts)]
        values = [value for value, _ in lm.loglikelihood(requests, disable_tqdm=True)]
        lm.softmax_dtype = None
        return values

    return run


def _flat(rows: list) -> list[float]:
    return [value for row in rows for value in row.tolist()]


HARNESS = ("lm-eval==0.4.13", "accelerate==1.15.0")
OURS = "alignlab.lm.logprobs: every shared token once, unembedding at the answers"
PEER = (
    f"lm-eval {HARNESS[0].split('==')[1]} HFLM.loglikelihood, batch 8, its logits cache on "
    "(compared with its softmax in float64, timed at its default)"
)
BENCHMARKS = [
    Benchmark(
        name="multiple_choice",
        title="six-shot multiple choice, six questions, four answers in words",
        ours=Side(OURS, prepare_ours),
        peer=Side(PEER, prepare_peer, HARNESS),
        tolerance={"float32": 1e-4, "bfloat16": 0.5},
    ),
    Benchmark(
        name="multiple_choice_letters",
        title="six-shot multiple choice, six questions, four lettered answers (the harness runs each question once)",
        ours=Side(OURS, lambda dtype, model: prepare_ours(dtype, model, letters=True)),
        peer=Side(PEER, lambda dtype, model: prepare_peer(dtype, model, letters=True), HARNESS),
        tolerance={"float32": 1e-4, "bfloat16": 0.5},
    ),
]
