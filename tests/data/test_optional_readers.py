"""Readers that need the packages of the extra `data`."""

import datetime

import numpy as np
import pytest

import nonequil as nq
from nonequil.data import DataError, Raster

TIMES = [np.array([0.1, 0.5, 0.9]), np.array([0.3]), np.array([0.2, 0.7])]
IDS = [3, 5, 9]
WINDOW = {"start": 0.0, "stop": 1.0}


def same(raster, ids=IDS):
    assert list(raster.unit_ids) == list(ids)
    for k, times in enumerate(TIMES[: len(ids)]):
        np.testing.assert_allclose(raster.times[raster.unit == k], times, atol=1e-12)


def test_pynapple(tmp_path):
    nap = pytest.importorskip("pynapple")
    support = nap.IntervalSet([0.0, 0.6], [0.55, 1.0])
    group = nap.TsGroup({k: nap.Ts(t) for k, t in zip(IDS, TIMES, strict=True)}, time_support=support)
    group.save(str(tmp_path / "group.npz"))
    raster = nq.data.load(tmp_path / "group.npz")
    same(raster)
    np.testing.assert_array_equal(raster.epochs, support.values)


def test_nwb(tmp_path):
    pynwb = pytest.importorskip("pynwb")

    def write(name, units):
        file = pynwb.NWBFile("session", "id", datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC))
        for k, times in units:
            file.add_unit(spike_times=times, id=k)
        with pynwb.NWBHDF5IO(str(tmp_path / name), "w") as io:
            io.write(file)

    write("a.nwb", [*zip(IDS, TIMES, strict=True), (11, np.zeros(0))])
    raster = nq.data.load(tmp_path / "a.nwb", **WINDOW)
    same(raster, [*IDS, 11])
    assert "Silent units: 11." in raster.warnings
    write("b.nwb", [])
    with pytest.raises(DataError, match="no table of units"):
        nq.data.load(tmp_path / "b.nwb")
    (tmp_path / "c.nwb").write_bytes(b"x" * 99)
    with pytest.raises(DataError, match="not a readable NWB file"):
        nq.data.load(tmp_path / "c.nwb")


def test_a_folder_of_phy(tmp_path):
    pytest.importorskip("neo")
    times, unit = np.concatenate(TIMES), np.repeat(IDS, [len(t) for t in TIMES])
    order = np.argsort(times)
    arrays = {
        "spike_times": np.rint(times[order] * 30_000).astype(np.uint64), "spike_clusters": unit[order],
        "spike_templates": unit[order], "amplitudes": np.ones(6), "templates": np.zeros((10, 5, 4), np.float32),
        "channel_map": np.arange(4), "channel_positions": np.zeros((4, 2)),
    }  # fmt: skip
    for name, array in arrays.items():
        np.save(tmp_path / f"{name}.npy", array)
    (tmp_path / "params.py").write_text("dat_path = 'x'\nn_channels_dat = 4\ndtype = 'int16'\nsample_rate = 30000.\n")
    same(nq.data.load(tmp_path, **WINDOW))
    (tmp_path / "cluster_group.tsv").write_text("cluster_id\tgroup\n3\tgood\n5\tmua\n9\tnoise\n")
    same(nq.data.load(tmp_path, **WINDOW), [3, 5])
    same(nq.data.load(tmp_path, field="good", **WINDOW), [3])
    with pytest.raises(DataError, match="groups are good, mua, noise"):
        nq.data.load(tmp_path, field="best")


def test_neo_segments_are_trials():
    neo = pytest.importorskip("neo")
    from nonequil.data.readers._neo import from_segments

    def segment(start):
        return [neo.SpikeTrain(1000 * (t + start), units="ms", t_start=1000 * start, t_stop=1000 * (start + 1))
                for t in TIMES]  # fmt: skip

    same(Raster.from_table(from_segments([segment(0)], "here")), [0, 1, 2])
    raster = Raster.from_table(from_segments([segment(0), segment(5)], "here"))
    np.testing.assert_array_equal(raster.epochs, [[0, 1], [5, 6]])
    np.testing.assert_array_equal(np.bincount(raster.trial), [6, 6])
    with pytest.raises(DataError, match="no spike trains"):
        from_segments([[]], "here")


def test_a_file_that_neo_cannot_read(tmp_path):
    pytest.importorskip("neo")
    (tmp_path / "a.plx").write_bytes(b"junk" * 99)
    with pytest.raises(DataError, match=r"a\.plx: Neo cannot read it"):
        nq.data.load(tmp_path / "a.plx")
