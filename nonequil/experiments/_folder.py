"""Run folders: one run is one folder, never half written and never written over by accident."""

import contextlib
import difflib
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ._heart import HOST, SILENCE, beating, heart_beats
from ._lock import held_elsewhere, locked
from ._store import read_json, write_json, write_text

CONFIG, STATUS, ENVIRONMENT, RESULT, CHECKPOINTS = "config.toml", "status.json", "env.json", "result.nc", "checkpoints"

FORMAT = 2
"""Of run folders: 1 had no number, and checkpoints of another kind."""
EMPTY: dict[str, Any] = {"state": "empty"}


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
        return read_json(self.path / STATUS) or EMPTY

    @property
    def environment(self) -> dict[str, Any]:
        """What the run ran on: versions, devices, precision, seed, digests of its inputs."""
        return read_json(self.path / ENVIRONMENT) or {}

    @property
    def done(self) -> bool:
        """Whether the whole result is there."""
        return self.status["state"] == "done"

    @property
    def alive(self) -> bool:
        """Whether a process works on the run: it holds the folder, or, on another host, its heart beat lately."""
        status = self.status
        if status["state"] != "running":
            return False
        return held_elsewhere(self.path) or (status.get("host", HOST) != HOST and heart_beats(self.path / STATUS))

    def mark(self, state: str, message: str = "", **more: Any) -> None:
        """Write `status.json`: how the run stands, and which process says so."""
        now = time.strftime("%Y-%m-%dT%H:%M:%S%z")
        status = {"format": FORMAT, "state": state, "message": message, "started": self.status.get("started", now)}
        write_json(self.path / STATUS, {**status, **more, "updated": now, "host": HOST, "pid": os.getpid()})


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
        with locked(folder.path):
            _refuse_another_host(folder)
    fresh = _enter(folder, aside, config, resume=resume, overwrite=overwrite)
    with locked(folder.path):
        try:
            if not folder.done:
                folder.mark("running")
            with beating(folder.path / STATUS):
                yield folder
            if not folder.done:
                folder.mark("done")
            shutil.rmtree(folder.checkpoints, ignore_errors=True)
            shutil.rmtree(aside, ignore_errors=True)
        except (ValueError, OSError) as error:
            if fresh and not any(folder.checkpoints.glob("[!.]*")):
                _leave(folder, aside)
            else:
                with contextlib.suppress(OSError):  # a disk that is full or gone: the first error says so
                    folder.mark("failed", str(error))
            raise
        except BaseException as error:
            with contextlib.suppress(OSError):
                _mark_end(folder, error)
            raise


def _refuse_another_host(folder: RunFolder) -> None:
    """Locks may end at the border of a host; heartbeats do not."""
    status = folder.status
    if status["state"] == "running" and status.get("host", HOST) != HOST and heart_beats(folder.path / STATUS):
        raise ValueError(
            f"out = {folder.path} is being written by process {status['pid']} on {status['host']}: wait for it, or, if "
            f"that host is lost, until it has been silent for {SILENCE:.0f} s"
        )


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
            check_format(f"out = {path}", folder.status.get("format", FORMAT if folder.status == EMPTY else 1), FORMAT)
            _same(path, kept, config)
            return False
        if overwrite:
            _move_aside(path, aside)
    path.mkdir(parents=True, exist_ok=True)
    write_text(path / CONFIG, config)
    return True


def check_format(what: str, found: int, known: int) -> None:
    """Raise ValueError, with the way out, if a folder was written by a version that went about it otherwise."""
    if found != known:
        age = "a newer nonequil: install it" if found > known else "an older nonequil: use that one"
        raise ValueError(f"{what} has format {found}, this is {known}: written by {age}, or start a new folder")


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
