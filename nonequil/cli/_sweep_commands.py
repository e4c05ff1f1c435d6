"""The commands for sweeps: arguments in, exit code out."""

import contextlib
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..experiments import _cluster
from ..experiments._collect import changed_points, collect, query, summary
from ..experiments._folder import CONFIG, FORMAT, RunFolder, check_format
from ..experiments._sweep import Plan, SweepFolder
from ..experiments._sweep_create import check_size, chosen_width, create_sweep
from ..experiments._sweep_status import status_text, task_states, to_resume
from ..experiments._toml import read_toml
from ._arguments import Place, Source, environment, parse, restricted
from ._sweep_arguments import Question, Resumption, SweepPlace, SweepSource, cluster_of, settings_of

Check = Callable[[], None]
MOST_JOBS = 256
PREALLOCATE = "XLA_PYTHON_CLIENT_PREALLOCATE"
LOOK = 0.5
"""Seconds between two looks at how far a sweep is."""


def sweep(arguments: list[str], check: Check) -> int:
    """`nonequil sweep CONFIG --out SWEEP`."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print("usage: nonequil sweep CONFIG --out SWEEP [--cluster local|slurm|debug] [--dry-run] [--KEY VALUE ...]\n")
        print("CONFIG is a TOML file with a table [sweep] (see configs/sweep/); every other key can be overridden.")
        print("`nonequil sweep CONFIG --help` lists the keys.")
        return 0 if arguments else 2
    if arguments[0].startswith("-"):
        raise ValueError(f"config = {arguments[0]}: name the TOML file first, then the options")
    path = Path(arguments[0])
    plan = Plan.read(read_toml(path), f"config = {path}")
    check_size(plan.axes.size, "--yes" in arguments)  # before any of its points is made
    base, place = parse(f"sweep {path}", arguments[1:], plan.first(), SweepPlace)
    plan = plan.resolved(base)
    cluster = cluster_of(place.cluster, place.settings, check)
    return _dry_run(plan, place, cluster) if place.dry_run else _start(plan, place, cluster, check)


def _start(plan: Plan, place: SweepPlace, cluster: Any, check: Check) -> int:
    tasks, noted = _tasks(plan, place, cluster), settings_of(cluster, place.devices)
    with _frugal(cluster):
        made = create_sweep(plan, place.out, tasks=tasks, width=place.width, many=place.yes, cluster=noted)
    try:
        return start_tasks(made, list(made.tasks), cluster, check, place.devices)
    except (ValueError, OSError):
        if not any(made.path.glob("task-*")):
            shutil.rmtree(made.path)
        raise


def start_tasks(made: SweepFolder, tasks: list[int], cluster: Any, check: Check, devices: int | None = None) -> int:
    """Start tasks, each on so many devices; follow them where they run on this machine."""
    if cluster.name != _cluster.Slurm.name:
        with _frugal(cluster), restricted(devices):
            pass  # refused here if it is not to be
    with restricted(devices, elsewhere=True):
        jobs = _cluster.submit(made.path, tasks, cluster)
    if cluster.name == _cluster.Slurm.name:
        print(f"{len(tasks)} tasks submitted as jobs {jobs[0]} to {jobs[-1]}: nonequil status {made.path}")
        return 0
    _follow(made, check)
    print(status_text(made))
    return 0 if all(one.state == "done" and not one.failed for one in task_states(made).values()) else 1


def status(arguments: list[str], check: Check) -> int:
    """`nonequil status SWEEP`."""
    (source,) = parse("status", arguments, SweepSource)
    print(status_text(SweepFolder(source.sweep)))
    return 0


def resume(arguments: list[str], check: Check) -> int:
    """`nonequil resume SWEEP`: tasks that are not done and that nobody works on."""
    source, how = parse("resume", arguments, SweepSource, Resumption)
    made = SweepFolder(source.sweep)
    before = made.record["cluster"]
    name = how.cluster or before.get("name", "local")
    kept = before.get("settings", {}) if how.settings is None and name == before.get("name") else {}
    cluster = cluster_of(name, how.settings or (), check, kept)
    devices = before.get("devices") if how.devices is None else how.devices
    states = task_states(made)
    todo = to_resume(states)
    if todo:
        return start_tasks(made, _readable(made, todo), cluster, check, devices)
    if busy := [task for task, one in states.items() if one.state != "done"]:
        raise ValueError(
            f"sweep = {made.path} is being worked on, {len(busy)} of {len(states)} tasks are queued or run: wait for "
            f"them (`nonequil status {made.path}`), or `nonequil cancel {made.path}` first"
        )
    print(f"nothing to resume\n{status_text(made)}")
    return 0


def cancel(arguments: list[str], check: Check) -> int:
    """`nonequil cancel SWEEP`."""
    (source,) = parse("cancel", arguments, SweepSource)
    made = SweepFolder(source.sweep)
    jobs = _cluster.cancel(made.path)
    print(f"{len(jobs)} jobs stopped{': ' if jobs else ''}{', '.join(jobs)}")
    return 0


def collect_results(arguments: list[str], check: Check) -> int:
    """`nonequil collect SWEEP [--query SQL]`."""
    source, question = parse("collect", arguments, SweepSource, Question)
    made = SweepFolder(source.sweep)
    result = collect(made)
    _cluster.tidy(made.path, [task for task, one in task_states(made).items() if one.state == "done"])
    if question.query is not None:
        print(query(made, question.query))
        return 0
    print(f"{summary(result)}\nwritten to {made.path / 'result.nc'} and {made.path / 'scalars.csv'}")
    return 0


def rerun_sweep(source: Source, place: Place, check: Check) -> int:
    """`nonequil rerun SWEEP [--point K] --out NEW`: 1 if a new result is not the old one bit for bit."""
    if place.resume or place.overwrite:
        raise ValueError("a sweep is repeated in a new folder: leave --resume and --overwrite out")
    if place.distributed:
        raise ValueError("a sweep is not one run: leave --distributed out, its points are spread over the devices here")
    before = SweepFolder(source.run)
    indices = sorted(before.ids) if source.point is None else [before.checked(source.point)]
    record, cluster = before.record, cluster_of("debug", (), check)
    devices = record["cluster"].get("devices") if place.devices is None else place.devices
    how = {"tasks": record["tasks"], "width": record["width"], "cluster": settings_of(cluster, devices)}
    with restricted(devices):
        made = create_sweep(before.plan, place.out, indices=indices, many=True, **how)
        code = start_tasks(made, list(made.tasks), cluster, check)
    changed = changed_points(before, made)
    told = f"differs from {before.path} in {', '.join(changed)}" if changed else f"equals {before.path}, bit for bit"
    print(f"{made.path} {told}")
    return max(code, int(bool(changed)))


def show_sweep(source: Source) -> str:
    """How a sweep stands and its config; or the config of one point, to be run alone."""
    made = SweepFolder(source.run)
    if source.point is not None:
        return f"# point {source.point} of {made.path}\n{made.point(source.point).to_toml()}"
    config = (made.path / CONFIG).read_text(encoding="utf-8")
    return "\n".join([status_text(made), "", f"{CONFIG}:", *("  " + line for line in config.splitlines())])


COMMANDS: dict[str, Callable[[list[str], Check], int]] = {
    "sweep": sweep,
    "status": status,
    "resume": resume,
    "cancel": cancel,
    "collect": collect_results,
}


def _frugal(cluster: Any) -> contextlib.AbstractContextManager[None]:
    """If jax starts in this process meanwhile, it leaves the memory of a GPU to those that carry out the tasks."""
    own = cluster.name == _cluster.Debug.name or PREALLOCATE in os.environ
    return contextlib.nullcontext() if own else environment(PREALLOCATE, "false")


def _readable(made: SweepFolder, tasks: list[int]) -> list[int]:
    """The tasks. Raises ValueError if one of them was left by a version that wrote other folders."""
    for task in tasks:
        place = RunFolder(made.task_folder(task))
        check_format(f"task = {place.path}", place.status.get("format", FORMAT), FORMAT)
    return tasks


def _tasks(plan: Plan, place: SweepPlace, cluster: Any) -> int:
    if place.tasks is not None:
        return place.tasks
    if cluster.name == _cluster.Slurm.name:
        width = chosen_width([plan.experiment(0)], place.width)
        return min(-(-plan.axes.size // width), MOST_JOBS)
    return getattr(cluster, "processes", 1)


def _dry_run(plan: Plan, place: SweepPlace, cluster: Any) -> int:
    """What would be done; bad points, clusters and folders are found here too."""
    points = plan.axes.size
    print(
        f"{points} points of {plan.kind.kind}: "
        + " x ".join(f"{len(a)} {', '.join(a.columns)}" for a in plan.axes.axes)
    )
    check_size(points, place.yes)
    if place.out.exists():
        raise ValueError(f"out = {place.out} exists: give a new name, or `nonequil resume {place.out}`")
    experiments = [plan.experiment(index) for index in range(points)]
    shapes = len({(one.precision, one.shape()) for one in experiments})
    width = chosen_width(experiments, place.width)
    tasks = min(_tasks(plan, place, cluster), points)
    print(f"{shapes} compiled program{'s' * (shapes > 1)}, batches of {width} points, {tasks} tasks on {cluster.name}")
    print(f"nothing was done; without --dry-run the sweep goes to {place.out}")
    return 0


def _follow(made: SweepFolder, check: Check) -> None:
    """Show how far the tasks are until nobody works on them; whoever stops this stops them."""
    from tqdm import tqdm

    try:
        with tqdm(total=len(made.ids), unit="point", disable=None) as bar:
            while True:
                working = _cluster.active(made.path)
                bar.update(sum(one.finished + one.failed for one in task_states(made).values()) - bar.n)
                if not working:
                    break
                check()
                time.sleep(LOOK)
    except KeyboardInterrupt:
        _cluster.cancel(made.path)
        raise
