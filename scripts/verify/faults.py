"""kill -9 at 50 random moments while states and results are written: nothing half written is ever read."""

import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "cli"))
sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "experiments"))

from _page import page
from faulting import SIZE, kill_at_random, whole_run
from interrupting import COMMAND, QUIET

from nonequil.experiments import RunFolder, differences
from nonequil.experiments._execute import read_result

MOMENTS, COMMANDS, SEED = 50, 10, 11
SOON = {"NONEQUIL_CHECKPOINT_SECONDS": "0"}
CONFIG = 'experiment = "simulate"\nchains = 64\nsteps = 1500\nburn_in = 100\nchunk = 100\n[model]\nn = 40\n'


def walks(folder: Path) -> str:
    """A run that does nothing but write, killed again and again."""
    reference, seconds = whole_run(folder / "whole")
    found = kill_at_random(folder, reference, seconds, MOMENTS, SEED)
    return row("a run that does nothing but write", seconds, found)


def commands(folder: Path) -> str:
    """`nonequil simulate`, killed and resumed until it is done."""
    (folder / "network.toml").write_text(CONFIG + 'ensemble = "SherringtonKirkpatrick"\n')
    arguments = [*COMMAND, "simulate", str(folder / "network.toml"), "--out"]
    begin = time.monotonic()
    subprocess.run([*arguments, str(folder / "whole-command")], check=True, capture_output=True, env=QUIET | SOON)
    seconds = time.monotonic() - begin
    draw, found, runs = random.Random(SEED), [], 0
    for _ in range(COMMANDS):
        out = folder / f"command-{runs}"
        process = subprocess.Popen(
            [*arguments, str(out), "--resume"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=QUIET | SOON
        )
        try:
            process.wait(draw.uniform(0.3, 0.9) * seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        found.append(RunFolder(out).status["state"] if out.exists() else "nothing")
        if (out / "result.nc").exists():
            assert read_result(out).equals(read_result(folder / "whole-command"))
        runs += found[-1] == "done"
    for run in range(runs + 1):
        out = folder / f"command-{run}"
        subprocess.run([*arguments, str(out), "--resume"], check=True, capture_output=True, env=QUIET | SOON)
        assert not differences(folder / "whole-command", out), "a run that was killed differs"
    return row("`nonequil simulate`", seconds, found)


def row(what: str, seconds: float, found: list[str]) -> str:
    """A line of the table."""
    states = ", ".join(f"{state}: {times}" for state, times in sorted(Counter(found).items()))
    return f"| {what} | {seconds:.1f} | {len(found)} | {states} |"


def main() -> int:
    """Print the page; a file that is read and not whole raises."""
    os.environ |= SOON  # each state is written: there are more moments to hit
    lines = ["| run | seconds undisturbed | kills | state of the folder after them |", "| --- | --- | --- | --- |"]
    with tempfile.TemporaryDirectory() as name:
        lines += [walks(Path(name)), commands(Path(name))]
    text = (
        "\n\nAfter each kill every file that a program would read was read: status, environment, result, pieces, the "
        "newest state, each whole. A result was there as a whole or not at all. Runs that went on gave the bytes of "
        "the undisturbed run. `running` is what the status of a killed run still says; its lock is free."
    )
    page(__doc__, {"moments": MOMENTS + COMMANDS, "numbers a state": SIZE, "seed": SEED}, "\n".join(lines) + text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
