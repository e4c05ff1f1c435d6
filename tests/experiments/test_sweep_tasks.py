import csv
import json

import numpy as np
import pytest
from toy_sweep import Toy

from nonequil.experiments import Interrupted, _kinds, read_result
from nonequil.experiments._collect import changed_points, collect, query
from nonequil.experiments._lock import locked
from nonequil.experiments._stages import never
from nonequil.experiments._store import write_json
from nonequil.experiments._sweep import Plan, SweepFolder
from nonequil.experiments._sweep_create import create_sweep, spread
from nonequil.experiments._sweep_status import status_text, task_states, to_resume
from nonequil.experiments._sweep_task import run_task


@pytest.fixture(autouse=True)
def toy(monkeypatch):
    monkeypatch.setitem(_kinds.KINDS, "toy", Toy)
    monkeypatch.setattr(Toy, "runs", [])
    monkeypatch.setattr(Toy, "broken", set())


def submitted(path, sweep, tasks=1, **options):
    return create_sweep(Plan.read({"experiment": "toy", "sweep": sweep}, "config"), path, tasks=tasks, **options)


def carried_out(path, sweep, **options):
    made = submitted(path, sweep, **options)
    for task in reversed(made.tasks):
        run_task(made.path, task, never)
    return made


GRID = {"a": [0.5, 1.0, 2.0], "size": [2, 3]}


def test_results_stand_on_the_axes_with_places_of_their_own(tmp_path):
    result = collect(carried_out(tmp_path / "s", GRID))
    assert dict(result.sizes) == {"a": 3, "size": 2, "unit": 3}
    assert np.array_equal(result.double, [[1, 1], [2, 2], [4, 4]])
    assert np.array_equal(result["count"], [[2, 3]] * 3)
    assert np.array_equal(np.isnan(result.noise.sel(a=1.0)), [[False, False, True], [False] * 3])
    assert np.array_equal(result.noise.sel(a=2.0, size=3), np.random.default_rng([0, 5]).random(3))
    assert result.double.attrs["units"] == "nats/step"
    assert (result.state == "done").all()
    assert read_result(tmp_path / "s").identical(result)


@pytest.mark.parametrize("tasks", [2, 4, 6, 100])
def test_the_result_is_the_same_file_for_any_number_of_tasks(tmp_path, tasks):
    for name, number in (("one", 1), ("many", tasks)):
        collect(carried_out(tmp_path / name, GRID, tasks=number))
    assert (tmp_path / "one/result.nc").read_bytes() == (tmp_path / "many/result.nc").read_bytes()


def test_each_point_is_run_once_and_a_task_leaves_three_files(tmp_path):
    made = carried_out(tmp_path / "s", GRID, tasks=2)
    assert sorted(Toy.runs) == list(range(6))
    for task in made.tasks:
        run_task(made.path, task, never)
        assert sorted(p.name for p in made.task_folder(task).iterdir()) == ["env.json", "result.nc", "status.json"]
    assert len(Toy.runs) == 6


def test_zips_and_draws_stand_on_the_axis_of_points(tmp_path):
    sweep = {"size": [2, 3], "zip": {"a": [1.0, 3.0], "seed": [4, 5]}}
    result = collect(carried_out(tmp_path / "s", sweep))
    assert dict(result.sizes) == {"size": 2, "point": 2, "unit": 3}
    assert np.array_equal(result.a, [1.0, 3.0])
    assert np.array_equal(result.seed, [4, 5])
    assert np.array_equal(result.double, [[2, 6]] * 2)


def test_a_point_whose_numbers_break_is_masked_and_the_others_go_on(tmp_path):
    made = carried_out(tmp_path / "s", {"a": [1.0, -1.0, 3.0]})
    result = collect(made)
    assert np.array_equal(result.double, [2, np.nan, 6], equal_nan=True)
    assert result.state.values.tolist() == ["done", "failed", "done"]
    assert "not finite after step 3" in result.message.values[1]
    assert task_states(made)[0].state == "done"
    assert to_resume(task_states(made)) == []
    assert "2 done, 1 failed, 0 to do" in status_text(made)
    assert "point 1: a number was not finite" in status_text(made)
    rows = list(csv.DictReader((made.path / "scalars.csv").open()))
    assert [row["double"] for row in rows] == ["2.0", "", "6.0"]


def test_a_point_that_something_else_breaks_is_tried_again_and_only_it(tmp_path, monkeypatch):
    monkeypatch.setattr(Toy, "broken", {2.0})
    made = carried_out(tmp_path / "s", {"a": [1.0, 2.0, 3.0]})
    assert task_states(made)[0].state == "failed"
    assert "RuntimeError: a machine without memory" in status_text(made)
    assert collect(made).state.values.tolist() == ["done", "failed", "done"]
    monkeypatch.setattr(Toy, "broken", set())
    assert to_resume(task_states(made)) == [0]
    run_task(made.path, 0, never)
    assert Toy.runs == [0, 1, 2, 1]
    assert np.array_equal(collect(made).double, [2, 4, 6])
    assert not (made.task_folder(0) / "checkpoints").exists()


def test_a_task_stopped_anywhere_goes_on_and_ends_the_same(tmp_path):
    def stop():
        raise Interrupted(15)

    made = submitted(tmp_path / "s", GRID)
    stops = 0
    while not (made.task_folder(0) / "result.nc").exists():
        try:
            run_task(made.path, 0, stop)
        except Interrupted:
            stops += 1
            assert task_states(made)[0].state in ("interrupted", "done")
    assert stops > 6
    collect(made)
    collect(carried_out(tmp_path / "whole", GRID))
    assert (tmp_path / "s/result.nc").read_bytes() == (tmp_path / "whole/result.nc").read_bytes()


def test_tasks_that_are_missing_are_masked_and_wait(tmp_path):
    made = submitted(tmp_path / "s", {"a": [1.0, 2.0, 3.0]}, tasks=3)
    assert (collect(made).state == "missing").all()
    run_task(made.path, 1, never)
    result = collect(made)
    assert result.state.values.tolist() == ["missing", "done", "missing"]
    assert np.array_equal(result.double, [np.nan, 4, np.nan], equal_nan=True)
    assert to_resume(task_states(made)) == [0, 2]
    assert "2 waiting, 1 done" in status_text(made)


def test_a_task_that_died_is_told_from_one_that_runs(tmp_path, monkeypatch):
    made = carried_out(tmp_path / "s", {"a": [1.0, 2.0]}, tasks=2)
    place = made.task_folder(0)
    write_json(place / "status.json", {**json.loads((place / "status.json").read_text()), "state": "running"})
    assert task_states(made)[0].state == "died"
    monkeypatch.setattr("nonequil.experiments._sweep_status.log", lambda folder, task: folder / f"{task}.log")
    assert f"printed: {made.path / '0.log'}" in status_text(made)
    with locked(place):
        assert task_states(made)[0].state == "running"
        with pytest.raises(ValueError, match="another process"):
            run_task(made.path, 0, never)


def test_a_repeated_point_or_sweep_is_the_same_bits_and_a_change_is_seen(tmp_path, monkeypatch):
    made = carried_out(tmp_path / "s", GRID)
    for name, indices in (("one", [4]), ("all", range(6))):
        again = create_sweep(made.plan, tmp_path / name, indices=indices)
        run_task(again.path, 0, never)
        assert changed_points(made, again) == []
    assert collect(SweepFolder(tmp_path / "one")).a.values.tolist() == [2.0]
    other = carried_out(tmp_path / "other", {**GRID, "a": [0.5, 1.0, 2.5]})
    assert changed_points(made, other) == ["double"]


@pytest.mark.parametrize("found, message", [(0, "an older nonequil"), (99, "a newer nonequil")])
def test_other_formats_are_refused(tmp_path, found, message):
    made = submitted(tmp_path / "s", {"a": [1.0]})
    write_json(made.path / "sweep.json", {**made.record, "format": found})
    with pytest.raises(ValueError, match=message):
        SweepFolder(made.path)


def test_folders_that_exist_or_hold_something_else_are_refused(tmp_path):
    made = submitted(tmp_path / "s", {"a": [1.0]})
    before = {path: path.read_bytes() for path in made.path.rglob("*") if path.is_file()}
    with pytest.raises(ValueError, match="exists: give a new name"):
        submitted(made.path, {"a": [2.0]})
    assert before == {path: path.read_bytes() for path in made.path.rglob("*") if path.is_file()}
    with pytest.raises(ValueError, match="no sweep folder"):
        SweepFolder(tmp_path)
    with pytest.raises(OSError, match="no such folder"):
        SweepFolder(tmp_path / "nothing")
    with pytest.raises(ValueError, match="task = 7"):
        run_task(made.path, 7, never)


def test_a_config_that_was_changed_by_hand_is_refused(tmp_path):
    made = submitted(tmp_path / "s", {"a": [1.0]})
    config = made.path / "config.toml"
    config.write_text(config.read_text().replace("1.0", "1.5"))
    with pytest.raises(ValueError, match=r"config.toml was changed"):
        run_task(made.path, 0, never)
    assert task_states(SweepFolder(made.path))[0].state == "failed"


def test_too_many_points_need_a_word(tmp_path):
    lots = {"a": {"start": 0, "stop": 1, "points": 20_001}}
    with pytest.raises(ValueError, match=r"20001 points, more than 20000: .*--yes"):
        submitted(tmp_path / "s", lots)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("width", [0, -16, 20])
def test_widths_are_multiples_of_16(tmp_path, width):
    with pytest.raises(ValueError, match=f"width = {width}: give a multiple of 16"):
        submitted(tmp_path / "s", {"a": [1.0]}, width=width)


def test_tasks_are_even_and_keep_shapes_together():
    shapes = ["a", "b"] * 6
    tasks = spread(shapes, 4)
    assert [tasks.count(task) for task in range(4)] == [3] * 4
    assert [{shape for shape, t in zip(shapes, tasks, strict=True) if t == task} for task in range(4)] == [
        {"a"},
        {"a"},
        {"b"},
        {"b"},
    ]
    assert spread(["a"] * 2, 5) == [0, 1]


def test_scalars_are_asked_in_sql(tmp_path):
    pytest.importorskip("duckdb")
    made = carried_out(tmp_path / "s", {"a": [1.0, -1.0, 3.0]})
    with pytest.raises(OSError, match="collect the sweep first"):
        query(made, "select 1")
    collect(made)
    assert query(made, "select a, double from scalars where state = 'done' order by a desc").split() == [
        *("a", "double"),
        *("3.0", "6.0"),
        *("1.0", "2.0"),
    ]
    with pytest.raises(ValueError, match="query = 'select b"):
        query(made, "select b from scalars")


def test_without_duckdb_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "duckdb", None)
    with pytest.raises(ValueError, match=r"pip install 'nonequil\[results\]'"):
        query(submitted(tmp_path / "s", {"a": [1.0]}), "select 1")
