"""Binning against exact rational arithmetic, and what it loses."""

import tracemalloc
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nonequil as nq
from nonequil.data import DataError, Raster, SpikeTable
from nonequil.data._edges import bin_index

quick = settings(deadline=None, max_examples=100)


def recording(lists, start, stop):
    return Raster.from_lists(lists, start=start, stop=stop)


@st.composite
def tick_recordings(draw):
    """Ragged trials of spikes on a decimal grid: exact times, and a width that is a multiple of the grid."""
    ticks_per_second = draw(st.sampled_from([10, 1000, 10_000, 30_000]))
    width = draw(st.integers(1, 400))
    trials = []
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(-100_000, 100_000_000))
        length = draw(st.integers(1, 12 * width))
        spike = st.tuples(st.integers(0, length), st.integers(0, 2))
        trials.append((start, start + length, draw(st.lists(spike, max_size=30))))
    return ticks_per_second, width, trials


def as_raster(ticks_per_second, trials, order=None):
    rows = [(start + at, unit, trial) for trial, (start, _, spikes) in enumerate(trials) for at, unit in spikes]
    rows = rows if order is None else [rows[k] for k in order]
    ticks, unit, trial = np.array(rows, dtype=np.int64).T
    epochs = np.array([(start, stop) for start, stop, _ in trials]) / ticks_per_second
    table = SpikeTable(ticks / ticks_per_second, unit, trial, np.arange(3), np.arange(len(trials)), epochs)
    return Raster.from_table(table)


def reference(ticks_per_second, width, trials):
    """Spins of each trial by fractions, and the numbers of spikes kept, clipped and dropped."""
    second, spins, counts = Fraction(1, ticks_per_second), [], [0, 0, 0]
    for start, stop, spikes in trials:
        bins = ((stop - start) * second) // (width * second)
        x = -np.ones((bins if bins > 1 else 0, 3), np.int8)
        for at, unit in spikes:
            k = (at * second) // (width * second)
            kind = 2 if k >= len(x) else int(x[k, unit] > 0)
            counts[kind] += 1
            if kind == 0:
                x[k, unit] = 1
        spins.append(x)
    return spins, counts


@quick
@given(tick_recordings())
def test_binning_equals_exact_rational_arithmetic(case):
    ticks_per_second, width, trials = case
    if not any(spikes for _, _, spikes in trials):
        return
    raster, (spins, (kept, clipped, dropped)) = as_raster(ticks_per_second, trials), reference(*case)
    if not any(len(x) for x in spins):
        with pytest.raises(DataError, match="width"):
            raster.bin(width / ticks_per_second)
        return
    binned = raster.bin(width / ticks_per_second)
    np.testing.assert_array_equal(binned.spins, np.concatenate(spins))
    assert (binned.n_spikes, binned.n_clipped_spikes, binned.n_dropped_spikes) == (kept + clipped, clipped, dropped)
    assert len(raster.times) == kept + clipped + dropped == binned.n_spikes + binned.n_dropped_spikes
    assert kept == np.count_nonzero(binned.spins == 1) == round(binned.active.sum() * len(binned.spins))


@quick
@given(tick_recordings(), st.integers(1, 9))
def test_no_transition_joins_trials_and_chunks_are_the_same_pairs(case, size):
    ticks_per_second, width, trials = case
    spins, _ = reference(*case)
    if not any(spikes for _, _, spikes in trials) or not any(len(x) for x in spins):
        return
    binned = as_raster(ticks_per_second, trials).bin(width / ticks_per_second)
    held = [x for x in spins if len(x)]
    t = binned.transitions()
    np.testing.assert_array_equal(t.x, np.concatenate([x[:-1] for x in held]))
    np.testing.assert_array_equal(t.x_next, np.concatenate([x[1:] for x in held]))
    block = np.repeat(np.arange(len(held)), [len(x) - 1 for x in held])
    if len(held) == 1:
        assert t.block is None
    else:
        np.testing.assert_array_equal(t.block, block)
    assert list(binned.trial_ids) == [k for k, x in enumerate(spins) if len(x)]
    assert len(t) == binned.n_transitions
    pieces = list(binned.chunks(size))
    assert [len(piece) for piece in pieces[:-1]] == [size] * (len(pieces) - 1)
    for name in ("x", "x_next", "dt") + (("block",) if len(held) > 1 else ()):
        np.testing.assert_array_equal(np.concatenate([getattr(p, name) for p in pieces]), getattr(t, name))


@quick
@given(tick_recordings(), st.randoms())
def test_the_order_of_a_table_does_not_matter(case, random):
    ticks_per_second, _, trials = case
    count = sum(len(spikes) for _, _, spikes in trials)
    if not count:
        return
    order = list(range(count))
    random.shuffle(order)
    one, other = as_raster(ticks_per_second, trials), as_raster(ticks_per_second, trials, order)
    for name in ("times", "unit", "trial"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    keys = list(zip(one.trial, one.times, one.unit, strict=True))
    assert keys == sorted(keys)


@given(st.floats(-1e4, 1e6), st.floats(1e-3, 10), st.floats(0, 1e3))
@settings(deadline=None, max_examples=300)
def test_bins_of_arbitrary_numbers_are_exact_up_to_a_few_ulp(start, width, ahead):
    time = start + ahead
    exact = (Fraction(time) - Fraction(start)) / Fraction(width)
    slack = Fraction(1, 2**52) * 8 * (Fraction(abs(time) + abs(start)) / Fraction(width) + exact + 1)
    k = int(bin_index(np.array([time]), start, width)[0])
    assert k in (exact // 1, (exact + slack) // 1)


@pytest.mark.parametrize("width, per_second", [(0.02, 50), (0.1, 10), (0.005, 200), (1 / 3, 3), (0.007, None)])
def test_every_edge_belongs_to_the_later_bin(width, per_second):
    k = np.arange(20_000)
    times = k / per_second if per_second else k * width
    np.testing.assert_array_equal(bin_index(times, 0.0, width), k)
    np.testing.assert_array_equal(bin_index(times + 4397.0, 4397.0, width), k)
    np.testing.assert_array_equal(bin_index(times - 0.001 * width, 0.0, width), k - 1)


def test_the_edge_that_a_plain_floor_misses_is_bin_three():
    assert 0.06 // 0.02 == 2  # what a plain floor says
    binned = recording([[0.06], [0.01]], 0.0, 0.1).bin(0.02)
    np.testing.assert_array_equal(np.flatnonzero(binned.spins[:, 0] > 0), [3])


def test_a_spike_on_the_closing_edge_is_dropped_with_the_partial_bin():
    binned = recording([[0.01, 0.1], [0.02, 0.11]], 0.0, 0.11).bin(0.02)
    assert (binned.spins.shape, binned.n_spikes, binned.n_dropped_spikes) == ((5, 2), 2, 2)


def test_times_before_zero_are_normal():
    binned = recording([[-0.5, -0.41], [0.29]], -0.5, 0.3).bin(0.1)
    np.testing.assert_array_equal(np.flatnonzero(binned.spins[:, 0] > 0), [0])
    np.testing.assert_array_equal(np.flatnonzero(binned.spins[:, 1] > 0), [7])


def test_short_trials_are_left_out_and_named():
    table = SpikeTable([0.01, 0.01, 0.05, 0.01], [0, 0, 0, 0], ["a", "b", "c", "c"], None, ["a", "b", "c"],
                       [[0, 0.1], [0, 0.03], [0, 0.1]])  # fmt: skip
    binned = Raster.from_table(table).bin(0.02)
    assert list(binned.trial_ids) == ["a", "c"]
    assert binned.n_dropped_spikes == 1
    assert any("Trials b hold fewer than two bins" in sentence for sentence in binned.warnings)


def test_one_epoch_takes_no_second_copy():
    rng = np.random.default_rng(0)
    binned = recording([rng.uniform(0, 100, 500) for _ in range(4)], 0.0, 100.0).bin(0.01)
    t = binned.transitions()
    assert np.shares_memory(t.x, binned.spins)
    assert np.shares_memory(t.x_next, binned.spins)
    assert t.x.dtype == np.int8
    assert t.dt.strides == (0,)
    assert t.unit == nq.Unit.per_bin
    assert all(np.shares_memory(chunk.x, binned.spins) for chunk in binned.chunks(1000))


@pytest.mark.parametrize("epochs", [[[0, 2000]], [[0, 700], [700, 2000]]])
def test_binning_and_chunks_hold_one_array(epochs):
    rng = np.random.default_rng(1)
    raster = Raster.from_lists([rng.uniform(0, 2000, 100) for _ in range(100)], epochs=epochs)
    tracemalloc.start()
    binned = raster.bin(0.01)
    pairs = sum(len(chunk) for chunk in binned.chunks(2000))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert pairs == binned.n_transitions == 200_000 - len(epochs)
    assert peak < 1.35 * binned.spins.nbytes


def test_chunks_inside_a_trial_are_views():
    binned = Raster.from_lists([[0.5, 100.5]], epochs=[[0, 100], [100, 300]]).bin(0.1)
    shared = [np.shares_memory(chunk.x, binned.spins) for chunk in binned.chunks(100)]
    assert shared.count(False) == 1  # the one that holds the border


@pytest.mark.parametrize("width", [0.0, -0.02, np.nan, np.inf])
def test_a_width_must_be_a_positive_number(width):
    with pytest.raises(DataError, match="width"):
        recording([[0.1]], 0.0, 1.0).bin(width)


@pytest.mark.parametrize("width, word", [(2.0, "wider than the recording"), (0.7, "fewer than two bins")])
def test_a_bin_wider_than_the_recording_names_both(width, word):
    with pytest.raises(DataError, match=f"width = {width} s .*{word}.* 1 s"):
        recording([[0.1]], 0.0, 1.0).bin(width)


def test_a_chunk_holds_a_pair():
    with pytest.raises(DataError, match="size = 0"):
        list(recording([[0.1]], 0.0, 1.0).bin(0.1).chunks(0))
