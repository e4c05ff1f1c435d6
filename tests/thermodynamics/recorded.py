"""Recordings as transitions, and what is known about their arrow of time: read by the tests and the long checks."""

import os
import pathlib

import jax.numpy as jnp
import numpy as np
import scipy.io

import nonequil as nq
from nonequil.thermodynamics import Cross, Single

RETINA = "retina-salamander-lynn/Data_processed.mat"
HIPPOCAMPUS = "hippocampus-nelpy/linear-track-spikes.mat"


def folder():
    """Folder of the recordings, or None."""
    path = pathlib.Path(os.environ.get("NONEQUIL_DATA", "/nowhere"))
    return path if path.exists() else None


def retina(stimulus, dt):
    """Transitions of the salamander retina, a block a trial; trials with fewer than two bins are dropped."""
    recording = scipy.io.loadmat(folder() / RETINA)
    columns = (recording[name][0, stimulus].ravel() for name in ("spike_times", "cell_IDs", "stimuli_lengths"))
    before, after, block = [], [], []
    for trial, (times, cells, length) in enumerate(zip(*columns, strict=True)):
        bins = int(float(length.item()) // (1000 * dt))
        if bins < 2:
            continue
        spins = -np.ones((bins, 53), np.int8)
        row = (times.ravel() / (1000 * dt)).astype(int)
        spins[row[row < bins], cells.ravel().astype(int)[row < bins] - 1] = 1
        before.append(spins[:-1])
        after.append(spins[1:])
        block.append(np.full(bins - 1, trial))
    x, x_next, block = (np.concatenate(parts) for parts in (before, after, block))
    return nq.Transitions(x, x_next, block=block, unit=nq.Unit.per_bin)


def hippocampus(dt):
    """Transitions of the rat on the linear track, from first to last spike, without blocks."""
    recording = scipy.io.loadmat(folder() / HIPPOCAMPUS, squeeze_me=True, struct_as_record=False)["spikes"]
    units = []
    for tetrode in recording:
        cells = [tetrode] if hasattr(tetrode, "_fieldnames") else np.ravel(tetrode)
        units += [np.atleast_1d(c.time).astype(float) for c in cells if hasattr(c, "_fieldnames") and np.size(c.time)]
    first, last = min(u.min() for u in units), max(u.max() for u in units)
    bins = int((last - first) // dt)
    spins = -np.ones((bins, len(units)), np.int8)
    for unit, times in enumerate(units):
        row = ((times - first) / dt).astype(int)
        spins[row[row < bins], unit] = 1
    return nq.Transitions(spins[:-1], spins[1:], unit=nq.Unit.per_bin)


def transitions(name, dt):
    """Transitions of one row of the table."""
    return hippocampus(dt) if name == "track" else retina({"movie": 0, "bar": 1, "repeated": 2}[name], dt)


def spikes(x, x_next):
    """Products of 0/1 spikes, without single-unit terms: a weaker set, for comparison."""
    y, y_next = (x + 1) / 2, (x_next + 1) / 2
    return (jnp.outer(y_next, y) - jnp.outer(y, y_next))[jnp.triu_indices(x.size, 1)]


SETS = {"default": lambda: Cross() + Single(), "cross": lambda: Cross(), "spikes": lambda: spikes}

# U of three sets (Cross with and without Single; products of 0/1 spikes) with bootstrap errors, the spread of the null,
# and the unit of the last digit kept of U. Blocks are trials; 200 contiguous ones for the track.
_COLUMNS = ("n", "blocks", "cross", "cross_stderr", "null_spread", "default", "spikes", "spikes_stderr", "digit")
_ROWS = {
    ("movie", 0.005): (388_212, 102, 0.00193, 0.00042, 0.00024, 0.00193, 0.00174, 0.00041, 1e-5),
    ("movie", 0.01): (194_004, 102, 0.0154, 0.0011, 0.00047, 0.0153, 0.01316, 0.00098, 1e-4),
    ("movie", 0.02): (96_900, 102, 0.0753, 0.0032, 0.0014, 0.0753, 0.0643, 0.0029, 1e-4),
    ("movie", 0.04): (48_348, 102, 0.2187, 0.0068, 0.0037, 0.2192, 0.1905, 0.0064, 1e-4),
    ("bar", 0.005): (224_109, 62, 0.00746, 0.00071, 0.00049, 0.00746, 0.00590, 0.00066, 1e-5),
    ("bar", 0.01): (112_005, 62, 0.0602, 0.0032, 0.0028, 0.0603, 0.0444, 0.0025, 1e-4),
    ("bar", 0.02): (55_957, 61, 0.2311, 0.010, 0.011, 0.2312, 0.1629, 0.0077, 1e-4),
    ("bar", 0.04): (27_936, 61, 0.494, 0.019, 0.024, 0.494, 0.359, 0.014, 1e-3),
    ("repeated", 0.005): (124_372, 62, 0.0102, 0.0011, 0.00055, 0.0102, 0.0079, 0.0010, 1e-4),
    ("repeated", 0.01): (62_124, 62, 0.0880, 0.0045, 0.0023, 0.0880, 0.0657, 0.0038, 1e-4),
    ("repeated", 0.02): (31_000, 62, 0.308, 0.011, 0.0076, 0.308, 0.2180, 0.0081, 1e-3),
    ("repeated", 0.04): (15_438, 62, 0.698, 0.021, 0.017, 0.698, 0.501, 0.016, 1e-3),
    ("track", 0.01): (196_813, 200, 0.00081, 0.00039, 0.00022, 0.00080, 0.00067, 0.00038, 1e-5),
    ("track", 0.025): (78_724, 200, 0.0033, 0.0011, 0.00059, 0.0033, 0.0030, 0.0011, 1e-4),
    ("track", 0.1): (19_680, 200, 0.0024, 0.0040, 0.0023, 0.0026, 0.0025, 0.0038, 1e-4),
}
ROWS = {row: dict(zip(_COLUMNS, values, strict=True)) for row, values in _ROWS.items()}
for _row in ROWS.values():
    _row["default_stderr"] = _row["cross_stderr"]
QUICK = [
    (("bar", 0.02), "default"),
    (("bar", 0.02), "spikes"),
    (("repeated", 0.04), "default"),
    (("track", 0.025), "default"),
]
