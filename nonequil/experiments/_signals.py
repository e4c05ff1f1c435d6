"""Signals: how a run is asked to stop, at any moment."""

import contextlib
import signal
import threading
import time
from collections.abc import Iterator
from types import FrameType, TracebackType
from typing import Any

NAMES = ("SIGINT", "SIGTERM", "SIGUSR1", "SIGUSR2")  # Ctrl-C, `kill` and schedulers, and what schedulers warn with
CAUGHT = tuple(getattr(signal, name) for name in NAMES if hasattr(signal, name))
ECHO = 1.0  # seconds in which a second signal is taken for an echo of the first: the clean-up is not interrupted


class Interrupted(KeyboardInterrupt):
    """A signal asked the run to stop; `exit_code` is 128 + its number, 130 for SIGINT."""

    def __init__(self, signum: int):
        super().__init__(signal.Signals(signum).name)
        self.exit_code = 128 + signum


class Signals:
    """Turns SIGINT, SIGTERM, SIGUSR1 and SIGUSR2 into `Interrupted`, wherever the program is, while the context lasts.

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


@contextlib.contextmanager
def held() -> Iterator[None]:
    """Signals that come meanwhile wait until the end: what is begun here is finished."""
    came: list[int] = []
    main = threading.current_thread() is threading.main_thread()
    previous = {n: signal.signal(n, lambda signum, frame: came.append(signum)) for n in CAUGHT if main}
    try:
        yield
    finally:
        for signum, handler in previous.items():
            signal.signal(signum, handler)
        for signum in came[:1]:
            signal.raise_signal(signum)
