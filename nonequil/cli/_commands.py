"""The commands: arguments in, exit code out."""

from collections.abc import Callable
from pathlib import Path

from ..experiments._base import AbstractExperiment
from ..experiments._compare import differences
from ..experiments._environment import versions
from ..experiments._execute import execute, read_result, same_inputs
from ..experiments._fit import Fit
from ..experiments._folder import CONFIG, RunFolder
from ..experiments._kinds import read_experiment
from ..experiments._stages import Stages
from ..experiments._sweep import is_sweep
from . import _sweep_commands
from ._arguments import Collection, Place, Source, parse, restricted
from ._distributed import together
from ._show import info_text, list_text, show_text

Check = Callable[[], None]


def fit(arguments: list[str], check: Check) -> int:
    """`nonequil fit RECORDING --bin 0.02 --out RUN`."""
    experiment, place = parse("fit", arguments, Fit, Place)
    return _carry_out(experiment, place, check)


def simulate(arguments: list[str], check: Check) -> int:
    """`nonequil simulate CONFIG --out RUN`."""
    return _from_config("simulate", arguments, check, kind="simulate")


def run(arguments: list[str], check: Check) -> int:
    """`nonequil run CONFIG --out RUN`."""
    return _from_config("run", arguments, check, kind=None)


def rerun(arguments: list[str], check: Check) -> int:
    """`nonequil rerun RUN --out NEW`: 1 if the new result is not the old one bit for bit."""
    source, place = parse("rerun", arguments, Source, Place)
    if is_sweep(source.run):
        return _sweep_commands.rerun_sweep(source, place, check)
    before = run_folder(source.run, source.point)
    experiment = read_experiment(before.path / CONFIG)
    same_inputs(experiment, before)
    code = _carry_out(experiment, place, check)
    return max(code, _compare(before, RunFolder(place.out))) if before.done else code


def list_runs(arguments: list[str], check: Check) -> int:
    """`nonequil list [FOLDER]`."""
    (collection,) = parse("list", arguments, Collection)
    print(list_text(collection.folder))
    return 0


def show(arguments: list[str], check: Check) -> int:
    """`nonequil show RUN`."""
    (source,) = parse("show", arguments, Source)
    print(
        _sweep_commands.show_sweep(source) if is_sweep(source.run) else show_text(run_folder(source.run, source.point))
    )
    return 0


def info(arguments: list[str], check: Check) -> int:
    """`nonequil info`."""
    if arguments not in ([], ["-h"], ["--help"]):
        raise ValueError(f"info takes no arguments, found {' '.join(arguments)}")
    print(info_text())
    return 0


COMMANDS: dict[str, Callable[[list[str], Check], int]] = {
    "fit": fit,
    "simulate": simulate,
    "run": run,
    "list": list_runs,
    "show": show,
    "rerun": rerun,
    "info": info,
    **_sweep_commands.COMMANDS,
}


def run_folder(path: Path, point: int | None = None) -> RunFolder:
    """The run in a folder. Raises OSError or ValueError if there is none, or if one of its points is asked for."""
    folder = RunFolder(path)
    if point is not None:
        raise ValueError(f"point = {point}: {path} is no sweep, leave the point out")
    if not folder.path.is_dir():
        raise FileNotFoundError(f"run = {path}: no such folder")
    if folder.config is None:
        raise ValueError(f"run = {path} is no run folder: it holds no {CONFIG}")
    return folder


def _from_config(name: str, arguments: list[str], check: Check, kind: str | None) -> int:
    if not arguments or arguments[0] in ("-h", "--help"):
        print(f"usage: nonequil {name} CONFIG --out RUN [--resume | --overwrite] [--devices N] [--KEY VALUE ...]\n")
        print("CONFIG is a TOML file (see configs/); every key of it can be overridden, tables by dots: --model.n 32.")
        print(f"`nonequil {name} CONFIG --help` lists the keys.")
        return 0 if arguments else 2
    if arguments[0].startswith("-"):
        raise ValueError(f"config = {arguments[0]}: name the TOML file first, then the options")
    default = read_experiment(Path(arguments[0]), kind)
    experiment, place = parse(f"{name} {arguments[0]}", arguments[1:], default, Place)
    return _carry_out(experiment, place, check)


def _carry_out(experiment: AbstractExperiment, place: Place, check: Check) -> int:
    if is_sweep(place.out):
        raise ValueError(f"out = {place.out} holds a sweep: give a new name")
    if place.distributed:
        return together(lambda begin: _execute(experiment, place, check, begin), experiment, place.devices, check)
    with restricted(place.devices):
        return _execute(experiment, place, check, Stages)


def _execute(experiment: AbstractExperiment, place: Place, check: Check, begin: Callable[..., Stages]) -> int:
    options = {"resume": place.resume, "overwrite": place.overwrite}
    folder = execute(experiment, place.out, **options, check=check, progress=True, begin=begin)
    print(experiment.describe(read_result(folder.path)))
    print(f"\nwritten to {folder.path}")
    return 0


def _compare(before: RunFolder, after: RunFolder) -> int:
    changed = differences(before.path, after.path)
    if not changed:
        print(f"{after.path} equals {before.path}, bit for bit")
        return 0
    then, now = before.environment["versions"], versions()
    moved = [f"{name} {then[name]}, now {now.get(name)}" for name in then if then[name] != now.get(name)]
    print(
        f"{after.path} differs from {before.path} in {', '.join(changed)}; versions: {', '.join(moved) or 'the same'}"
    )
    return 1
