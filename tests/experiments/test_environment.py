from pathlib import Path
from typing import ClassVar

import pytest
import xarray as xr

from nonequil.experiments import AbstractExperiment, Interrupted
from nonequil.experiments._environment import memory_peaks, record_usage
from nonequil.experiments._execute import execute
from nonequil.experiments._store import read_json, write_json


class Sum(AbstractExperiment):
    """Adds numbers up, and is stopped once on the way."""

    kind: ClassVar[str] = "sum"

    def run(self, stages):
        parts = [stages(f"part {k}", lambda k=k: sum(range(10_000 * k))) for k in range(3)]
        return xr.Dataset({"x": ("part", parts)})

    def write(self, result, folder):
        pass

    def describe(self, result):
        return ""


def stop_after(pieces):
    left = [pieces]

    def check():
        left[0] -= 1
        if left[0] == 0:
            raise Interrupted(15)

    return check


def test_a_run_says_what_it_ran_on_how_long_each_piece_took_and_how_much_memory(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        execute(Sum(seed=3), tmp_path / "run", check=stop_after(2))
    first = read_json(tmp_path / "run" / "env.json")
    assert first["seed"] == 3
    assert {"versions", "devices", "x64", "git_commit", "platform"} <= first.keys()
    assert list(first["usage"]["stages_s"]) == ["part 0", "part 1"]
    execute(Sum(seed=3), tmp_path / "run", resume=True)
    usage = read_json(tmp_path / "run" / "env.json")["usage"]
    assert usage["processes"] == 2
    assert list(usage["stages_s"]) == ["part 0", "part 1", "part 2"]
    assert usage["stages_s"]["part 0"] == first["usage"]["stages_s"]["part 0"]
    assert usage["total_s"] >= first["usage"]["total_s"]
    assert usage["memory_peak_mb"]["process"] >= first["usage"]["memory_peak_mb"]["process"] > 50


def test_times_add_up_over_processes_and_peaks_do_not(tmp_path, monkeypatch):
    path = tmp_path / "env.json"
    write_json(path, {"seed": 0})
    peaks = iter([{"process": 300.0, "gpu:0": 20.0}, {"process": 200.0, "gpu:0": 40.0}])
    monkeypatch.setattr("nonequil.experiments._environment.memory_peaks", lambda: next(peaks))
    record_usage(path, {"fit": 1.5}, 2.0)
    record_usage(path, {"fit": 0.25, "test": 3.0}, 4.0)
    assert read_json(path) == {
        "seed": 0,
        "usage": {
            "processes": 2,
            "total_s": 6.0,
            "stages_s": {"fit": 1.75, "test": 3.0},
            "memory_peak_mb": {"process": 300.0, "gpu:0": 40.0},
        },
    }


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="no /proc")
def test_the_peak_of_this_process_is_at_least_what_it_holds_now():
    held = int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6
    assert memory_peaks()["process"] >= 0.99 * held
