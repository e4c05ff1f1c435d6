"""A sweep that is done, through the commands: what they print, repeat and keep."""

import csv
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from sweeping import beginning, files, written

from nonequil.cli import _sweep_commands, main
from nonequil.experiments import _cluster, _kinds, _sweep_task, read_result
from nonequil.experiments._launch import record
from nonequil.experiments._lock import locked
from nonequil.numerics import devices

sys.path.append(str(Path(__file__).parents[1] / "experiments"))
from toy_sweep import Toy

VALUES = [0.5, 1.0, 1.5]
TWO = "[sweep]\na = [0.5, 1.0]\n"


@pytest.fixture(scope="module", autouse=True)
def toy():
    """The toy is a kind of experiment."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(_kinds.KINDS, "toy", Toy)
        yield


@pytest.fixture(scope="module")
def done(tmp_path_factory, toy):
    """Three points in two tasks, carried out and collected; no test changes it."""
    place = tmp_path_factory.mktemp("runs")
    config = written(place, f'experiment = "toy"\n[sweep]\na = {VALUES}\n')
    out = place / "line"
    assert main(["sweep", str(config), "--out", str(out), "--cluster", "debug", "--tasks", "2", "--devices", "1"]) == 0
    assert main(["collect", str(out)]) == 0
    return out


def submitted(place, table=TWO, **options):
    return beginning(place, table, 'experiment = "toy"\n', **options)


def told(capsys, *arguments):
    """What a command prints that ends well."""
    assert main(list(map(str, arguments))) == 0
    return capsys.readouterr().out


def test_show_prints_how_it_stands_and_a_point_as_a_config_of_its_own(done, tmp_path, capsys):
    out = told(capsys, "show", done)
    assert "3 points in 2 tasks (debug)" in out
    assert "3 done, 0 failed, 0 to do" in out
    assert f'"a" = {VALUES}' in out
    (tmp_path / "one.toml").write_text(told(capsys, "show", done, "--point", 2))
    told(capsys, "run", tmp_path / "one.toml", "--out", tmp_path / "one")
    alone, point = read_result(tmp_path / "one"), read_result(done).isel(a=2)
    assert all(alone[name].equals(point[name].drop_vars("a")) for name in alone.data_vars)


def test_list_has_a_line_for_a_sweep_also_for_one_of_another_format(done, tmp_path, capsys):
    (tmp_path / "line").symlink_to(done)
    other = submitted(tmp_path)
    submitted(tmp_path / "configs").rename(tmp_path / "waits")
    (tmp_path / "configs/config.toml").rename(tmp_path / "waits.toml")
    (other / "sweep.json").write_text(json.dumps({**json.loads((other / "sweep.json").read_text()), "format": 99}))
    lines = told(capsys, "list", tmp_path).splitlines()[1:]
    assert [line.split()[:3] for line in lines] == [
        ["line", "toy", "done"],
        ["sweep", "toy", "unreadable"],
        ["waits", "toy", "waiting"],
    ]
    assert lines[0].endswith("sweep: 3 of 3 points")
    assert "a newer nonequil" in lines[1]


def test_collect_writes_the_axes_and_a_row_a_point_and_answers_queries(done, capsys):
    pytest.importorskip("duckdb")
    result = read_result(done)
    assert result.double.dims == ("a",)
    assert result.a.values.tolist() == VALUES
    assert result.double.values.tolist() == [1.0, 2.0, 3.0]
    rows = list(csv.DictReader((done / "scalars.csv").open()))
    assert [(row["a"], row["double"], row["task"]) for row in rows] == [
        *(("0.5", "1.0", "0"), ("1.0", "2.0", "0"), ("1.5", "3.0", "1"))
    ]
    before = files(done)
    answer = told(capsys, "collect", done, "--query", "select a, double from scalars where a > 0.7 order by a desc")
    assert answer.split() == ["a", "double", "1.5", "3.0", "1.0", "2.0"]
    assert files(done) == before  # collecting again writes the same bytes
    assert main(["collect", str(done), "--query", "select colour from scalars"]) == 2
    assert "query = 'select colour from scalars'" in capsys.readouterr().err


@pytest.mark.parametrize("point", [None, 1])
def test_rerun_gives_the_same_bits(point, done, tmp_path, capsys):
    part = [] if point is None else ["--point", point]
    assert f"equals {done}, bit for bit" in told(capsys, "rerun", done, "--out", tmp_path / "again", *part)
    told(capsys, "collect", tmp_path / "again")
    again, before = read_result(tmp_path / "again"), read_result(done)
    chosen = slice(None) if point is None else slice(point, point + 1)
    assert again.noise.values.tolist() == before.noise.values[chosen].tolist()
    assert json.loads((tmp_path / "again/sweep.json").read_text())["cluster"]["devices"] == 1


def test_rerun_tells_a_difference(done, tmp_path, monkeypatch, capsys):
    run = Toy.run
    monkeypatch.setattr(Toy, "run", lambda self, stages: (found := run(self, stages)).assign(noise=-found.noise))
    assert main(["rerun", str(done), "--out", str(tmp_path / "again")]) == 1
    assert f"differs from {done} in noise" in capsys.readouterr().out


def test_a_point_that_fails_is_told_by_the_exit_code_and_the_table(tmp_path, capsys):
    sweep = submitted(tmp_path, "[sweep]\na = [1.0, -1.0]\n", cluster={"name": "debug"})
    assert main(["resume", str(sweep)]) == 1
    assert "point 1: a number was not finite after step 3" in capsys.readouterr().out
    assert "1 done, 1 failed; axes: a 2" in told(capsys, "collect", sweep)


def test_a_sweep_that_is_done_has_nothing_to_resume_or_cancel(done, capsys):
    before = files(done)
    assert "nothing to resume" in told(capsys, "resume", done)
    assert told(capsys, "cancel", done) == "0 jobs stopped\n"
    assert "next: nonequil collect" in told(capsys, "status", done)
    assert files(done) == before


@pytest.fixture
def counted(monkeypatch):
    """Tasks as they are carried out, and the devices that each one finds: none is computed."""
    seen = []
    monkeypatch.setattr(_sweep_task, "run_task", lambda folder, task, check: seen.append((task, len(devices()))))
    return seen


@pytest.mark.parametrize("asked, again, expected", [(None, None, 3), (2, None, 2), (2, 1, 1), (None, 1, 1)])
def test_the_number_of_devices_is_remembered(asked, again, expected, tmp_path, counted, monkeypatch):
    monkeypatch.setattr("nonequil.numerics._devices.jax", Three())
    options = [[] if number is None else ["--devices", str(number)] for number in (asked, again)]
    config = written(tmp_path, 'experiment = "toy"\n' + TWO)
    out = str(tmp_path / "sweep")
    main(["sweep", str(config), "--out", out, "--cluster", "debug", "--tasks", "2", *options[0]])
    assert counted == [(0, asked or 3), (1, asked or 3)]
    main(["resume", out, *options[1]])
    assert counted[2:] == [(0, expected), (1, expected)]
    assert "NONEQUIL_DEVICES" not in os.environ


@pytest.mark.parametrize("cluster, first", [("local", "false"), ("debug", None)])
def test_the_command_leaves_the_memory_of_a_gpu_to_the_tasks(cluster, first, tmp_path, monkeypatch):
    seen, create = [], _sweep_commands.create_sweep
    note = lambda: seen.append(os.environ.get("XLA_PYTHON_CLIENT_PREALLOCATE"))  # noqa: E731
    monkeypatch.setattr(_sweep_commands, "create_sweep", lambda *a, **k: note() or create(*a, **k))
    monkeypatch.setattr(_cluster, "submit", lambda *a: note() or [])
    config = written(tmp_path, 'experiment = "toy"\n' + TWO)
    main(["sweep", str(config), "--out", str(tmp_path / "sweep"), "--cluster", cluster])
    assert seen == [first, None]


class Three:
    """A machine of three devices."""

    process_index = 0

    def __init__(self, number=0):
        self.id = number

    def local_device_count(self):
        return 3

    def devices(self):
        return [Three(number) for number in range(3)]


@pytest.mark.parametrize("command", ["sweep", "resume"])
def test_tasks_that_run_elsewhere_may_have_more_devices_than_this_machine(command, tmp_path, monkeypatch, capsys):
    """Where there is no Slurm, it is Slurm that is missing."""
    monkeypatch.setenv("PATH", str(tmp_path))
    sweep = submitted(tmp_path)
    where = [str(sweep)] if command == "resume" else [str(tmp_path / "config.toml"), "--out", str(tmp_path / "new")]
    assert main([command, *where, "--cluster", "slurm", "--devices", "8"]) == 2
    assert "slurm" in (error := capsys.readouterr().err)
    assert "devices" not in error


@pytest.mark.parametrize("name", ["simulate", "fit"])
def test_runs_too_refuse_more_devices_than_there_are(name, request, tmp_path, capsys):
    arguments = request.getfixturevalue(f"{name}_arguments")
    assert main([*arguments, "--out", str(tmp_path / "run"), "--devices", "99"]) == 2
    assert "devices = 99: this process has 1, give a number from 1 to 1" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_cancel_stops_the_processes_and_resume_takes_up_what_they_left(tmp_path, counted, capsys):
    sweep = submitted(tmp_path, tasks=2, cluster={"name": "debug"})
    launch = sweep / "jobs" / "first"
    launch.mkdir(parents=True)
    log = launch / "new.log"
    log.touch()
    with locked(log) as descriptor:
        process = subprocess.Popen(["sleep", "60"], stdout=descriptor)
        log.rename(launch / f"{process.pid}.log")
    try:
        record(launch, "local", {0: str(process.pid), 1: str(process.pid)})
        assert "2 queued" in told(capsys, "status", sweep)
        assert main(["resume", str(sweep)]) == 2
        assert "is being worked on, 2 of 2 tasks" in capsys.readouterr().err
        assert told(capsys, "cancel", sweep) == f"1 jobs stopped: {process.pid}\n"
        assert process.wait(timeout=10) < 0
    finally:
        process.kill()
    assert "2 waiting" in told(capsys, "status", sweep)
    main(["resume", str(sweep)])
    assert [task for task, _ in counted] == [0, 1]


README = (Path(__file__).parents[2] / "README.md").read_text()


@pytest.fixture
def printed(tmp_path, monkeypatch):
    """The config that the README prints, in the working directory, and its commands."""
    (config,) = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    (shell,) = re.findall(r"```sh\n(nonequil sweep .*?)```", README, re.DOTALL)
    (tmp_path / "phases.toml").write_text(config)
    monkeypatch.chdir(tmp_path)
    return config, [shlex.split(line, comments=True)[1:] for line in shell.splitlines()]


def test_the_sweep_of_the_readme_can_be(printed, capsys):
    config, (sweep, *_) = printed
    (count,) = re.findall(r"# phases.toml: (\d+) networks", config)
    assert told(capsys, *sweep, "--dry-run").startswith(f"{count} points of simulate: 16 model.beta x 5 seed\n")


def test_the_commands_of_the_readme_run_as_they_are_printed(printed, tmp_path, capsys):
    """With the toy for the networks, and in this process."""
    _, (sweep, status, resume, collect) = printed
    (tmp_path / "phases.toml").write_text('experiment = "toy"\n[sweep]\na = [0.25, 4.0]\nseed = [0, 1, 2]\n')
    assert "6 points in 4 tasks (debug)" in told(capsys, *sweep, "--cluster", "debug")
    assert "6 done, 0 failed" in told(capsys, *status)
    assert "nothing to resume" in told(capsys, *resume)
    names = {"beta": "a", "entropy_production": "double"}
    answer = told(capsys, *(re.sub("|".join(names), lambda found: names[found[0]], word) for word in collect))
    assert [line.split() for line in answer.splitlines()[1:]] == [["0.25", "0.5"], ["4.0", "8.0"]]


def test_what_the_readme_says_of_slurm_is_understood(tmp_path, capsys):
    (said,) = re.findall(r"# on Slurm: (.*)", README)
    config = written(tmp_path, 'experiment = "toy"\n' + TWO)
    arguments = ["sweep", config, "--out", tmp_path / "sweep", "--dry-run", *shlex.split(said)]
    assert "tasks on slurm" in told(capsys, *arguments)
