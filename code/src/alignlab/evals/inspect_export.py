"""The book's tasks for inspect-ai: a data file each and a module of tasks.

What is exported are the tasks whose items have a right option. There a model
answers by a letter, which inspect-ai's `multiple_choice` asks for; scores are
therefore not those of `alignlab evaluate`, which compares log-probabilities.
"""

from __future__ import annotations

import json
from pathlib import Path

from alignlab.evals.items import Task
from alignlab.evals.scorecard import EvaluationError, chosen

MODULE = '''"""Tasks of the alignment companion, for inspect-ai.

    inspect eval {file} --model …
"""

from pathlib import Path

from inspect_ai import Task, task
from inspect_ai.dataset import json_dataset
from inspect_ai.scorer import choice
from inspect_ai.solver import multiple_choice

HERE = Path(__file__).parent
'''

TASK = '''

@task
def {name}() -> Task:
    """{about}"""
    dataset = json_dataset(str(HERE / "{name}.jsonl"))
    return Task(dataset=dataset, solver=multiple_choice(), scorer=choice())
'''


def exportable(task: Task) -> bool:
    """Whether all items of a task have a right option."""
    return task.kind == "options" and all(
        item.right is not None for item in task.build()
    )


def export(tasks: list[Task], folder: Path, limit: int | None) -> list[Path]:
    """Write `tasks.py` and a data file a task; return their paths.

    Raises EvaluationError for a task whose items have no right option.
    """
    for task in tasks:
        if not exportable(task):
            raise EvaluationError(
                f"{task.name} has no right options, which inspect-ai's "
                "multiple choice needs: leave it out"
            )
    folder.mkdir(parents=True, exist_ok=True)
    module = folder / "tasks.py"
    written, text = [module], MODULE.format(file=module.name)
    for task in tasks:
        path = folder / f"{task.name}.jsonl"
        samples = [
            {
                "id": item.id,
                "input": item.prompt,
                "choices": [option.strip() for option in item.options],
                "target": chr(ord("A") + (item.right or 0)),
                "metadata": {"family": item.family, "group": item.group},
            }
            for item in chosen(task.build(), limit)
        ]
        lines = [json.dumps(sample) + "\n" for sample in samples]
        path.write_text("".join(lines), encoding="utf-8")
        text += TASK.format(name=task.name, about=task.about)
        written.append(path)
    module.write_text(text, encoding="utf-8")
    return written
