"""Carry out an experiment in its folder."""

import contextlib
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ._base import AbstractExperiment, compression
from ._environment import digests, environment, record_usage
from ._folder import ENVIRONMENT, RESULT, RunFolder, claim
from ._stages import Stages, never
from ._store import read_json, write_json, write_whole


def execute(
    experiment: AbstractExperiment,
    out: Path,
    *,
    resume: bool = False,
    overwrite: bool = False,
    check: Callable[[], None] = never,
    progress: bool = False,
    begin: Callable[..., Stages] = Stages,
) -> RunFolder:
    """Run an experiment and leave its result in the folder `out`, whole, or in a state that `resume` finishes.

    A finished run is not run again. Raises ValueError or OSError for bad input, `RunFailed` (any other error) for a
    run that broke; `check` is called between pieces of work and stops the run by raising. `begin` makes the stages
    of a run when its folder is ready.
    """
    with claim(out, experiment.to_toml(), resume=resume, overwrite=overwrite) as folder:
        if folder.done:
            return folder
        import jax

        with jax.enable_x64(experiment.precision == "float64"):
            _record_environment(experiment, folder)
            began = time.monotonic()
            stages = begin(folder.checkpoints, check=check, progress=progress)
            try:
                with stages:
                    result = experiment.run(stages)
                    experiment.write(result, folder.path)
                    write_result(folder.path / RESULT, result)
            finally:
                with contextlib.suppress(OSError):  # a full disk has been reported, or will be
                    record_usage(folder.path / ENVIRONMENT, stages.seconds, time.monotonic() - began)
            check()
    return folder


def write_result(path: Path, result: Any) -> None:
    """Write a Dataset as netCDF, whole or not at all."""
    # made in memory: HDF5 ends the process where the disk is full
    content = result.to_netcdf(engine="h5netcdf", encoding=compression(result))
    write_whole(path, lambda part: part.write_bytes(content))


def read_result(folder: Path) -> Any:
    """The Dataset of a finished run, in memory."""
    import xarray

    return xarray.load_dataset(Path(folder) / RESULT, engine="h5netcdf")


def _record_environment(experiment: AbstractExperiment, folder: RunFolder) -> None:
    """Write `env.json`; a run that goes on must find the inputs it began with."""
    before, now = read_json(folder.path / ENVIRONMENT), environment(experiment.seed, experiment.inputs())
    if before is not None:
        _check_inputs(before, now["inputs"])
        now |= {"usage": before["usage"]} if "usage" in before else {}
        for name, version in before["versions"].items():
            if now["versions"].get(name) != version:
                found = now["versions"].get(name)
                print(f"warning: the run began with {name} {version}, now it is {found}", file=sys.stderr)
    write_json(folder.path / ENVIRONMENT, now)


def same_inputs(experiment: AbstractExperiment, before: RunFolder) -> None:
    """Raise ValueError if an input file of a run has changed since it was read."""
    _check_inputs(before.environment, digests(experiment.inputs()))


def _check_inputs(before: dict[str, Any], now: dict[str, str]) -> None:
    for name, known in before.get("inputs", {}).items():
        if now.get(name, known) != known:
            raise ValueError(f"{name} has changed since the run began: start anew with --overwrite or another --out")
