"""Stop the command at any moment, go on, and see whether the result is the same."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from nonequil.experiments import RunFolder, differences

COMMAND = [sys.executable, "-m", "nonequil.cli"]
QUIET = {**os.environ, "JAX_PLATFORMS": "cpu"}


def stop_after(arguments: list[str], seconds: float, signum: int = signal.SIGINT) -> int | None:
    """Exit code of `nonequil ARGUMENTS` that got a signal after `seconds`; None if it was done by then."""
    process = subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=QUIET)
    try:
        process.wait(timeout=seconds)
        return None
    except subprocess.TimeoutExpired:
        process.send_signal(signum)
        return process.wait(timeout=120)


def check_interruption(arguments: list[str], reference: Path, out: Path, seconds: float) -> str:
    """Run `nonequil ARGUMENTS --out OUT`, send SIGINT after `seconds`, resume, compare with the run in `reference`.

    Returns the state in which the signal left the folder. Raises AssertionError if the exit code is not 130 (0 for a
    run that was whole already), if the folder holds neither a whole result nor a state to go on from, or if the
    finished run differs by one bit.
    """
    code = stop_after([*arguments, "--out", str(out)], seconds)
    left = RunFolder(out).status["state"] if out.exists() else "nothing"
    if code in (None, 0):  # done before the signal, or so nearly that nothing was left to stop
        assert left == "done", f"it ended by itself at {seconds} s, and is {left}"
    else:
        before_any_line = code == -signal.SIGINT and left == "nothing"  # the interpreter itself; a shell says 130
        assert code == 130 or before_any_line, f"exit code {code} after a signal at {seconds} s, state {left}"
    if left == "done":
        assert not differences(reference, out), f"{seconds} s: done, but {differences(reference, out)} differ"
    resumed = subprocess.run(
        [*COMMAND, *arguments, "--out", str(out), "--resume"], capture_output=True, text=True, env=QUIET
    )
    assert resumed.returncode == 0, f"--resume after {seconds} s: {resumed.stderr}"
    assert RunFolder(out).done
    changed = differences(reference, out)
    assert not changed, f"stopped after {seconds} s in state {left}: {changed} differ"
    assert not (out / "checkpoints").exists()
    return left


def duration(arguments: list[str], out: Path) -> float:
    """Seconds that an uninterrupted run into `out` takes."""
    begin = time.monotonic()
    done = subprocess.run([*COMMAND, *arguments, "--out", str(out)], capture_output=True, text=True, env=QUIET)
    assert done.returncode == 0, done.stderr
    return time.monotonic() - begin
