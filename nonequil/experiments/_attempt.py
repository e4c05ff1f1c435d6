"""One attempt at a task of a sweep, in a process that is there for nothing else."""

import os
import sys
import traceback
from pathlib import Path

from ._programs import keep_programs
from ._signals import Interrupted, Signals


def attempt(folder: Path, task: int) -> int:
    """Carry out a task; 0: done; 1: failed; 2: input or disk refused; 128 + n: stopped by signal n."""
    from ._sweep_task import run_task

    keep_programs()
    with Signals() as signals:
        try:
            run_task(folder, task, signals.check)
            return 0
        except Interrupted as stop:
            return stop.exit_code
        except Exception as error:
            if signals.received is not None:  # something turned the interruption into an error of its own
                return 128 + signals.received
            traceback.print_exc()
            return 2 if isinstance(error, (ValueError, OSError)) else 1


def leave(code: int) -> None:
    """End the process at once: threads that still compute for an interrupted run crash an orderly shutdown."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
