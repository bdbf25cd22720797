"""The benchmarks' own rules: turns, equality before any ratio, failures told in a sentence."""

import sys
import tomllib
from pathlib import Path

import pytest
from support import ROOT

sys.path.insert(0, str(ROOT))

from benchmarks import Benchmark, Side, find
from benchmarks.__main__ import main, skipped, text
from benchmarks._environment import Unavailable, _do
from benchmarks._measure import compare, measure

READS = ("code/", "benchmarks/", "requirements.txt", "constraints.txt")

FAKE = """
from benchmarks import Benchmark, Side

def wait(rounds):
    def prepare(dtype, model):
        print("a library talks on standard output")
        def run():
            return [float(sum(range(rounds)) * 0 + 1), 2.0]
        return run
    return prepare

def fail(dtype, model):
    raise RuntimeError("no such thing here")

BENCHMARKS = [
    Benchmark("quick", "t", Side("short", wait(300_000)), Side("long", wait(3_000_000)), {"float32": 0.0}),
    Benchmark("broken", "t", Side("fine", wait(1)), Side("fails", fail), {"float32": 0.0}),
]
"""


def row(tolerance: float) -> dict:
    return {"tolerance": tolerance, "ours": {"seconds": 2.0}, "peer": {"seconds": 5.0}, "ratio": None, "note": ""}


def test_a_ratio_is_given_only_where_results_are_equal() -> None:
    same, other, short = row(0.1), row(0.1), row(0.1)
    compare(same, [1.0, 2.0], [1.05, 2.0])
    compare(other, [1.0, 2.0], [1.2, 2.0])
    compare(short, [1.0], [1.0, 2.0])
    assert (same["equal"], same["ratio"]) == (True, 2.5)
    assert (other["equal"], other["ratio"]) == (False, None) and other["difference"] == pytest.approx(0.2)
    assert (short["equal"], short["ratio"]) == (False, None) and "the peer 2" in short["note"]


def test_a_result_that_is_not_a_number_is_not_equal() -> None:
    bad = row(0.1)
    compare(bad, [float("nan")], [1.0])
    assert not bad["equal"] and bad["ratio"] is None


def test_both_sides_run_in_turns_in_processes_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "fake_benchmarks.py").write_text(FAKE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.syspath_prepend(str(tmp_path))
    import fake_benchmarks

    quick, broken = fake_benchmarks.BENCHMARKS
    got = measure("fake_benchmarks", quick, "float32", "", rounds=3)
    assert got["equal"] and got["difference"] == 0 and got["ratio"] > 2
    assert len(got["ours"]["runs"]) == len(got["peer"]["runs"]) == 3
    assert "torch" in got["peer"]["versions"]
    failed = measure("fake_benchmarks", broken, "float32", "", rounds=1)
    assert failed["ratio"] is None and "no such thing here" in failed["note"]
    assert "no such thing here" in text(failed)


def test_a_peer_that_cannot_be_installed_is_one_sentence() -> None:
    with pytest.raises(Unavailable, match=r"^peer==1 can't be installed: no matching distribution$"):
        _do([sys.executable, "-c", "import sys; sys.exit('x\\nERROR: no matching distribution')"], ("peer==1",))


def test_an_unknown_name_is_answered_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["multiple_choise"]) == 2
    assert "did you mean 'multiple_choice'?" in capsys.readouterr().err


def test_every_benchmark_says_what_both_sides_are() -> None:
    found = find()
    assert {"multiple_choice", "capture", "capture_middle"} <= set(found)
    for _, benchmark in found.values():
        assert benchmark.tolerance and benchmark.ours.configuration and benchmark.peer.configuration
        assert all("==" in package for package in benchmark.peer.packages)


def test_the_extra_bench_is_what_the_benchmarks_ask_for() -> None:
    """But for peers that want another version of what the book itself pins: those get an environment of their own."""
    pins = set(
        (ROOT / "requirements.txt").read_text().splitlines() + (ROOT / "constraints.txt").read_text().splitlines()
    )
    ours = {pin.split("==")[0] for pin in pins}
    extras = tomllib.loads((ROOT / "code/pyproject.toml").read_text())["project"]["optional-dependencies"]
    extra = {*extras["bench"], *extras["interp"]}
    wanted = [side.packages for _, one in find().values() for side in (one.ours, one.peer)]
    apart = [packages for packages in wanted if any(p.split("==")[0] in ours and p not in pins for p in packages)]
    assert {package for packages in wanted if packages not in apart for package in packages} <= extra
    assert any("nanogcg==0.3.0" in packages for packages in apart) and not any("nanogcg" in line for line in extra)
    assert all("==" in line for line in extra)


def test_an_emulated_format_is_left_out_in_words() -> None:
    side = Side("x", lambda dtype, model: lambda: [0.0])
    line = text(skipped(Benchmark("n", "t", side, side, {"bfloat16": 0.1}), "bfloat16"))
    assert "only emulates bfloat16" in line and "times as fast" not in line
