"""Tasks of `alignlab evaluate` beside the same requests in the evaluation harness, item by item."""

from __future__ import annotations

from benchmarks import Benchmark, Run, Side
from benchmarks.multiple_choice import HARNESS, PEER, harness

ITEMS = {"knowledge": 6, "passages": 12, "associations": 24, "pronouns": 24, "sentences": 24, "summaries": 12}


def prepare_ours(dtype: str, model: str, name: str) -> Run:
    from alignlab.evals.scorecard import answers, chosen
    from alignlab.evals.tasks import TASKS
    from alignlab.lm import load_lm

    lm, task = load_lm(model, device="cpu", dtype=dtype), TASKS[name]
    items = chosen(task.build(), ITEMS[name])
    return lambda: [value for answer in answers(lm, task, items) for value in answer.logprobs]


def prepare_peer(dtype: str, model: str, name: str) -> Run:
    from alignlab.evals.scorecard import chosen
    from alignlab.evals.tasks import TASKS

    task = TASKS[name]
    items = chosen(task.build(), ITEMS[name])
    return harness(dtype, model, [(task.prefix() + item.prompt, option) for item in items for option in item.options])


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
