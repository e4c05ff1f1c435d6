"""Recordings: epochs, selection, saving, what is suspicious."""

import dataclasses
import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nonequil as nq
from nonequil.data import DataError, Raster, SpikeTable

FIELDS = ("times", "unit", "trial", "unit_ids", "trial_ids", "epochs")


def poisson(rates, seconds, seed=0):
    rng = np.random.default_rng(seed)
    return [np.sort(rng.uniform(0, seconds, rng.poisson(rate * seconds))) for rate in rates]


def refractory(lists):
    """The same spikes without those within 3 ms of the one before."""
    return [times[np.concatenate([[True], np.diff(times) > 0.003])] for times in lists]


@settings(deadline=None, max_examples=30)
@given(
    st.lists(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=9), min_size=1, max_size=5),
    st.booleans(),
)
def test_saving_and_loading_changes_nothing(tmp_path_factory, lists, named):
    ids = [f"µ{k}" for k in range(len(lists))] if named else np.arange(len(lists))[::-1] * 7
    raster = Raster.from_lists(lists, unit_ids=ids, epochs=[[-2e6, 0.1], [0.1, 2e6]])
    raster = dataclasses.replace(raster, notes=("one, 'two'", "three"), source="there", file_hash="ab12")
    path = tmp_path_factory.mktemp("saved") / "recording.npz"
    raster.save(path)
    again = nq.data.load(path)
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(again, name), getattr(raster, name))
        assert getattr(again, name).dtype == getattr(raster, name).dtype
    assert (again.notes, again.source, again.file_hash) == (raster.notes, raster.source, raster.file_hash)
    assert again.warnings == raster.warnings


def test_saved_files_are_compact_and_leave_no_trace(tmp_path):
    raster = Raster.from_lists([np.arange(50_000) / 1000], start=0.0, stop=50.0)
    raster.save(tmp_path / "a.npz")
    assert os.listdir(tmp_path) == ["a.npz"]
    assert (tmp_path / "a.npz").stat().st_size < 50_000 * 8
    with pytest.raises(DataError, match=r"ends in \.npz"):
        raster.save(tmp_path / "a.dat")


def test_a_file_is_known_by_its_hash(tmp_path):
    import hashlib

    np.savez(tmp_path / "a.npz", time=[0.1, 0.4], unit=[0, 1], start=0.0, stop=1.0)
    raster = nq.data.load(tmp_path / "a.npz")
    assert raster.file_hash == hashlib.sha256((tmp_path / "a.npz").read_bytes()).hexdigest()
    assert raster.source == str(tmp_path / "a.npz")


def test_rates_and_selection_keep_ids():
    raster = Raster.from_lists([[1, 2, 3], [4], []], unit_ids=["a", "b", "c"], start=0.0, stop=10.0)
    np.testing.assert_allclose(raster.rates(), [0.3, 0.1, 0.0])
    assert raster.duration == 10.0
    chosen = raster.select(units=["b", "a"])
    assert list(chosen.unit_ids) == ["b", "a"]
    np.testing.assert_array_equal(chosen.times[chosen.unit == 0], [4])
    assert list(raster.select(min_rate=0.2).unit_ids) == ["a"]
    assert list(raster.select(units=["c", "b"], min_rate=0.1).unit_ids) == ["b"]
    assert "2 units were left out: b, c." in raster.select(min_rate=0.2).warnings


def test_integer_ids_may_be_asked_for_as_words():
    raster = Raster.from_lists([[1], [2]], unit_ids=[7, 12], start=0.0, stop=10.0)
    assert list(raster.select(units=["12"]).unit_ids) == list(raster.select(units=np.array([12])).unit_ids) == [12]


def test_multi_units_silent_units_and_doubles_are_named():
    clean = refractory(poisson([20, 30], 100))
    bursts = np.sort(np.concatenate([clean[0], clean[0][:200] + 0.001]))
    fast = refractory(poisson([100], 100, seed=1))[0]
    raster = Raster.from_lists(
        [*clean, bursts, fast, [], np.repeat(clean[1][:3], 2)], unit_ids=list("abcdef"), start=0.0, stop=101.0
    )
    np.testing.assert_array_equal(raster.suspects, [False, False, True, True, False, False])
    text = raster.describe()
    assert "mixed: units c, d." in text
    assert "Silent units: e." in text
    assert "3 spikes occur twice at the same time: units f." in text
    assert "6 units in 1 epoch, 101 s" in text


def test_a_few_short_intervals_do_not_make_a_suspect():
    raster = Raster.from_lists([[0.1, 0.101, 0.5, 0.501]], start=0.0, stop=1.0)
    assert not raster.suspects.any()


def test_intervals_do_not_cross_trials():
    table = SpikeTable(0.001 * np.arange(20), np.zeros(20, int), np.arange(20), epochs=[[0, 0.5]])
    assert not Raster.from_table(table).suspects.any()
    assert Raster.from_table(dataclasses.replace(table, trial=np.arange(20) // 10)).suspects.all()


@pytest.mark.parametrize("border", [0.0, 0.3, 1.0, -2.7])
def test_a_spike_on_a_border_belongs_to_the_later_epoch(border):
    raster = Raster.from_lists([[border, border - 0.5]], epochs=[[border - 1, border], [border, border + 1]])
    np.testing.assert_array_equal(raster.trial, [0, 1])


def test_milliseconds_are_suspected_and_scaled_onto_their_grid(tmp_path):
    ticks = np.arange(1, 40_000, 7)
    np.savez(tmp_path / "ms.npz", time=ticks / 10 * 1000, unit=ticks % 3, start=0.0, stop=4_000_000.0)
    assert "time_scale=0.001" in " ".join(nq.data.load(tmp_path / "ms.npz").warnings)
    raster = nq.data.load(tmp_path / "ms.npz", time_scale=0.001)
    np.testing.assert_array_equal(raster.times, ticks / 10)
    np.testing.assert_array_equal(raster.epochs, [[0, 4000]])


# -- epochs ----------------------------------------------------------------------------------------------------------


def test_undeclared_epochs_run_from_first_to_last_spike_with_a_warning():
    raster = Raster.from_lists([[0.25, 3.5], [1.0]])
    np.testing.assert_array_equal(raster.epochs, [[0.25, 3.5]])
    assert any("No epochs are declared" in sentence and "--start" in sentence for sentence in raster.warnings)
    half = Raster.from_lists([[0.25, 3.5], [1.0]], start=0.0)
    np.testing.assert_array_equal(half.epochs, [[0.0, 3.5]])
    assert any("stops at its last spike" in s and "first" not in s for s in half.warnings)
    assert Raster.from_lists([[0.25, 3.5], [1.0]], start=0.0, stop=4.0).warnings == ()


def test_a_window_crops_and_counts():
    raster = Raster.from_lists([[0.25, 3.5], [1.0]], start=0.5, stop=2.0)
    np.testing.assert_array_equal(raster.times, [1.0])
    assert any(sentence.startswith("2 spikes outside") for sentence in raster.warnings)


def test_a_window_never_extends_declared_epochs(tmp_path):
    np.savez(tmp_path / "a.npz", time=[0.1, 0.4, 1.9], unit=[0, 1, 0], epochs=[[0.0, 1.0], [1.5, 2.0]])
    raster = nq.data.load(tmp_path / "a.npz", start=-5.0, stop=1.8)
    np.testing.assert_array_equal(raster.epochs, [[0, 1], [1.5, 1.8]])
    np.testing.assert_array_equal(nq.data.load(tmp_path / "a.npz", stop=1.2).epochs, [[0, 1]])


def test_epochs_cut_a_recording_into_trials():
    raster = Raster.from_lists([[0.5, 1.0, 2.5, 4.0], [1.5]], epochs=[[3.0, 4.0], [0.0, 1.0], [1.0, 2.0]])
    np.testing.assert_array_equal(raster.epochs, [[0, 1], [1, 2], [3, 4]])
    np.testing.assert_array_equal(raster.trial, [0, 1, 1, 2])  # the spike on a border belongs to the later epoch
    assert any(sentence.startswith("1 spikes outside") for sentence in raster.warnings)


def test_epochs_of_trials_one_each_or_one_for_all():
    table = SpikeTable([0.1, 0.2, -0.3], [0, 1, 0], [5, 5, 9])
    one = Raster.from_table(table, epochs=[[-1.0, 1.0]])
    np.testing.assert_array_equal(one.epochs, [[-1, 1], [-1, 1]])
    assert list(one.trial_ids) == [5, 9]
    each = Raster.from_table(table, epochs=[[0.0, 1.0], [-1.0, 0.0]])
    np.testing.assert_array_equal(each.epochs, [[0, 1], [-1, 0]])
    with pytest.raises(DataError, match="3 epochs for 2 trials"):
        Raster.from_table(table, epochs=[[0, 1], [0, 1], [0, 1]])


def test_undeclared_trials_of_one_spike_have_no_length():
    table = SpikeTable([0.1, 0.9, 0.3], [0, 1, 0], ["a", "a", "b"])
    raster = Raster.from_table(table)
    assert list(raster.trial_ids) == ["a"]
    assert any("trials of no length" in sentence for sentence in raster.warnings)


@pytest.mark.parametrize("name, content", [
    ("e.csv", "start,stop\n0,1\n1.5,2\n"), ("e.txt", "# two\n0 1\n1.5 2\n"), ("e.csv", "0;1\n1.5;2"),
])  # fmt: skip
def test_epochs_from_a_text_file(tmp_path, name, content):
    np.savez(tmp_path / "a.npz", time=[0.1, 0.4, 1.9], unit=[0, 1, 0])
    (tmp_path / name).write_text(content)
    np.testing.assert_array_equal(nq.data.load(tmp_path / "a.npz", epochs=tmp_path / name).epochs, [[0, 1], [1.5, 2]])


def test_epochs_from_numpy_files(tmp_path):
    pairs = np.array([[0, 1], [1.5, 2]])
    np.savez(tmp_path / "a.npz", time=[0.1, 0.4, 1.9], unit=[0, 1, 0])
    np.save(tmp_path / "e.npy", pairs)
    np.savez(tmp_path / "e.npz", epochs=pairs)
    for name in ("e.npy", "e.npz"):
        np.testing.assert_array_equal(nq.data.load(tmp_path / "a.npz", epochs=str(tmp_path / name)).epochs, pairs)
