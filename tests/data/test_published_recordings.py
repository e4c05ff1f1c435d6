"""Sizes of public recordings, from integer arithmetic on their own grid of time."""

import importlib.util
import os
from pathlib import Path

import numpy as np
import pytest
import scipy.io

import nonequil as nq

pytestmark = pytest.mark.recording
SCRIPTS = Path(__file__).parents[2] / "scripts"
RETINA = [  # stimulus, width in ms, transitions, trials with two bins, clipped spikes in %
    (0, 5, 388_212, 102, 0.2), (0, 10, 194_004, 102, 3.3), (0, 20, 96_900, 102, 12.4), (0, 40, 48_348, 102, 25.5),
    (1, 5, 224_109, 62, 0.2), (1, 10, 112_005, 62, 5.0), (1, 20, 55_957, 61, 16.3), (1, 40, 27_936, 61, 29.3),
    (2, 5, 124_372, 62, 0.3), (2, 10, 62_124, 62, 4.9), (2, 20, 31_000, 62, 16.1), (2, 40, 15_438, 62, 29.2),
]  # fmt: skip
SPIKES = (88_016, 92_140, 49_230)
HIPPOCAMPUS = [(0.01, 196_813, 4.5), (0.025, 78_724, 12.9), (0.1, 19_680, 27.7)]


@pytest.fixture(scope="module")
def folder():
    name = os.environ.get("NONEQUIL_DATA")
    if not name:
        pytest.skip("NONEQUIL_DATA does not name the folder of recordings")
    return Path(name)


def script(name):
    specification = importlib.util.spec_from_file_location(name, SCRIPTS / f"{name}.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def retina(folder, tmp_path_factory):
    source = folder / "retina-salamander-lynn"
    if not source.exists():
        pytest.skip(f"{source} is missing")
    out, rasters = tmp_path_factory.mktemp("retina"), []
    for stimulus in range(3):
        path = out / f"{stimulus}.npz"
        assert script("convert_retina").main([str(source), "--stimulus", str(stimulus), "--out", str(path)]) == 0
        rasters.append(nq.data.load(path))
    return rasters


def integer_spins(folder, stimulus, width):
    """Spins from times in ticks of 0.1 ms, floor division only; and the clipped spikes."""
    content = scipy.io.loadmat(folder / "retina-salamander-lynn" / "Data_processed.mat")
    fields = (content[name][0, stimulus].ravel() for name in ("spike_times", "cell_IDs", "stimuli_lengths"))
    spins, clipped = [], 0
    for times, cells, length in zip(*fields, strict=True):
        bins = round(float(length) * 10) // (width * 10)
        k = np.rint(times.ravel() * 10).astype(int) // (width * 10)
        held, x = k < bins, np.full((bins, 53), -1, np.int8)
        if bins >= 2:
            x[k[held], cells.ravel().astype(int)[held] - 1] = 1
            spins.append(x)
            clipped += int(held.sum() - (x > 0).sum())
    return spins, clipped


@pytest.mark.published
@pytest.mark.parametrize("stimulus, width, transitions, trials, clipped", RETINA)
def test_the_retina_in_bins(retina, folder, stimulus, width, transitions, trials, clipped):
    raster = retina[stimulus]
    assert len(raster.times) == SPIKES[stimulus]
    assert list(raster.unit_ids) == list(range(1, 54))
    binned = raster.bin(width / 1000)
    t = binned.transitions()
    assert (len(t), len(np.unique(t.block)), len(binned.trial_ids)) == (transitions, trials, trials)
    assert round(100 * binned.clipped_fraction, 1) == clipped
    spins, lost = integer_spins(folder, stimulus, width)
    np.testing.assert_array_equal(binned.spins, np.concatenate(spins))
    assert binned.n_clipped_spikes == lost


@pytest.mark.published
def test_the_hippocampus_in_bins(folder, tmp_path):
    source = folder / "hippocampus-nelpy"
    if not source.exists():
        pytest.skip(f"{source} is missing")
    assert script("convert_hippocampus").main([str(source), "--out", str(tmp_path / "h.npz")]) == 0
    raster = nq.data.load(tmp_path / "h.npz")
    assert (raster.n_units, len(raster.times)) == (31, 28_829)
    for width, transitions, clipped in HIPPOCAMPUS:
        binned = raster.bin(width)
        t = binned.transitions()
        assert len(t) == transitions
        assert t.block is None
        assert round(100 * binned.clipped_fraction, 1) == clipped
    maze = nq.data.load(source / "w-maze-spikes.mat")
    assert pytest.approx(maze.rates()[maze.suspects].max(), abs=0.5) == 107  # noise, as the source says


def test_a_missing_source_is_an_error_with_exit_code_two(tmp_path, capsys):
    for name in ("convert_retina", "convert_hippocampus"):
        assert script(name).main([str(tmp_path / "nothing.mat"), "--out", str(tmp_path / "o.npz")]) == 2
        assert "nothing.mat" in capsys.readouterr().err
    assert not (tmp_path / "o.npz").exists()
