"""How time and memory grow: every kernel along each of its sizes, with the limits of the machine.

A call is the public one, from states on the device to states on the device. Time: median of three calls after one that
compiles (one where that is slow). Memory: what a call makes resident beyond what was before, so that compiled programs
do not count.
"""

import ctypes
import gc
import os
import sys
from pathlib import Path
from typing import Any

import jax
import matplotlib
import numpy as np
from _harness import QUIET, Contestant
from _machine import OthersLoad, copy, gemm
from _report import page, seconds
from _scaling_cases import KERNELS, SEED, Kernel
from _scaling_figure import scaling

ROUNDS = 3
SLOW = 5.0  # seconds of a first call after which one more will do
IMAGES = Path(__file__).parents[1] / "docs" / "images"
LABELS = {"n": "spins n", "chains": "chains", "T": "steps T"}
COLUMNS = ("varied", "n", "chains", "T", "wall", "cpu", "memory", "product limit", "memory limit")


def timed(run: Any, rounds: int = ROUNDS) -> Contestant:
    """Compiled, then run a few times."""
    contestant = Contestant("", run, 1.0)
    contestant.warm()
    if contestant.failure:
        raise RuntimeError(contestant.failure)
    for _ in range(rounds if contestant.first < SLOW else 1):
        contestant.round()
    return contestant


def extra_memory(run: Any) -> float:
    """Bytes that a call makes resident, at its peak, beyond what was before; NaN where the kernel does not tell."""
    try:
        gc.collect()
        ctypes.CDLL(None).malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5")  # sets the peak back to what is resident now
        before = _status("VmRSS")
        jax.block_until_ready(run())
        return _status("VmHWM") - before
    except (OSError, AttributeError):
        return float("nan")


def _status(name: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(float(line.split()[1]) for line in lines if line.startswith(name))


def measured(kernel: Kernel, peak: float, bandwidth: float) -> list[dict[str, Any]]:
    """A row for each point of a kernel: its sizes, times, memory and limits."""
    rows = []
    for axis, sizes in kernel.points():
        run = kernel.make(sizes)
        contestant = timed(run)
        rows.append(
            {
                "varied": axis,
                **sizes,
                "wall": float(np.median(contestant.wall)),
                "cpu": float(np.median(contestant.cpu)),
                "memory": extra_memory(run),
                "product limit": kernel.operations(sizes) / peak,
                "memory limit": kernel.bytes(sizes) / bandwidth,
            }
        )
    return rows


def draw(name: str, kernel: Kernel, rows: list[dict[str, Any]]) -> str:
    """One figure: times above, memory below, a column for each size. Its name."""
    import matplotlib.pyplot as plt

    figure, grid = plt.subplots(2, len(kernel.axes), figsize=(3.3 * len(kernel.axes), 5.2), layout="compressed")
    for axis, (above, below) in zip(kernel.axes, grid.T, strict=True):
        points = [row for row in rows if row["varied"] == axis]
        column = lambda key, points=points: np.array([row[key] for row in points])  # noqa: E731
        limits = {"matrix product at its peak": column("product limit"), "operands from memory": column("memory limit")}
        scaling(column(axis), column("wall"), limits, ylabel="seconds a call", ax=above)
        scaling(column(axis), column("memory") / 2**20, xlabel=LABELS[axis], ylabel="MiB a call", ax=below)
        others = ", ".join(f"{key} = {value:,}" for key, value in kernel.base.items() if key != axis)
        above.set_title(others, fontsize="small")
    grid[0, 0].legend(frameon=False, fontsize="x-small")
    figure.suptitle(kernel.title)
    path = IMAGES / f"scaling_{name}.png"
    figure.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(figure)
    return path.name


def section(kernel: Kernel, rows: list[dict[str, Any]], image: str) -> str:
    """Heading, figure and table of a kernel."""
    columns = [name for name in COLUMNS if name in rows[0]]
    lines = [f"| {' | '.join(columns)} |", "|" + " --- |" * len(columns)]
    lines += [f"| {' | '.join(_cell(name, row[name]) for name in columns)} |" for row in rows]
    return f"## {kernel.title}\n\n![{kernel.title}](../images/{image})\n\n" + "\n".join(lines)


def _cell(name: str, value: Any) -> str:
    if name == "memory":
        return f"{value / 2**20:.3g} MiB"
    return seconds(value) if isinstance(value, float) else str(value)


NOTES = """
- product limit: the least operations that the work takes, at the speed of a float32 matrix product of side 1536; for
  the fit, one pass over the recording. memory limit: the least bytes (couplings once a step or attempt, spins,
  recording), at the speed of a pass over 256 MiB: what fits into a cache can be faster.
- memory of the fit includes its work on the host.
"""


def main() -> int:
    """Draw all figures and print the page."""
    matplotlib.use("Agg")
    load = OthersLoad()
    (product, operations), (through, volume) = gemm(), copy()
    peak, bandwidth = operations / min(timed(product, 15).wall), volume / min(timed(through, 15).wall)
    rows = {name: measured(kernel, peak, bandwidth) for name, kernel in KERNELS.items()}
    IMAGES.mkdir(parents=True, exist_ok=True)
    parts = [section(kernel, rows[name], draw(name, kernel, rows[name])) for name, kernel in KERNELS.items()]
    others = load.read()
    machine = (
        f"Matrix product: {peak / 1e9:.0f} GFLOP/s. Memory: {bandwidth / 1e9:.1f} GB/s. "
        f"Cores that others used: {others:.1f}."
    ) + ("" if others <= QUIET else f" **Not a quiet machine** (above {QUIET}).")
    page(__doc__, {"seed": SEED, "cores": os.cpu_count()}, "\n\n".join([machine, *parts, NOTES.strip()]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
