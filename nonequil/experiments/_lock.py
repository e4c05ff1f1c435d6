"""Locks: two processes never write the same folder."""

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

PATIENCE = 0.5
"""Seconds that a lock is asked for: whoever only looks holds it for a moment."""


@contextlib.contextmanager
def locked(path: Path) -> Iterator[int]:
    """Hold a file or folder, yield its open descriptor. The lock ends with the process, however it ends.

    Raises ValueError if another process has it. Where the system has no such locks (some network disks), nothing is
    held: there the heartbeat tells.
    """
    if sys.platform == "win32":
        yield -1
        return
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR | os.O_APPEND)
    try:
        if not _lock(descriptor, time.monotonic() + PATIENCE):
            raise ValueError(f"out = {path} is being written by another process: wait for it or give a new name")
        yield descriptor
    finally:
        os.close(descriptor)


def held_elsewhere(path: Path) -> bool:
    """Whether some process holds a file or folder now. Raises OSError if there is none."""
    if sys.platform == "win32":
        return False
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return not _lock(descriptor, time.monotonic())
    finally:
        os.close(descriptor)


def _lock(descriptor: int, deadline: float) -> bool:
    import fcntl

    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.02)
        except OSError:
            return True
