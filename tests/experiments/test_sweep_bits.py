"""A point of a sweep is the same bits in any company, and one that breaks leaves the others alone."""

import jax
import numpy as np
import pytest

import nonequil as nq
from nonequil.experiments import Interrupted
from nonequil.experiments._batch_lanes import padded
from nonequil.experiments._collect import collect
from nonequil.experiments._simulating import begin, ensemble, observers, rms_of_pairs
from nonequil.experiments._stages import never
from nonequil.experiments._store import load_tree
from nonequil.experiments._sweep import Plan
from nonequil.experiments._sweep_create import create_sweep
from nonequil.experiments._sweep_status import status_text
from nonequil.experiments._sweep_task import run_task

BASE = {
    "experiment": "simulate",
    "chains": 4,
    "steps": 12,
    "burn_in": 3,
    "chunk": 5,
    "model": {"ensemble": "SherringtonKirkpatrick", "n": 6},
}
SWEEP = {"model.beta": [0.5, 1.0, 1.5], "seed": [0, 1, 2, 3, 4, 5, 6]}


def submitted(path, sweep=SWEEP, **options):
    return create_sweep(Plan.read(BASE | {"sweep": sweep}, "config"), path, **options)


def carried_out(path, sweep=SWEEP, **options):
    made = submitted(path, sweep, **options)
    for task in reversed(made.tasks):
        run_task(made.path, task, never)
    return made


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """All 21 points in one task, 16 side by side."""
    return collect(carried_out(tmp_path_factory.mktemp("bits") / "s", width=16))


def test_points_are_those_of_runs_alone(whole):
    plan = Plan.read(BASE | {"sweep": SWEEP}, "config")
    for index in (0, 12, 20):
        alone = plan.experiment(index)
        dynamics, x0, key = begin(alone, alone.key(), ensemble(alone.model))
        seen = observers(alone, dynamics)
        _, (moments, flow) = nq.simulate(dynamics, x0, steps=12, burn_in=3, key=key, observers=seen)
        point = whole.sel(seed=alone.seed)
        point = point.sel({"beta": alone.model.beta})
        np.testing.assert_allclose(point.m, moments.m, rtol=1e-12)
        np.testing.assert_allclose(point.entropy_production, flow.value, rtol=1e-12)
        np.testing.assert_allclose(point.rms_lagged_correlation, rms_of_pairs(np.asarray(moments.D)), rtol=1e-12)


def test_the_number_of_tasks_and_the_order_of_points_change_no_bit(whole, tmp_path):
    assert collect(carried_out(tmp_path / "tasks", width=16, tasks=4)).identical(whole)
    backwards = {key: values[::-1] for key, values in SWEEP.items()}
    other = collect(carried_out(tmp_path / "order", backwards, width=16)).sortby(["beta", "seed"])
    for name in ("m", "entropy_production", "rms_correlation"):
        assert np.array_equal(other[name], whole[name]), name


def test_two_widths_agree_to_rounding(whole, tmp_path):
    wide = collect(carried_out(tmp_path / "s", width=32))
    for name in ("m", "entropy_production", "rms_correlation", "rms_lagged_correlation"):
        np.testing.assert_allclose(wide[name], whole[name], rtol=1e-12)


def test_a_batch_stopped_between_any_two_chunks_goes_on_with_the_same_bits(whole, tmp_path, monkeypatch):
    monkeypatch.setenv("NONEQUIL_CHECKPOINT_SECONDS", "0")

    def stop():
        raise Interrupted(15)

    made, stops = submitted(tmp_path / "s", width=16), 0
    while not (made.task_folder(0) / "result.nc").exists():
        try:
            run_task(made.path, 0, stop)
        except Interrupted:
            stops += 1
    assert stops > 6  # three chunks of each of the two batches, and more
    assert collect(made).identical(whole)


def first_broken_step(point):
    """The first step after which the mean entropy flow of a run of its own is not finite, step by step."""
    dynamics, x0, key = begin(point, point.key(), ensemble(point.model))
    seen = {"observers": observers(point, dynamics)[1:], "every": 1}
    state = nq.simulation.start(dynamics, x0, steps=point.steps, burn_in=point.burn_in, **seen)
    for step in range(1, point.burn_in + point.steps + 1):
        state = nq.simulation.advance(dynamics, state, steps=1, key=key, **seen)
        (flow,) = nq.simulation.finish(dynamics, state, **seen)
        if step > point.burn_in and not np.isfinite(flow.value):
            return step
    return None


def test_numbers_that_overflow_stop_their_point_alone_and_name_the_step(tmp_path):
    """Couplings of this size overflow a sum of entropies sooner or later."""
    sweep = {"model.dJ": [1.0, 4e303, 4.5e303, 1e306]}
    made = carried_out(tmp_path / "s", sweep)
    result = collect(made)
    steps = {index: first_broken_step(made.plan.experiment(index)) for index in range(4)}
    assert steps[0] is None
    assert len(set(steps.values())) > 2  # not all at once
    for index, step in steps.items():
        assert result.state.values[index] == ("done" if step is None else "failed")
        assert result.message.values[index] == (f"a number was not finite after step {step}" if step else "")
        assert np.isfinite(result.entropy_production.values[index]) == (step is None)
        kept = made.task_folder(0) / "checkpoints" / f"failed-{index:06d}.npz"
        assert kept.exists() == (step is not None)
        if step is not None:
            before = load_tree(kept)
            assert before["step"] == step - 1
            assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(before["state"]))
    assert "not finite after step" in status_text(made)


def test_seats_are_filled_with_copies_that_are_not_counted():
    own, count = padded([1, 2, 3], 16)
    assert own == [1, 2] + [3] * 14
    assert count.tolist() == [3]


def test_the_size_of_correlations_is_the_same_bits_in_any_company():
    matrices = np.random.default_rng(0).random((16, 8, 8))
    together = rms_of_pairs(matrices)
    for k in range(16):
        assert together[k] == rms_of_pairs(matrices[k : k + 1])[0] == rms_of_pairs(matrices[k])
    off = [matrices[3, i, j] for i in range(8) for j in range(8) if i != j]
    assert np.isclose(together[3], np.sqrt(np.mean(np.square(off))), rtol=1e-14)
