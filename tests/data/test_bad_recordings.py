"""Every bad recording gets an error that names it and the way out."""

import numpy as np
import pytest
import scipy.io

import nonequil as nq
from nonequil.data import DataError, MissingExtra, Raster, RecordingNotFound, SpikeTable

GOOD = {"time": [0.1, 0.2, 0.3], "unit": [0, 1, 0]}
TABLES = {
    "not finite": ({"time": [0.1, np.nan, 0.3]}, "spike 1 is not finite"),
    "infinite": ({"time": [0.1, 0.2, -np.inf]}, "-inf at spike 2"),
    "words for times": ({"time": ["a", "b", "c"]}, "times must be numbers"),
    "half units": ({"unit": [0, 1.5, 2]}, "integers or names.*1.5"),
    "missing unit": ({"unit": [0, np.nan, 2]}, "integers or names.*nan"),
    "empty name": ({"unit": ["a", "", "b"]}, "integers or names"),
    "yes and no": ({"unit": [True, False, True]}, "integers or names.*bool"),
    "half trials": ({"trial": [0, 0.5, 1]}, "trial of .*integers or names"),
    "too few units": ({"unit": [0, 1]}, "3 times but 2 unit labels"),
    "too few trials": ({"trial": [0, 1]}, "3 times but 2 trial labels"),
    "no spikes": ({"time": np.zeros(0), "unit": np.zeros(0, int)}, "holds no spikes"),
    "all silent": ({"time": np.zeros(0), "unit": np.zeros(0, int), "unit_ids": [1, 2]}, "all 2 units are silent"),
    "outside": ({"epochs": [[0.0, 0.25]]}, r"1 spikes lie outside.*0\.3 s.*--start, --stop"),
    "before": ({"start": 0.15}, "outside the declared epochs"),
    "reversed epoch": ({"epochs": [[1.0, 0.0]]}, "must start before it stops"),
    "overlap": ({"epochs": [[0.0, 0.25], [0.2, 1.0]]}, "overlap"),
    "three columns": ({"epochs": [[0.0, 0.25, 1.0]]}, "pairs"),
    "unknown label": ({"unit_ids": [1, 2]}, "0 is not among the 2 declared ids 1, 2"),
    "twice the id": ({"unit_ids": [0, 1, 1, 2]}, "id 1 occurs 2 times"),
    "names and numbers": ({"unit": ["a", "b", "a"], "unit_ids": [0, 1]}, "one of the two"),
    "starts and stops": ({"start": [0, 0.0, 0], "stop": [1, 1.0]}, "3 starts and 2 stops"),
}


@pytest.mark.parametrize("name", TABLES)
def test_bad_tables(tmp_path, name):
    change, words = TABLES[name]
    np.savez(tmp_path / "bad.npz", **{**GOOD, **change})
    with pytest.raises(DataError, match=words) as error:
        nq.data.load(tmp_path / "bad.npz")
    assert "bad.npz" in str(error.value)


def test_a_missing_file():
    with pytest.raises(RecordingNotFound, match=r"nowhere\.npz: no such file"):
        nq.data.load("nowhere.npz")
    with pytest.raises(FileNotFoundError):
        nq.data.load("nowhere.npz")
    assert issubclass(RecordingNotFound, ValueError)


def test_an_unknown_format_lists_the_known(tmp_path):
    for name in ("a.xyz", "a"):
        (tmp_path / name).write_text("1")
        with pytest.raises(DataError, match=r"unknown format.*\.npz.*\.mat"):
            nq.data.load(tmp_path / name)
    with pytest.raises(DataError, match=r"folder of phy.*spike_times\.npy"):
        nq.data.load(tmp_path)


@pytest.mark.parametrize("suffix", [".npz", ".npy", ".mat", ".csv"])
@pytest.mark.parametrize("content", [b"", b"\x00\xff\xfenot a recording" * 20, b"PK\x03\x04broken" * 9])
def test_unreadable_files(tmp_path, suffix, content):
    path = tmp_path / f"bad{suffix}"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"bad\."):
        nq.data.load(path)


def test_python_objects_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", spikes=np.array([[1.0], [2.0, 3.0]], dtype=object))
    with pytest.raises(DataError, match=r"a\.npz.*from_lists"):
        nq.data.load(tmp_path / "a.npz")


def test_tables_without_names_list_what_they_hold(tmp_path):
    np.savez(tmp_path / "a.npz", x=[0.1], y=[1])
    with pytest.raises(DataError, match="found x, y: name the columns time, unit"):
        nq.data.load(tmp_path / "a.npz")
    (tmp_path / "a.csv").write_text("0.1,3\n0.2,4\n")
    with pytest.raises(DataError, match=r"first line reads '0\.1, 3'"):
        nq.data.load(tmp_path / "a.csv")
    np.save(tmp_path / "a.npy", np.zeros((3, 5)))
    with pytest.raises(DataError, match=r"shape \(3, 5\)"):
        nq.data.load(tmp_path / "a.npy")


@pytest.mark.parametrize("rows, words", [
    ("0.1,1\nx,2\n", "numbers.*row"), ("0.1,1\n0.2\n", "bad.csv"), ("nan,1\n", "not finite"), ("", "no spikes"),
    ("0.1,1.5\n", "integers or names"),
])  # fmt: skip
def test_bad_text(tmp_path, rows, words):
    (tmp_path / "bad.csv").write_text("time,unit\n" + rows)
    with pytest.raises(DataError, match=words):
        nq.data.load(tmp_path / "bad.csv")


def test_a_mat_file_without_spikes_lists_its_fields(tmp_path):
    scipy.io.savemat(tmp_path / "a.mat", {"rates": np.ones((3, 4)), "name": "x"})
    with pytest.raises(DataError, match=r"a\.mat.*rates \(float64 3 x 4\).*name \(str\)"):
        nq.data.load(tmp_path / "a.mat")


@pytest.mark.parametrize("name, package", [("a.nwb", "pynwb"), ("a.plx", "neo")])
def test_a_missing_extra_says_the_line_that_installs_it(tmp_path, monkeypatch, name, package):
    monkeypatch.setitem(__import__("sys").modules, package, None)
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(MissingExtra, match=rf"{package}: pip install 'nonequil\[data\]'") as error:
        nq.data.load(tmp_path / name)
    assert isinstance(error.value, ValueError)
    assert isinstance(error.value, ImportError)


def test_a_folder_of_phy_needs_neo(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "neo", None)
    for name in ("spike_times.npy", "spike_clusters.npy", "params.py"):
        (tmp_path / name).write_bytes(b"x")
    with pytest.raises(MissingExtra, match="neo"):
        nq.data.load(tmp_path)


def test_an_unknown_unit_gets_the_near_ones():
    raster = Raster.from_lists([[0.1], [0.2], [0.3]], unit_ids=["CA1-a", "CA1-b", "V1"], start=0.0, stop=1.0)
    with pytest.raises(DataError, match="no unit 'CA1a': did you mean CA1-a or CA1-b"):
        raster.select(units=["CA1a"])
    with pytest.raises(DataError, match="only once"):
        raster.select(units=["V1", "V1"])
    with pytest.raises(DataError, match="at least one unit"):
        raster.select(units=[])


def test_selections_that_leave_nothing():
    raster = Raster.from_lists([[0.1], [0.2, 0.4], []], start=0.0, stop=1.0)
    with pytest.raises(DataError, match=r"min_rate = 50.* leaves no unit; the fastest fires at 2 Hz"):
        raster.select(min_rate=50)
    with pytest.raises(DataError, match="all 1 units are silent"):
        raster.select(units=[2])
    with pytest.raises(DataError, match="min_rate = -1"):
        raster.select(min_rate=-1)


@pytest.mark.parametrize("options, words", [
    ({"start": 2.0, "stop": 1.0}, "start = 2.0 must be before stop"), ({"start": np.nan}, "start = nan"),
    ({"stop": np.inf}, "stop = inf"), ({"epochs": "missing.csv"}, "epochs = missing.csv: no such file"),
    ({"epochs": [[1, 0]]}, "epochs: epoch .* must start before"), ({"epochs": [["a", "b"]]}, "pairs"),
    ({"start": 7.0, "stop": 8.0}, "no spikes|silent"), ({"start": 9.0}, "no epoch"),
    ({"time_scale": 0.0}, "time_scale = 0"), ({"units": [4]}, "did you mean"),
])  # fmt: skip
def test_bad_options(tmp_path, options, words):
    np.savez(tmp_path / "a.npz", **GOOD)
    with pytest.raises(DataError, match=words):
        nq.data.load(tmp_path / "a.npz", **options)


def test_a_bad_file_of_epochs(tmp_path):
    np.savez(tmp_path / "a.npz", **GOOD)
    for content in ("start,stop\n0,1\n2\n", "x\ny\n", ""):
        (tmp_path / "e.csv").write_text(content)
        with pytest.raises(DataError, match=r"epochs = .*e\.csv"):
            nq.data.load(tmp_path / "a.npz", epochs=tmp_path / "e.csv")


def test_lists_and_ids_must_match():
    with pytest.raises(DataError, match="2 ids for 1 units"):
        Raster.from_lists([[0.1]], unit_ids=["a", "b"])
    with pytest.raises(DataError, match="id a occurs 2 times"):
        Raster.from_lists([[0.1], [0.2]], unit_ids=["a", "a"])
    with pytest.raises(DataError, match="all 2 units are silent"):
        Raster.from_lists([[], []])
    with pytest.raises(DataError, match="no spikes"):
        Raster.from_lists([])


def test_ids_that_are_mixed():
    with pytest.raises(DataError, match="mix integers and names"):
        Raster.from_table(SpikeTable([0.1, 0.2], np.array([1, "a"], dtype=object)))


@pytest.mark.parametrize("change, words", [
    ({"unit": np.array([0, 2])}, "unit indices run from 0 to 2"), ({"times": np.array([0.1, np.nan])}, "not finite"),
    ({"times": np.array([0.1, 1.2])}, "outside the declared epochs"),
    ({"unit_ids": np.array(["a", "a"])}, "id a occurs 2 times"),
    ({"epochs": np.array([[1.0, 0.0]])}, "start before they stop"),
])  # fmt: skip
def test_a_raster_checks_itself(change, words):
    fields = {
        "times": np.array([0.1, 0.2]), "unit": np.array([0, 1]), "trial": np.array([0, 0]),
        "unit_ids": np.array(["a", "b"]), "trial_ids": np.array([0]), "epochs": np.array([[0.0, 1.0]]),
    }  # fmt: skip
    Raster(**fields)
    with pytest.raises(DataError, match=words):
        Raster(**{**fields, **change})
