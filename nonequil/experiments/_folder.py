"""Run folders: one run is one folder, never half written and never written over by accident."""

import contextlib
import difflib
import os
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ._store import read_json, write_json, write_text

CONFIG, STATUS, ENVIRONMENT, RESULT, CHECKPOINTS = "config.toml", "status.json", "env.json", "result.nc", "checkpoints"


class RunFolder:
    """One run on the disk: `config.toml`, `status.json`, `env.json`, `result.nc`, figures; `checkpoints/` meanwhile."""

    def __init__(self, path: Path):
        self.path = Path(path)
        self.checkpoints = self.path / CHECKPOINTS

    @property
    def config(self) -> str | None:
        """The resolved config as TOML, None if this is no run folder."""
        file = self.path / CONFIG
        return file.read_text(encoding="utf-8") if file.exists() else None

    @property
    def status(self) -> dict[str, Any]:
        """How the run stands: `state` is running, interrupted, failed or done."""
        return read_json(self.path / STATUS) or {"state": "empty"}

    @property
    def environment(self) -> dict[str, Any]:
        """What the run ran on: versions, devices, precision, seed, digests of its inputs."""
        return read_json(self.path / ENVIRONMENT) or {}

    @property
    def done(self) -> bool:
        """Whether the whole result is there."""
        return self.status["state"] == "done"

    def mark(self, state: str, message: str = "") -> None:
        """Write `status.json`."""
        now = time.strftime("%Y-%m-%dT%H:%M:%S%z")
        started = self.status.get("started", now)
        write_json(self.path / STATUS, {"state": state, "message": message, "started": started, "updated": now})


@contextlib.contextmanager
def claim(path: Path, config: str, *, resume: bool = False, overwrite: bool = False) -> Iterator[RunFolder]:
    """The folder of a run, for the length of the run; afterwards its status says how the run ended.

    An existing folder is refused (ValueError) unless `resume` finds the same config there, or `overwrite` is given. A
    folder that is overwritten stays aside, as `.NAME.replaced`, until the new run is done, and comes back if the new
    run is refused for its input before any piece of it is finished.
    """
    folder = RunFolder(path)
    aside = folder.path.with_name(f".{folder.path.name}.replaced")
    if aside.exists() and not folder.path.exists():
        aside.rename(folder.path)  # the process died while it made room
    if folder.path.is_dir():
        with _locked(folder.path):
            pass
    fresh = _enter(folder, aside, config, resume=resume, overwrite=overwrite)
    with _locked(folder.path):
        try:
            if not folder.done:
                folder.mark("running")
            yield folder
            if not folder.done:
                folder.mark("done")
            shutil.rmtree(folder.checkpoints, ignore_errors=True)
            shutil.rmtree(aside, ignore_errors=True)
        except (ValueError, OSError) as error:
            if fresh and not any(folder.checkpoints.glob("[!.]*")):
                _leave(folder, aside)
            else:
                folder.mark("failed", str(error))
            raise
        except BaseException as error:
            _mark_end(folder, error)
            raise


def _mark_end(folder: RunFolder, error: BaseException) -> None:
    if isinstance(error, KeyboardInterrupt):
        if not folder.done:
            folder.mark("interrupted", f"{error}: go on with --resume")
    else:
        folder.mark("failed", f"{type(error).__name__}: {error}")


def _enter(folder: RunFolder, aside: Path, config: str, *, resume: bool, overwrite: bool) -> bool:
    """Make the folder ready; whether it starts empty."""
    path, kept = folder.path, folder.config
    if resume and overwrite:
        raise ValueError("resume and overwrite exclude each other: give one of them")
    if path.exists():
        occupied = not path.is_dir() or any(path.iterdir())
        if occupied and not (resume or overwrite):
            raise ValueError(
                f"out = {path} exists: give --resume to finish it, --overwrite to replace it, or a new name"
            )
        if occupied and kept is None and not _is_started(path):
            raise ValueError(f"out = {path} exists and is no run folder: give a new name")
        if resume and kept is not None:
            _same(path, kept, config)
            return False
        if overwrite:
            _move_aside(path, aside)
    path.mkdir(parents=True, exist_ok=True)
    write_text(path / CONFIG, config)
    return True


def _is_started(path: Path) -> bool:
    """Whether the folder holds nothing but what a run leaves that was stopped in its first moments."""
    return path.is_dir() and all(file.name.startswith(".config") for file in path.iterdir())


def _same(path: Path, kept: str, config: str) -> None:
    if config != kept:
        differ = [line[2:] for line in difflib.ndiff(kept.splitlines(), config.splitlines()) if line[0] in "-+"]
        raise ValueError(f"out = {path} holds a run with another config ({'; '.join(differ)}): give it, or a new name")


def _move_aside(path: Path, aside: Path) -> None:
    if aside.exists():  # what was there before is aside already: `path` is an unfinished replacement of it
        shutil.rmtree(path)
    else:
        path.rename(aside)


def _leave(folder: RunFolder, aside: Path) -> None:
    """Take back what was begun: nothing is written over by a run that was refused."""
    shutil.rmtree(folder.path, ignore_errors=True)
    if aside.exists():
        aside.rename(folder.path)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the folder: two processes never write the same run. The lock ends with the process, however it ends."""
    if sys.platform == "win32":
        yield
        return
    import fcntl

    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise ValueError(f"out = {path} is being written by another process: wait for it or give a new name") from None
    try:
        yield
    finally:
        os.close(descriptor)
