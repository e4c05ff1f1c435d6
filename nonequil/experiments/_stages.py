"""Stages: a run as a sequence of named values and states, kept so that a run that stopped goes on."""

import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from ._checkpoints import Checkpoints
from ._store import load_tree, plain, save_tree

SECONDS = "NONEQUIL_CHECKPOINT_SECONDS"
DEFAULT_SECONDS = 30.0


class RunFailed(RuntimeError):
    """A run broke, through no fault of its input."""


def never() -> None:
    """No signal to check for."""


class Stages:
    """Named pieces of work of a run; what is known of them is kept in `folder` so that a run started again goes on.

    `stages(name, compute)` is `compute()` the first time and the kept value later, always as it would be read back:
    dicts, lists, text, numbers and NumPy arrays, in one small file, at once. `keep(name, step, state)` takes note of
    where a long piece stands, any pytree of arrays and random keys, spread over devices or not; Orbax writes it if the
    last one was written `every` seconds ago (default: `NONEQUIL_CHECKPOINT_SECONDS`, or 30), and in any case when the
    `with` block of the stages ends by a signal or an error. A piece must be a pure function of the run's config, then
    a run that was stopped and resumed gives the same bits as one that was not. `check` is called between pieces and
    raises to stop the run. With `folder=None` nothing is kept.

    ```python
    with Stages(Path("runs/first/checkpoints")) as stages:
        fitted = stages("fit", lambda: {"J": J, "H": H})
    ```
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        check: Callable[[], None] = never,
        progress: bool = False,
        every: float | None = None,
    ):
        self._folder, self._check, self._progress = folder, check, progress
        self._every = seconds_between_checkpoints() if every is None else every
        self._checkpoints: dict[str, Checkpoints] = {}
        self._waiting: dict[str, tuple[int, Any]] = {}
        self._written = self._lap = time.monotonic()
        self._bar: Any = None
        self.seconds: dict[str, float] = {}
        """Time that each piece took in this process."""

    def __call__(self, name: str, compute: Callable[[], Any]) -> Any:
        """The value of the piece called `name`."""
        self.show(name)
        value = self.load(name)
        if value is None:
            self._lap = time.monotonic()
            value = plain(compute())
            self._clock(name)
            self.save(name, value)
        self.show(name, 1)
        return value

    def __enter__(self) -> "Stages":
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
        if error is not None:
            try:
                self.write()
            except OSError as failure:
                print(f"warning: {failure}", file=sys.stderr)

    def load(self, name: str) -> Any:
        """The kept value, None if there is none."""
        path = self._path(name)
        return load_tree(path) if path is not None and path.exists() else None

    def save(self, name: str, value: Any) -> None:
        """Keep a value, then see whether the run should stop."""
        path = self._path(name)
        if path is not None:
            path.parent.mkdir(exist_ok=True)
            save_tree(path, value)
        self._check()

    def keep(self, name: str, step: int, state: Any) -> None:
        """Take note of a state after `step` steps, write it if it is time, then see whether the run should stop."""
        self._clock(name)
        if self._folder is not None:
            self._waiting[name] = (step, state)
            if time.monotonic() - self._written >= self._every:
                self.write()
        self._check()

    def restore(self, name: str, like: Any) -> Any:
        """The newest state that was written, built and spread over devices like `like`; None if there is none."""
        self._lap = time.monotonic()
        return None if self._folder is None else self._states(name).load(like)

    def write(self) -> None:
        """Write all states that wait. Raises OSError if that cannot be: the ones before are kept."""
        for name, (step, state) in list(self._waiting.items()):
            self._states(name).save(step, state)
            del self._waiting[name]
        self._written = time.monotonic()

    def started(self) -> bool:
        """Whether some piece is kept."""
        return self._folder is not None and any(self._folder.glob("[!.]*"))

    def clear(self) -> None:
        """Drop all kept values: the result is written."""
        self._waiting.clear()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def expect(self, total: int, unit: str) -> None:
        """Open a progress bar (on a terminal's standard error) of `total` units of work."""
        self.close()
        if self._progress:
            from tqdm import tqdm

            self._bar = tqdm(total=total, unit=unit, file=sys.stderr, disable=None, dynamic_ncols=True)

    def show(self, name: str, done: int = 0) -> None:
        """Say what is being worked on and move the bar by `done` units."""
        if self._bar is not None:
            self._bar.set_description(name, refresh=done == 0)
            self._bar.update(done)

    def close(self) -> None:
        """Close the progress bar."""
        if self._bar is not None:
            self._bar.close()

    def _clock(self, name: str) -> None:
        now = time.monotonic()
        self.seconds[name] = self.seconds.get(name, 0.0) + now - self._lap
        self._lap = now

    def _states(self, name: str) -> Checkpoints:
        assert self._folder is not None
        return self._checkpoints.setdefault(name, Checkpoints(self._folder / f"{name.replace(' ', '_')}.state"))

    def _path(self, name: str) -> Path | None:
        return None if self._folder is None else self._folder / f"{name.replace(' ', '_')}.npz"


def seconds_between_checkpoints() -> float:
    """What the user set in `NONEQUIL_CHECKPOINT_SECONDS`, or 30. Raises ValueError if that is no number of seconds."""
    text = os.environ.get(SECONDS, "")
    try:
        seconds = float(text or DEFAULT_SECONDS)
    except ValueError:
        seconds = float("nan")
    if not seconds >= 0:
        raise ValueError(f"{SECONDS} = {text!r} in the environment: give a number of seconds, 0 for each chunk")
    return seconds
