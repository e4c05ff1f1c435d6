"""SIGINT at 20 random moments of `nonequil fit` and `nonequil simulate`: every run resumes to the same bits."""

import random
import sys
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "cli"))

from _page import page
from conftest import WIDTH, spike_table
from interrupting import check_interruption, duration

MOMENTS, SEED = 20, 5
SPAN = (0.05, 0.75)  # of the uninterrupted run's length: later ones may find it done
CONFIG = 'experiment = "simulate"\nchains = 64\nsteps = 4000\nburn_in = 100\nchunk = 250\n[model]\nn = 40\n'


def commands(folder: Path) -> dict[str, list[str]]:
    """The two commands, on a small recording and a small network."""
    np.savez(folder / "ring.npz", **spike_table(bins=5000, units=6)[0])
    (folder / "network.toml").write_text(CONFIG + 'ensemble = "SherringtonKirkpatrick"\n')
    fit = ["fit", str(folder / "ring.npz"), "--bin", str(WIDTH), "--l2", "1", "--folds", "2"]
    return {"fit": fit, "simulate": ["simulate", str(folder / "network.toml")]}


def main() -> int:
    """Print the page; an interrupted run that is neither whole nor resumes to the same bits raises."""
    draw, lines = (
        random.Random(SEED),
        ["| command | seconds uninterrupted | state of the folder after the signal |"],
    )
    lines.append("| --- | --- | --- |")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for kind, arguments in commands(folder).items():
            whole = duration(arguments, folder / f"{kind}-whole")
            moments = [draw.uniform(*SPAN) * whole for _ in range(MOMENTS)]
            left = Counter(
                check_interruption(arguments, folder / f"{kind}-whole", folder / f"{kind}-{k}", seconds)
                for k, seconds in enumerate(moments)
            )
            states = ", ".join(f"{state}: {times}" for state, times in sorted(left.items()))
            lines.append(f"| {kind} | {whole:.1f} | {states} |")
    text = (
        "\n\n`done` counts runs that had ended before the signal. Every interrupted run exited with code 130, and with "
        "`--resume` gave the files of the uninterrupted run byte for byte."
    )
    sizes = {"moments a command": MOMENTS, "of the uninterrupted length": SPAN, "seed": SEED}
    page(__doc__, sizes, "\n".join(lines) + text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
