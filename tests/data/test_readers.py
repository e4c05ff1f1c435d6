"""The same spikes in every format."""

import itertools

import h5py
import numpy as np
import pytest
import scipy.io

import nonequil as nq
from nonequil.data import DataError

TIMES = [np.array([0.1, 0.5, 0.9]), np.array([0.3]), np.array([0.2, 0.7])]
FLAT, UNIT = np.concatenate(TIMES), np.repeat([0, 1, 2], [3, 1, 2])
COUNT = itertools.count()
WINDOW = {"start": 0.0, "stop": 1.0}


def same(raster, ids=(0, 1, 2)):
    assert list(raster.unit_ids) == list(ids)
    for k, times in enumerate(TIMES):
        np.testing.assert_array_equal(raster.times[raster.unit == k], times)


@pytest.mark.parametrize("time, unit", [
    ("time", "unit"), ("spike_times", "spike_clusters"), ("Times", "cell_IDs"), ("t", "neuron"), ("ts", "unit_ids"),
])  # fmt: skip
def test_names_of_columns_are_taken_with_tolerance(tmp_path, time, unit):
    np.savez(tmp_path / "a.npz", **{time: FLAT, unit: UNIT})
    same(nq.data.load(tmp_path / "a.npz", **WINDOW))


def test_npz_declares_units_trials_and_ends(tmp_path):
    np.savez(
        tmp_path / "a.npz", time=FLAT, unit=UNIT, unit_ids=["x", "y", "z", "silent"], trial=[1, 1, 1, 3, 3, 3],
        trial_ids=[1, 2, 3], start=0.0, stop=[1.0, 2.0, 1.5],
    )  # fmt: skip
    raster = nq.data.load(tmp_path / "a.npz")
    same(raster, ["x", "y", "z", "silent"])
    np.testing.assert_array_equal(raster.epochs, [[0, 1], [0, 2], [0, 1.5]])
    assert list(raster.trial_ids[raster.trial]) == [1, 1, 1, 3, 3, 3]
    assert "Silent units: silent." in raster.warnings


def test_one_array_of_two_or_three_columns(tmp_path):
    np.savez(tmp_path / "a.npz", anything=np.stack([FLAT, UNIT], axis=1))
    np.save(tmp_path / "b.npy", np.stack([FLAT, UNIT, UNIT * 0], axis=1))
    same(nq.data.load(tmp_path / "a.npz", **WINDOW))
    same(nq.data.load(tmp_path / "b.npy", **WINDOW))


def test_an_unsorted_table_is_sorted_and_said_so(tmp_path):
    np.savez(tmp_path / "a.npz", time=FLAT[::-1], unit=UNIT[::-1])
    raster = nq.data.load(tmp_path / "a.npz", **WINDOW)
    same(raster)
    assert any("not in order of time" in sentence for sentence in raster.warnings)
    order = np.argsort(FLAT)
    np.savez(tmp_path / "b.npz", time=FLAT[order], unit=UNIT[order].astype(np.uint8))
    assert nq.data.load(tmp_path / "b.npz", **WINDOW).warnings == ()


def test_single_precision_is_said(tmp_path):
    np.savez(tmp_path / "a.npz", time=np.float32([1000.1, 1000.2]), unit=[0, 1])
    assert any("float32" in sentence for sentence in nq.data.load(tmp_path / "a.npz").warnings)


@pytest.mark.parametrize("mark", [",", ";", "\t", " "])
@pytest.mark.parametrize("names", [(0, 1, 2), ("a b", "7", "é")])
def test_text_with_a_header(tmp_path, mark, names):
    rows = [f'{time!r}{mark}"{names[unit]}"' for time, unit in zip(FLAT.tolist(), UNIT, strict=True)]
    (tmp_path / "a.csv").write_text("\ufeff" + f"time{mark}unit\n" + "\n".join(rows) + "\n", encoding="utf-8")
    raster = nq.data.load(tmp_path / "a.csv", **WINDOW)
    assert set(raster.unit_ids) == set(names)
    for k, times in enumerate(TIMES):
        np.testing.assert_array_equal(raster.times[raster.unit_ids[raster.unit] == names[k]], times)


def test_text_with_trials_and_other_columns(tmp_path):
    (tmp_path / "a.csv").write_text("depth,trial,spike_time,cluster\n9,go,0.1,4\n9,stop,0.2,5\n9,go,0.3,5\n")
    raster = nq.data.load(tmp_path / "a.csv", **WINDOW)
    assert list(raster.trial_ids) == ["go", "stop"]
    assert list(raster.unit_ids) == [4, 5]
    np.testing.assert_array_equal(raster.times, [0.1, 0.3, 0.2])


def cell(items, shape=None):
    cells = np.empty(len(items), dtype=object)
    cells[:] = items
    return cells.reshape(shape or (1, -1))


MATLAB = {
    "row of vectors": {"spikes": cell(TIMES), "rate": 3.0},
    "column of columns": {"spk": cell([t[:, None] for t in TIMES], (-1, 1)), "other": cell(TIMES)},
    "structs": {"units": cell([{"times": t, "depth": 1.0} for t in TIMES])},
    "nested structs": {"spikes": cell([cell([{"time": TIMES[0]}, {"time": TIMES[1]}]), {"time": TIMES[2]}])},
    "struct of cells": {"data": {"spike_times": cell(TIMES), "name": "x"}, "n": 1},
    "table": {"time": FLAT, "unit": UNIT + 1},
    "table in a struct": {"data": {"time": FLAT, "cell": UNIT + 1}},
}


@pytest.mark.parametrize("name", MATLAB)
def test_matlab_before_7_3(tmp_path, name):
    scipy.io.savemat(tmp_path / "a.mat", MATLAB[name])
    same(nq.data.load(tmp_path / "a.mat", **WINDOW), [1, 2, 3])


def test_matlab_cells_of_units_and_trials(tmp_path):
    scipy.io.savemat(tmp_path / "a.mat", {
        "spikes": cell([*TIMES, np.array([0.4]), np.zeros((0, 0)), np.array([0.6])], (2, 3)),
        "epochs": np.array([[0.0, 1.0]]),
    })  # fmt: skip
    raster = nq.data.load(tmp_path / "a.mat")
    assert (list(raster.unit_ids), list(raster.trial_ids)) == ([1, 2], [1, 2, 3])
    np.testing.assert_array_equal(raster.times[(raster.unit == 0) & (raster.trial == 2)], TIMES[2])
    np.testing.assert_array_equal(raster.times[raster.unit == 1], [0.4, 0.6])


def test_matlab_cells_of_trials_with_labels(tmp_path):
    scipy.io.savemat(tmp_path / "a.mat", {
        "spike_times": cell([FLAT, np.array([0.5])]), "cell_IDs": cell([UNIT, np.array([2])]),
        "start": 0.0, "stop": 1.0,
    })  # fmt: skip
    raster = nq.data.load(tmp_path / "a.mat")
    assert list(raster.trial_ids) == [1, 2]
    np.testing.assert_array_equal(raster.unit[raster.trial == 1], [2])
    np.testing.assert_array_equal(raster.times[raster.trial == 0], np.sort(FLAT))


def test_matlab_asks_for_a_field_and_lists_them(tmp_path):
    scipy.io.savemat(tmp_path / "a.mat", {"spikes_a": cell(TIMES), "spikes_b": cell(TIMES), "s": {"x": 1.0}})
    with pytest.raises(DataError, match=r"--field.*spikes_a \(cell 1 x 3\).*s\.x"):
        nq.data.load(tmp_path / "a.mat")
    same(nq.data.load(tmp_path / "a.mat", field="spikes_b", **WINDOW), [1, 2, 3])
    with pytest.raises(DataError, match=r"no field 'spikes_c'.*spikes_b"):
        nq.data.load(tmp_path / "a.mat", field="spikes_c")
    with pytest.raises(DataError, match="not one vector"):
        nq.data.load(tmp_path / "a.mat", field="s")


def write_hdf5(group, name, value, file):
    """What MATLAB writes with -v7.3: axes in reverse, cells as references into #refs#."""
    if isinstance(value, dict):
        made = group.create_group(name)
        made.attrs["MATLAB_class"] = np.bytes_("struct")
        for key, item in value.items():
            write_hdf5(made, key, item, file)
    elif isinstance(value, np.ndarray) and value.dtype == object:
        references = np.empty(value.shape, dtype=h5py.ref_dtype)
        for at in np.ndindex(value.shape):
            key = f"r{next(COUNT)}"
            write_hdf5(file["#refs#"], key, value[at], file)
            references[at] = file["#refs#"][key].ref
        group.create_dataset(name, data=references.T, dtype=h5py.ref_dtype).attrs["MATLAB_class"] = np.bytes_("cell")
    elif isinstance(value, str):
        codes = np.array([[ord(letter)] for letter in value], np.uint16)
        group.create_dataset(name, data=codes).attrs["MATLAB_class"] = np.bytes_("char")
    elif np.size(value) == 0:
        made = group.create_dataset(name, data=np.array([0, 0], np.uint64))
        made.attrs["MATLAB_class"], made.attrs["MATLAB_empty"] = np.bytes_("double"), np.uint8(1)
    else:
        group.create_dataset(name, data=np.atleast_2d(value).T).attrs["MATLAB_class"] = np.bytes_("double")


def save_hdf5(path, variables):
    with h5py.File(path, "w", userblock_size=512) as file:
        file.create_group("#refs#")
        for name, value in variables.items():
            write_hdf5(file, name, value, file)
    with open(path, "r+b") as raw:
        raw.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")


@pytest.mark.parametrize("name", MATLAB)
def test_matlab_7_3(tmp_path, name):
    save_hdf5(tmp_path / "a.mat", MATLAB[name])
    same(nq.data.load(tmp_path / "a.mat", **WINDOW), [1, 2, 3])


def test_matlab_7_3_units_and_trials_and_struct_arrays(tmp_path):
    save_hdf5(tmp_path / "a.mat", {"spikes": cell([*TIMES, np.array([0.4]), np.zeros(0), np.array([0.6])], (2, 3))})
    raster = nq.data.load(tmp_path / "a.mat", **WINDOW)
    np.testing.assert_array_equal(raster.times[(raster.unit == 0) & (raster.trial == 2)], TIMES[2])
    np.testing.assert_array_equal(raster.times[raster.unit == 1], [0.4, 0.6])
    with h5py.File(tmp_path / "b.mat", "w") as file:
        refs, units = file.create_group("#refs#"), file.create_group("units")
        for k, times in enumerate(TIMES):
            refs.create_dataset(f"t{k}", data=times[:, None])
        references = np.array([[refs[f"t{k}"].ref] for k in range(3)], dtype=h5py.ref_dtype)
        units.create_dataset("times", data=references, dtype=h5py.ref_dtype)
    same(nq.data.load(tmp_path / "b.mat", **WINDOW), [1, 2, 3])


def test_a_group_saved_by_pynapple(tmp_path):
    np.savez(tmp_path / "a.npz", t=np.sort(FLAT), index=UNIT[np.argsort(FLAT)], keys=[0, 1, 2], start=[0.0], end=[1.0],
             type=["TsGroup"], _metadata=np.array({}, dtype=object))  # fmt: skip
    raster = nq.data.load(tmp_path / "a.npz")
    same(raster)
    np.testing.assert_array_equal(raster.epochs, [[0, 1]])


def test_lists_of_arrays():
    same(nq.data.Raster.from_lists(TIMES, **WINDOW))
    same(nq.data.Raster.from_lists([t.tolist() for t in TIMES], unit_ids=["a", "b", "c"], **WINDOW), ["a", "b", "c"])
