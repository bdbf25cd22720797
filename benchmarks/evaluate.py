"""Tasks of `alignlab evaluate` beside the same requests in the evaluation harness, item by item."""

from __future__ import annotations

from benchmarks import Benchmark, Run, Side
from benchmarks.multiple_choice import HARNESS, PEER

ITEMS = {"knowledge": 6, "passages": 12, "associations": 24, "pronouns": 24, "sentences": 24, "summaries": 12}


def requests(name: str) -> tuple[str, list[tuple[str, tuple[str, ...]]]]:
    """Worked examples, and prompt and options of each item."""
    from alignlab.evals.scorecard import chosen
    from alignlab.evals.tasks import TASKS

    task = TASKS[name]
    return task.prefix(), [(item.prompt, item.options) for item in chosen(task.build(), ITEMS[name])]


def prepare_ours(dtype: str, model: str, name: str) -> Run:
    from alignlab.evals.scorecard import answers, chosen
    from alignlab.evals.tasks import TASKS
    from alignlab.lm import load_lm

    lm, task = load_lm(model, device="cpu", dtype=dtype), TASKS[name]
    items = chosen(task.build(), ITEMS[name])
    return lambda: [value for answer in answers(lm, task, items) for value in answer.logprobs]


def prepare_peer(dtype: str, model: str, name: str) -> Run:
    """As in `multiple_choice`: the first run, which is compared and not timed, takes its softmax in float64."""
    import torch
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM

    lm = HFLM(pretrained=model, device="cpu", dtype=dtype, batch_size=8)
    prefix, asked = requests(name)
    texts = [(prefix + prompt, option) for prompt, options in asked for option in options]
    lm.softmax_dtype = torch.float64

    def run() -> list[float]:
        made = [Instance("loglikelihood", {}, text, i) for i, text in enumerate(texts)]
        values = [value for value, _ in lm.loglikelihood(made, disable_tqdm=True)]
        lm.softmax_dtype = None
        return values

    return run


BENCHMARKS = [
    Benchmark(
        name=f"evaluate_{name}",
        title=f"{count} items of the task {name}, each option's log-probability",
        ours=Side("alignlab.evals.scorecard.answers", lambda dtype, model, name=name: prepare_ours(dtype, model, name)),
        peer=Side(PEER, lambda dtype, model, name=name: prepare_peer(dtype, model, name), HARNESS),
        tolerance={"float32": 2e-4},
    )
    for name, count in ITEMS.items()
]
