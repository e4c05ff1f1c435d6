"""Recordings as transitions, and what is known about their arrow of time: read by the tests and the long checks."""

import os
import pathlib

import numpy as np
import scipy.io

import nonequil as nq

RETINA = "retina-salamander-lynn/Data_processed.mat"
HIPPOCAMPUS = "hippocampus-nelpy/linear-track-spikes.mat"


def folder():
    """Folder of the recordings, or None."""
    path = pathlib.Path(os.environ.get("NONEQUIL_DATA", "/nowhere"))
    return path if path.exists() else None


def retina(stimulus, dt):
    """Transitions of the salamander retina, a block a trial, and the share of spikes lost in full bins."""
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
