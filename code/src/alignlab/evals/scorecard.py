"""Score a model on tasks, in steps that survive a kill, and add up the totals.

Every answer is written to a file as soon as its batch is done, one line an
item. A run that was killed reads these lines and goes on; several processes
write files of their own and the totals are made of all of them. The totals
are computed from the lines alone, in the task's own order, so that they are
the same whoever wrote them.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alignlab.evals.families import clustered, p_value
from alignlab.evals.items import Answer, Item, Task
from alignlab.lm import LM, chat_prompt, generate, logprobs

FORMAT = 1  # of the lines; a reader refuses any other
REPLY_TOKENS = 48  # of a reply that is judged


class EvaluationError(Exception):
    """What is wrong with an evaluation, and what to do, in one line."""


@dataclass(frozen=True)
class Settings:
    """What a run's lines depend on beside the model and the items.

    limit: so many items of each task, drawn once for all by `chosen`; None
    takes all. batch: items between two writes; it changes no result.
    """

    limit: int | None = None
    batch: int = 32

    def __post_init__(self) -> None:
        """Check the ranges."""
        for name, value in (("limit", self.limit), ("batch", self.batch)):
            if value is not None and value < 1:
                raise EvaluationError(f"{name} {value}: at least 1 item")


def chosen(items: Sequence[Item], limit: int | None) -> list[Item]:
    """The items that are scored: all, or `limit` of them drawn at random.

    The draw depends on the items' names alone, and a smaller one is part of a
    larger one. Items keep their order. Two are taken at least, since one
    gives no interval.
    """
    if limit is None or limit >= len(items):
        return list(items)
    names = sorted(item.id for item in items)
    random.Random(0).shuffle(names)
    kept = set(names[: max(limit, 2)])
    return [item for item in items if item.id in kept]


def fingerprint(lm: LM) -> str:
    """A hash of the model: names, shapes and a sample of all its weights."""
    seen = hashlib.sha256()
    for name, weight in sorted(lm.model.state_dict().items()):
        seen.update(f"{name}{tuple(weight.shape)}{weight.dtype}".encode())
        flat = weight.flatten()
        part = flat[:: max(1, flat.numel() // 512)].float().cpu().numpy()
        seen.update(part.tobytes())
    return seen.hexdigest()[:16]


# --- answering


def answers(lm: LM, task: Task, items: Sequence[Item]) -> list[Answer]:
    """What the model gives for each item, in their order.

    Raises EvaluationError where a task asks in a chat and the model has no
    chat template.
    """
    prefix = task.prefix()
    prompts = []
    for item in items:
        if item.chat:
            if lm.tokenizer.chat_template is None:
                raise EvaluationError(
                    f"{task.name} asks in a chat, and {lm.name} has no chat "
                    "template: leave that task out"
                )
            prompts.append(chat_prompt(lm, item.prompt))
        else:
            prompts.append(item.prompt)
    if task.kind == "reply":
        replies = generate(lm, prompts, max_new_tokens=REPLY_TOKENS)
        return [Answer(reply=reply) for reply in replies]
    found = logprobs(lm, prompts, [item.options for item in items], prefix)
    return [Answer(tuple(values.tolist())) for values in found]


def _line(task: Task, item: Item, answer: Answer) -> dict[str, Any]:
    """One item's line: measures, and log-probabilities; replies stay out."""
    line: dict[str, Any] = {
        "id": item.id,
        "measures": task.score(item, answer),
    }
    if answer.logprobs:
        line["logprobs"] = [round(value, 6) for value in answer.logprobs]
    return line


# --- lines on the disk


def _header(task: Task, items: list[Item], model: Mapping[str, str]) -> str:
    head = {
        "format": FORMAT,
        "task": task.name,
        "items": task.fingerprint(items),
        **model,
    }
    return json.dumps(head, sort_keys=True)


def read_lines(folder: Path, task: str, header: str) -> dict[str, Any]:
    """The lines of a task that earlier runs left, by item.

    A last line that was cut by a kill is dropped. Raises EvaluationError
    where a file was written for another model, other items or settings.
    """
    found: dict[str, Any] = {}
    for path in sorted(folder.glob(f"{task}.*.jsonl")):
        head, *lines = path.read_text(encoding="utf-8").split("\n")
        if not head:
            continue
        if head != header:
            raise EvaluationError(
                f"{path} holds results of another model, number format or "
                "version of the items: name another folder with --to, or "
                "start anew with --again"
            )
        for line in lines[:-1]:  # what follows the last end of line was cut
            row = json.loads(line)
            found[row["id"]] = row
    return found


def _open(path: Path, header: str) -> None:
    """Make a file ready for more lines: a header, and no torn last line."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    whole = text[: text.rfind("\n") + 1] or header + "\n"
    if whole != text:
        path.write_text(whole, encoding="utf-8")


def score(
    lm: LM,
    task: Task,
    folder: Path,
    settings: Settings | None = None,
    shard: tuple[int, int] = (0, 1),
    report: Callable[[int], None] = lambda done: None,
) -> None:
    """Score what is left of a task and write each item's line.

    folder: where the lines are kept. shard: (rank, processes); this process
    takes every so-manieth item. report: called with the items just done.
    """
    settings = settings or Settings()
    rank, processes = shard
    items = task.build()
    header = _header(task, items, model_of(lm))
    folder.mkdir(parents=True, exist_ok=True)
    done = read_lines(folder, task.name, header)
    mine = chosen(items, settings.limit)[rank::processes]
    report(sum(item.id in done for item in mine))
    left = [item for item in mine if item.id not in done]
    path = folder / f"{task.name}.{rank}.jsonl"
    if left:
        _open(path, header)
    for batch in _batches(left, settings.batch):
        given = answers(lm, task, batch)
        rows = [_line(task, item, a) for item, a in zip(batch, given)]
        with path.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(r, sort_keys=True) + "\n" for r in rows)
        report(len(batch))


def model_of(lm: LM) -> dict[str, str]:
    """What identifies a model in a file of lines."""
    return {
        "weights": fingerprint(lm),
        "dtype": str(lm.model.dtype).removeprefix("torch."),
    }


def _batches(items: list[Item], size: int) -> Iterator[list[Item]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


# --- totals


def totals(
    task: Task, folder: Path, model: Mapping[str, str], limit: int | None
) -> dict[str, Any]:
    """A task's result out of its lines: each measure with its interval.

    Raises EvaluationError where items have no line yet.
    """
    every = task.build()
    items = chosen(every, limit)
    rows = read_lines(folder, task.name, _header(task, every, model))
    missing = sum(item.id not in rows for item in items)
    if missing:
        raise EvaluationError(
            f"{task.name}: {missing} of {len(items)} items are not scored yet; "
            "run the same command again to go on"
        )
    measures, means = [], {}
    for measure in task.measures:
        having = [
            item for item in items if measure.name in rows[item.id]["measures"]
        ]
        families = [item.family or item.id for item in having]
        if len(set(families)) < 2:
            continue  # a small --limit may leave none of a group
        values = [rows[i.id]["measures"][measure.name] for i in having]
        found = clustered(values, families)
        means[measure.name] = found.estimate
        measures.append(
            {
                "name": measure.name,
                "about": measure.about,
                "aim": measure.aim,
                "value": found.estimate,
                "low": found.low,
                "high": found.high,
                "items": found.n,
                "families": len(set(families)),
                "chance": measure.chance,
                "p": None
                if measure.chance is None
                else p_value(values, families, measure.chance),
            }
        )
    names = {measure.name for measure in task.measures}
    return {
        "task": task.name,
        "about": task.about,
        "source": task.source,
        "license": task.license,
        "misses": task.misses,
        "items": len(items),
        "of": len(every),
        "limited": len(items) < len(every),
        "fingerprint": task.fingerprint(every),
        "measures": measures,
        "derived": {
            name: make(means)
            for name, make in task.derived.items()
            if names <= set(means)
        },
    }
