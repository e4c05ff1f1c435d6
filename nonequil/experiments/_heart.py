"""A heartbeat: a process that works on a folder touches its status, for those who look from other hosts."""

import contextlib
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

HOST = socket.gethostname()
BEAT = 5.0
"""Seconds between two beats."""
SILENCE = 60.0
"""Seconds without a beat after which a process counts as dead: clocks of hosts differ, disks of clusters are slow."""


@contextlib.contextmanager
def beating(path: Path, every: float = BEAT) -> Iterator[None]:
    """Touch a file every few seconds, from a thread: a beat says that the process lives, not how far it is."""
    stop = threading.Event()

    def beat() -> None:
        while not stop.wait(every):
            with contextlib.suppress(OSError):
                os.utime(path)

    thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def heart_beats(path: Path) -> bool:
    """Whether a file was touched lately."""
    try:
        return time.time() - path.stat().st_mtime < SILENCE
    except OSError:
        return False
