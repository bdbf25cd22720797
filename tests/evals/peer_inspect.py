"""The exported tasks run in inspect-ai: a made-up model that knows the answers, and the book's model."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from alignlab.assets import fetch
from alignlab.evals.inspect_export import export
from alignlab.evals.tasks import TASKS
from support import ROOT

sys.path.insert(0, str(ROOT))

from benchmarks._environment import python_for

pytestmark = pytest.mark.peer
INSPECT = ("inspect-ai==0.3.285",)
SCRIPT = """
import json, sys
from pathlib import Path
import tiktoken

class Words:  # tiktoken fetches its tables from a server; what is counted with them doesn't matter here
    def encode(self, text, **_): return text.split()

tiktoken.get_encoding = tiktoken.encoding_for_model = lambda *_: Words()
from inspect_ai import eval as run
from inspect_ai.model import ModelOutput, get_model

folder, name, source = sys.argv[1:]
if source == "made":
    rows = [json.loads(line) for line in Path(folder, f"{name}.jsonl").read_text().splitlines()]
    wrong = [row["target"] if i % 4 else ("B" if row["target"] == "A" else "A") for i, row in enumerate(rows)]
    outputs = [ModelOutput.from_content("mockllm/model", f"ANSWER: {letter}") for letter in wrong]
    model = get_model("mockllm/model", custom_outputs=outputs)
else:
    model = get_model("hf/local", model_path=source, device="cpu")
one = {"max_tokens": 8, "display": "none", "log_dir": f"{folder}/logs", "max_samples": 1, "max_connections": 1}
log = run(f"{folder}/tasks.py@{name}", model=model, **one)[0]
assert log.status == "success", log.error
print(json.dumps({"samples": len(log.samples), "accuracy": log.results.scores[0].metrics["accuracy"].value}))
"""


def run_inspect(folder: Path, name: str, source: str) -> dict:
    words = [python_for(INSPECT), "-c", SCRIPT, str(folder), name, source]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("name", ["knowledge", "passages", "summaries", "contrasts"])
def test_a_made_up_model_gets_the_accuracy_that_it_has(tmp_path, name):
    export([TASKS[name]], tmp_path, limit=12)
    assert run_inspect(tmp_path, name, "made") == {"samples": 12, "accuracy": 9 / 12}


def test_the_books_model_can_be_asked_there(tmp_path):
    export([TASKS["passages"]], tmp_path, limit=4)
    found = run_inspect(tmp_path, "passages", str(fetch("smollm2-135m-instruct")))
    assert found["samples"] == 4 and 0 <= found["accuracy"] <= 1
