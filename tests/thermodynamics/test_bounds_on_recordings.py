"""The arrow of time of real recordings, row by row of the table in `recorded`."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest
from recorded import QUICK, ROWS, SETS, folder, transitions

import nonequil as nq
from nonequil.thermodynamics import MaxEntBound, QuadraticBound

pytestmark = [
    pytest.mark.recording,
    pytest.mark.skipif(folder() is None, reason="NONEQUIL_DATA names no folder of recordings"),
]


@pytest.mark.parametrize("row, name", QUICK, ids=str)
def test_the_quadratic_estimate_of_a_recording(row, name):
    known = ROWS[row]
    estimate = QuadraticBound(SETS[name]())(transitions(*row))
    assert estimate.details["n"] == known["n"]
    assert estimate.details["n_blocks"] == known["blocks"]
    assert abs(estimate.details["u"] - known[name]) <= known[name] * 1e-4 + 0.5 * known["digit"]
    assert np.isclose(estimate.details["u_stderr"], known[f"{name}_stderr"], rtol=0.2)
    assert abs(estimate.details["null_mean"]) < 4 * estimate.details["null_spread"] / np.sqrt(200)
    assert np.isclose(estimate.details["null_spread"], known["null_spread"], rtol=0.35) or name != "default"
    assert jnp.isclose(estimate.value, np.log1p(estimate.details["u"]))
    assert estimate.unit is nq.Unit.per_bin


UNITS = 24  # of 53: the whole recording is a page of its own, `scripts/verify/recordings.py`


def test_the_brownian_bar_by_maximum_entropy():
    t = transitions("bar", 0.02)
    t = dataclasses.replace(t, x=t.x[:, :UNITS], x_next=t.x_next[:, :UNITS])
    maxent, quadratic = MaxEntBound()(t), QuadraticBound()(t)
    assert maxent.result == nq.RESULTS.successful
    assert quadratic.value < maxent.value < maxent.details["in_sample"]
    assert 0 < maxent.stderr < 0.03
    assert maxent.details["finite_optimum"] is False  # some pairs of cells only ever fire in one order
    assert maxent.details["ridge"] > 0
