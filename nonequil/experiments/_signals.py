"""Signals: how a run is asked to stop, at any moment."""

import signal
import threading
import time
from types import FrameType, TracebackType
from typing import Any

CAUGHT = (signal.SIGINT, signal.SIGTERM)
ECHO = 1.0  # seconds in which a second signal is taken for an echo of the first: the clean-up is not interrupted


class Interrupted(KeyboardInterrupt):
    """A signal asked the run to stop; `exit_code` is 128 + its number, 130 for SIGINT."""

    def __init__(self, signum: int):
        super().__init__(signal.Signals(signum).name)
        self.exit_code = 128 + signum


class Signals:
    """Turns SIGINT and SIGTERM into `Interrupted`, wherever the program is, while the context lasts.

    Python swallows exceptions raised inside some callbacks (garbage collection, destructors), so a signal is also
    remembered: `check()`, called between pieces of work, raises it again. Outside the main thread nothing is caught.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self._last = -ECHO
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> "Signals":
        if threading.current_thread() is threading.main_thread():
            for signum in CAUGHT:
                self._previous[signum] = signal.signal(signum, self._handle)
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for signum, previous in self._previous.items():
            signal.signal(signum, previous)

    def check(self) -> None:
        """Raise `Interrupted` if a signal has come."""
        if self.received is not None:
            raise Interrupted(self.received)

    def silence(self) -> None:
        """Ignore signals from now on, also after the context: the process has nothing left to lose."""
        for signum in self._previous:
            signal.signal(signum, signal.SIG_IGN)
        self._previous.clear()

    def _handle(self, signum: int, frame: FrameType | None) -> None:
        now, last = time.monotonic(), self._last
        self.received, self._last = signum, now
        if now - last >= ECHO:
            raise Interrupted(signum)
