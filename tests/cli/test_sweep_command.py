"""Sweeps that cannot be: a clear error, exit code 2, and not a byte is changed."""

import json
import os

import pytest
from sweeping import BASE, beginning, files, written

from nonequil.cli import main
from nonequil.experiments import _sweep_create
from nonequil.experiments._lock import locked

GRID = '[sweep]\n"model.beta" = [0.5, 1.0]\n'


@pytest.fixture(scope="module")
def submitted(tmp_path_factory):
    """A sweep of two tasks that were never started; no test changes it."""
    return beginning(tmp_path_factory.mktemp("sweeps"), GRID, tasks=2)


@pytest.fixture
def sweep(tmp_path):
    """The same, to be changed."""
    return beginning(tmp_path, GRID, tasks=2)


def refused(arguments, messages, capsys, place):
    """Nothing under `place` changes, and the error says all of `messages`."""
    before = files(place)
    assert main(list(map(str, arguments))) == 2
    error = capsys.readouterr().err
    assert [message for message in messages if message not in error] == [], error
    assert "Traceback" not in error
    assert files(place) == before


# the config's text, more options, what the error says
CONFIGS = {
    "no table": (BASE, [], ["config.toml", "no table [sweep]", "add one"]),
    "unknown key of the base": ("step = 3\n" + BASE + GRID, [], ["'step'", "did you mean 'steps'"]),
    "unknown key of the sweep": (
        BASE + '[sweep]\n"model.bta" = [1.0]',
        [],
        ["'model.bta'", "did you mean 'model.beta'"],
    ),
    "unknown key of a zip": (BASE + "[sweep.zip]\nchain = [1, 2]", [], ["'chain'", "did you mean 'chains'"]),
    "unknown law": (
        BASE + '[sweep.random]\ncount = 2\n"model.beta" = {unifrm = [0, 1]}',
        [],
        ["did you mean 'uniform'"],
    ),
    "unknown key of a range": (
        BASE + '[sweep]\n"model.beta" = {start = 0, stop = 1, point = 3}',
        [],
        ["did you mean 'points'"],
    ),
    "unknown kind": ('experiment = "simulat"\n' + GRID, [], ["simulat", "did you mean 'simulate'"]),
    "wrong type in the base": ('every = "many"\n' + BASE + GRID, [], ["every = 'many'", "integer"]),
    "wrong type in an axis": (
        BASE + '[sweep]\n"model.beta" = [0.5, "cold"]',
        [],
        ["point 1", "model", "beta = 'cold'", "number"],
    ),
    "an axis without a list": (BASE + '[sweep]\n"model.beta" = 0.5', [], ["model.beta = 0.5", "give a list of values"]),
    "no table but a list": ("sweep = [1, 2]\n" + BASE, [], ["sweep = [1, 2]", "make it a table"]),
    "value out of range": (BASE + "[sweep]\nchains = [2, 0]", [], ["point 1 (chains = 0)", "greater than 0"]),
    "empty sweep": (BASE + "[sweep]\n", [], ["the sweep is empty", "list the values of a key"]),
    "empty axis": (BASE + '[sweep]\n"model.beta" = []', [], ["model.beta = []", "give at least one value"]),
    "own stream": ("stream = 3\n" + BASE + GRID, [], ["stream is set", "remove it"]),
    "unknown cluster": (BASE + GRID, ["--cluster", "slurn"], ["cluster = 'slurn'", "did you mean 'slurm'"]),
    "unknown setting": (BASE + GRID, ["--settings", "procesess=2"], ["'procesess'", "did you mean 'processes'"]),
    "setting without a value": (BASE + GRID, ["--settings", "fast"], ["settings = 'fast'", "NAME=VALUE"]),
    "setting of the wrong type": (BASE + GRID, ["--settings", "processes=many"], ["processes = 'many'", "integer"]),
    "no tasks": (BASE + GRID, ["--tasks", "0"], ["tasks = 0", "at least one"]),
    "odd width": (BASE + GRID, ["--width", "20"], ["width = 20", "multiple of 16"]),
    "no devices": (BASE + GRID, ["--devices", "0"], ["devices = 0", "from 1 to"]),
    "more devices than here": (BASE + GRID, ["--devices", "99"], ["devices = 99", "from 1 to 1"]),
    "unknown option": (BASE + GRID, ["--task", "2"], ["--tasks"]),
    "override of the wrong type": (BASE + GRID, ["--steps", "many"], ["many", "--steps"]),
}


@pytest.mark.parametrize("case", CONFIGS)
def test_a_sweep_that_cannot_be_is_named_and_leaves_nothing(case, tmp_path, capsys):
    text, options, messages = CONFIGS[case]
    arguments = ["sweep", written(tmp_path, text), "--out", tmp_path / "sweep", *options]
    refused(arguments, messages, capsys, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["config.toml"]


LONG = '"seed" = {start = 0, stop = 20000, points = 20001}'
EXPLODING = {
    "a long axis": (f"[sweep]\n{LONG}", 20_001),
    "a product": ("[sweep]\n" + "\n".join(f'"model.{key}" = {list(range(200))}' for key in ("J0", "H0")), 40_000),
    "beyond all machines": (
        "[sweep]\n"
        + "\n".join(f'"{key}" = {list(range(1, 9001))}' for key in ("seed", "steps", "chains", "chunk", "every")),
        9000**5,
    ),
    "draws": ('[sweep.random]\ncount = 30000\n"model.beta" = {uniform = [0.5, 2]}', 30_000),
}


@pytest.mark.parametrize("case", EXPLODING)
@pytest.mark.parametrize("dry", [True, False])
def test_an_exploding_sweep_needs_a_word(case, dry, tmp_path, capsys):
    table, points = EXPLODING[case]
    arguments = ["sweep", written(tmp_path, BASE + table), "--out", tmp_path / "sweep", *(["--dry-run"] if dry else [])]
    refused(
        arguments, [f"{points} points", "more than 20000", "make its lists shorter, or say --yes"], capsys, tmp_path
    )


def test_with_that_word_it_may_be_large(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(_sweep_create, "MOST", 1)
    arguments = ["sweep", str(written(tmp_path, BASE + GRID)), "--out", str(tmp_path / "sweep"), "--dry-run"]
    before = files(tmp_path)
    assert main(arguments) == 2
    assert "2 points, more than 1" in capsys.readouterr().err
    assert main([*arguments, "--yes"]) == 0
    assert "2 points of simulate" in capsys.readouterr().out
    assert files(tmp_path) == before


@pytest.mark.parametrize(
    "table, message",
    [
        ('"model.beta" = {start = 0.0, stop = 1.0, points = 1000000000000}', "points = 1000000000000: input should be"),
        (
            'random = {count = 1000000000000, "model.beta" = {uniform = [0.5, 2]}}',
            "count = 1000000000000: input should be",
        ),
    ],
)
def test_a_list_that_fills_the_memory_is_not_even_made(table, message, tmp_path, capsys):
    config = written(tmp_path, BASE + f"[sweep]\n{table}")
    refused(["sweep", config, "--out", tmp_path / "sweep", "--yes"], [message], capsys, tmp_path)


@pytest.mark.parametrize(
    "missing, message", [("sbatch", "apt-get install slurm-wlm"), ("submitit", "nonequil[cluster]")]
)
def test_without_slurm_it_says_what_to_install(missing, message, tmp_path, sweep, monkeypatch, capsys):
    monkeypatch.setenv("PATH", str(tmp_path))
    if missing == "submitit":
        monkeypatch.setitem(__import__("sys").modules, "submitit", None)
    new = ["sweep", tmp_path / "config.toml", "--out", tmp_path / "new", "--cluster", "slurm"]
    for arguments in (new, ["resume", sweep, "--cluster", "slurm"]):
        refused(arguments, ["cluster = slurm", message], capsys, tmp_path)
    assert not (tmp_path / "new").exists()


@pytest.fixture(scope="module")
def others(tmp_path_factory):
    """Folders that hold no sweep: a run of another experiment, something else, a file, nothing."""
    place = tmp_path_factory.mktemp("others")
    for name in ("run", "papers"):
        (place / name).mkdir()
    (place / "run/config.toml").write_text('experiment = "fit"\n')
    (place / "run/status.json").write_text('{"format": 2, "state": "done"}')
    (place / "papers/sk.txt").write_text("Sherrington & Kirkpatrick (1975)")
    (place / "file").write_text("a file")
    return place


@pytest.mark.parametrize("name", ["run", "papers", "file"])
def test_a_folder_of_another_experiment_is_left_alone(name, others, submitted, tmp_path, capsys):
    config = written(tmp_path, BASE + GRID)
    refused(["sweep", config, "--out", others / name], [f"{name} exists", "give a new name"], capsys, others)
    refused(["sweep", config, "--out", others / name, "--dry-run"], [f"{name} exists"], capsys, others)
    refused(["rerun", submitted, "--out", others / name], [f"{name} exists", "give a new name"], capsys, others)


@pytest.mark.parametrize("command", ["status", "resume", "cancel", "collect"])
def test_what_is_no_sweep_is_named(command, others, capsys):
    for name in ("run", "papers"):
        refused([command, others / name], [f"{name} is no sweep folder", "sweep.json"], capsys, others)
    for name in ("file", "nothing"):
        refused([command, others / name], [f"{name}: no such folder"], capsys, others)


@pytest.mark.parametrize("how", [[], ["--resume"], ["--overwrite"]])
def test_a_run_does_not_go_where_a_sweep_is(how, submitted, tmp_path, capsys):
    (tmp_path / "run.toml").write_text(BASE)
    refused(
        ["simulate", tmp_path / "run.toml", "--out", submitted, *how], ["holds a sweep", "new name"], capsys, submitted
    )


@pytest.mark.parametrize("option", ["--resume", "--overwrite", "--distributed"])
def test_a_sweep_is_repeated_in_a_new_folder_in_this_process(option, submitted, tmp_path, capsys):
    told = ["not one run"] if option == "--distributed" else ["in a new folder", "leave --resume and --overwrite out"]
    refused(["rerun", submitted, "--out", tmp_path / "again", option], told, capsys, submitted)


COMMANDS = {
    "sweep": lambda sweep, place: ["sweep", place / "config.toml", "--out", sweep],
    **{
        name: lambda sweep, place, name=name: [name, sweep]
        for name in ("status", "resume", "cancel", "collect", "show")
    },
    "rerun": lambda sweep, place: ["rerun", sweep, "--out", place / "again"],
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    "found, message", [(0, "an older nonequil: use that one"), (99, "a newer nonequil: install it")]
)
def test_another_format_is_named_and_left_alone(command, found, message, sweep, tmp_path, capsys):
    record = json.loads((sweep / "sweep.json").read_text())
    (sweep / "sweep.json").write_text(json.dumps({**record, "format": found}))
    told = ["exists: give a new name"] if command == "sweep" else [f"format {found}", message, "start a new folder"]
    refused(COMMANDS[command](sweep, tmp_path), told, capsys, tmp_path)


@pytest.mark.parametrize("found, message", [(1, "an older nonequil"), (99, "a newer nonequil")])
def test_tasks_of_another_format_do_not_go_on(found, message, sweep, tmp_path, capsys):
    (sweep / "task-0001").mkdir()
    status = {"format": found, "state": "interrupted", "message": "", "pid": 1, "host": "elsewhere"}
    (sweep / "task-0001/status.json").write_text(json.dumps(status))
    refused(["resume", sweep, "--cluster", "debug"], ["task-0001 has format", message], capsys, tmp_path)


def test_a_folder_in_use_is_left_to_those_who_use_it(sweep, tmp_path, capsys):
    for task in ("task-0000", "task-0001"):
        (sweep / task).mkdir()
        status = {"format": 2, "state": "running", "message": "", "pid": os.getpid(), "host": os.uname().nodename}
        (sweep / task / "status.json").write_text(json.dumps(status))
    with locked(sweep / "task-0000"), locked(sweep / "task-0001"):
        refused(["resume", sweep], ["is being worked on, 2 of 2 tasks", "nonequil cancel"], capsys, tmp_path)
        refused(COMMANDS["sweep"](sweep, tmp_path), ["exists: give a new name"], capsys, tmp_path)
        (tmp_path / "run.toml").write_text(BASE)
        arguments = ["simulate", tmp_path / "run.toml", "--out", sweep, "--overwrite"]
        refused(arguments, ["holds a sweep"], capsys, tmp_path)


@pytest.mark.parametrize("arguments", [["show", "--point", "7"], ["rerun", "--out", "again", "--point", "7"]])
def test_a_point_that_is_not_there_is_named(arguments, submitted, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    told = ["point = 7", "indices 0 to 1"]
    refused([arguments[0], submitted, *arguments[1:]], told, capsys, submitted)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "command", [["sweep"], ["sweep", "--out", "x"], ["status"], ["resume"], ["cancel"], ["collect"]]
)
def test_a_command_without_its_argument_is_told(command, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    refused(command, [], capsys, tmp_path)
