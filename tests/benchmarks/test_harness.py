"""The benchmarks' own clocks, ratios, judges and pages."""

import json
import sys
import time
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))
import _report
from _harness import Contestant, Race, Target, Verdict
from _machine import OthersLoad, copy, gemm
from _synchronous_law import judge, transition_matrix
from _synchronous_peers import batched, by_class, tuned, with_threads

SIMULATORS = {"class": by_class, "batched": batched, "tuned": with_threads(tuned, 1)}


def sleeper(name, seconds, work=1.0, check=lambda answer: ""):
    return Contestant(name, lambda: time.sleep(seconds), work, check)


@pytest.fixture(scope="module")
def race():
    def broken():
        raise ValueError("nothing to run")

    contestants = [
        sleeper("fast", 0.01, work=2.0),
        sleeper("slow", 0.04),
        sleeper("wrong", 0.0, check=lambda answer: "off by one"),
        Contestant("broken", broken, 1.0),
    ]
    targets = [
        Target("easy", "fast", ["slow"], 4.0),
        Target("hard", "fast", ["slow", "absent"], 50.0),
        Target("unfair", "fast", ["slow", "wrong"], 1.0),
        Target("alone", "fast", ["absent"], 1.0),
    ]
    return Race("sleepers", "one nap", contestants, targets).race(3)


def test_wrong_answers_are_failures_and_never_timed(race):
    assert race.failed == ["wrong", "broken"]
    fast, slow, wrong, broken = race.contestants
    assert (len(fast.wall), len(slow.cpu), wrong.wall, broken.wall) == (3, 3, [], [])
    assert "nothing to run" in broken.failure


def test_ratios_are_per_unit_of_work(race):
    easy, hard, unfair, alone = race.verdicts()
    assert 5 < easy.wall < 9  # two units in 10 ms against one in 40 ms, and a little for the calls
    assert easy.met("wall")
    assert not hard.met("wall")
    assert "wrong" in unfair.failure
    assert "absent" in alone.failure
    assert not unfair.met("wall")
    assert not alone.met("wall")


def test_what_is_not_a_number_meets_nothing():
    assert not Verdict(Target("", "a", ["b"], 1.0)).met("wall")


def test_the_page_shows_failures_and_the_file_has_every_round(race, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("BENCHMARK_JSON", str(tmp_path / "page.json"))
    race.load = (0.0, 0.9, 0.0)
    assert _report.report("Naps.", {"seed": 3}, [race], "Notes.") == 1
    page = capsys.readouterr().out
    assert "| wrong | **failed**: off by one |" in page
    assert "Not a quiet machine" in page
    kept = json.loads((tmp_path / "page.json").read_text())
    assert len(kept["races"][0]["contestants"][0]["wall"]) == 3
    assert kept["environment"]["versions"]["jax"]


@pytest.mark.parametrize(
    "value, text", [(2.5, "2.5 s"), (3.2e-3, "3.2 ms"), (4e-6, "4 µs"), (1.5e-9, "1.5 ns"), (2e-12, "2 ps")]
)
def test_times_have_units(value, text):
    assert _report.seconds(value) == text


def test_own_work_is_not_the_load_of_others(monkeypatch):
    busy = iter([100.0, 103.0])
    monkeypatch.setattr("_machine._busy", lambda: next(busy))
    load = OthersLoad()
    load.wall -= 2.0  # two seconds ago, in which this process worked for one
    load.own -= 1.0
    assert load.read() == pytest.approx(1.0, abs=0.05)


def test_limits_count_operations_and_bytes(monkeypatch):
    monkeypatch.setattr("_machine.WORDS", 1024)
    product, operations = gemm(8)
    assert (product().shape, operations) == ((8, 8), 1024.0)
    assert copy()[1] == 8192.0


def test_the_listed_law_is_a_law():
    rng = np.random.default_rng(0)
    J, H = rng.standard_normal((3, 3)), rng.standard_normal(3)
    states, P = transition_matrix(J, H)
    assert np.allclose(P.sum(axis=1), 1, atol=1e-12)
    assert np.allclose(P @ states, np.tanh(H + states @ J.T), atol=1e-12)


@pytest.mark.parametrize("name", SIMULATORS)
def test_right_simulators_pass_and_wrong_ones_do_not(name):
    rng = np.random.default_rng(1)
    J, H = rng.standard_normal((32, 32)) / 6, rng.standard_normal(32) / 3
    run = SIMULATORS[name]
    assert judge(run, J, H) == ""
    assert "exact law" in judge(lambda J, H, x, steps, seed: run(J.T, H, x, steps, seed), J, H)
    assert judge(lambda J, H, x, steps, seed: run(J, H + 0.3 * (len(H) > 4), x, steps, seed), J, H)
