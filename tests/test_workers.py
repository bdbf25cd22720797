"""How many workers run the tests: no more than the machine carries."""

import os
from collections import namedtuple
from pathlib import Path

import psutil
import pytest

READS = ("conftest.py", "pytest.ini")


@pytest.mark.parametrize(
    "cores, limit, gigabytes, workers",
    [
        (1, None, 24, 2),
        (2, None, 24, 2),
        (4, None, 24, 4),
        (64, None, 256, 4),
        (8, None, 12, 3),
        (8, None, 7, 2),
        (64, "200000 100000", 256, 2),
        (64, "350000 100000", 256, 3),
        (64, "max 100000", 256, 4),
    ],
)
def test_as_many_workers_as_cores_and_memory_allow(request, monkeypatch, cores, limit, gigabytes, workers):
    memory = namedtuple("memory", "total")(gigabytes << 30)
    exists, read = Path.exists, Path.read_text
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(cores)), raising=False)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)
    monkeypatch.setattr(Path, "exists", lambda p: limit is not None if p.name == "cpu.max" else exists(p))
    monkeypatch.setattr(Path, "read_text", lambda p, *a, **k: limit if p.name == "cpu.max" else read(p, *a, **k))
    assert request.config.hook.pytest_xdist_auto_num_workers(config=request.config) == workers
