"""Stages: a run as a sequence of named values, each kept as soon as it is known."""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ._store import load_tree, plain, save_tree


class RunFailed(RuntimeError):
    """A run broke, through no fault of its input."""


def never() -> None:
    """No signal to check for."""


class Stages:
    """Named pieces of work of a run; their values are kept in `folder` so that a run started again goes on.

    `stages(name, compute)` is `compute()` the first time and the kept value later, always as it would be read back:
    dicts, lists, text, numbers and NumPy arrays. A piece must be a pure function of the run's config, then a run that
    was stopped and resumed gives the same bits as one that was not. `check` is called between pieces and raises to
    stop the run. With `folder=None` nothing is kept.

    ```python
    stages = Stages(Path("runs/first/checkpoints"))
    fitted = stages("fit", lambda: {"J": J, "H": H})
    ```
    """

    def __init__(self, folder: Path | None = None, *, check: Callable[[], None] = never, progress: bool = False):
        self._folder, self._check, self._progress = folder, check, progress
        self._bar: Any = None

    def __call__(self, name: str, compute: Callable[[], Any]) -> Any:
        """The value of the piece called `name`."""
        self.show(name)
        value = self.load(name)
        if value is None:
            value = plain(compute())
            self.save(name, value)
        self.show(name, 1)
        return value

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

    def started(self) -> bool:
        """Whether some piece is kept."""
        return self._folder is not None and any(self._folder.glob("[!.]*.npz"))

    def clear(self) -> None:
        """Drop all kept values: the result is written."""
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

    def _path(self, name: str) -> Path | None:
        return None if self._folder is None else self._folder / f"{name.replace(' ', '_')}.npz"
