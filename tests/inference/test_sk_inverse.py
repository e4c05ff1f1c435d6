"""Back from order parameters to couplings: round trips, errors against perturbed data, bad input."""

import jax.numpy as jnp
import numpy as np
import pytest
from sk_reference import steady_state

import nonequil as nq
from nonequil import RESULTS
from nonequil.meanfield import SKRule

RULE = SKRule.resolving(2.0)


def test_couplings_come_back_from_independent_order_parameters():
    s = steady_state(beta=2.0, J0=1.0, dJ=0.5)
    found = nq.sk.recover(s.m, s.q, s.sigma, rule=RULE)
    assert found.result == RESULTS.successful
    assert abs(found.ensemble.J0 - 2.0) < 1e-9
    assert abs(found.ensemble.dJ - 1.0) < 1e-9
    assert found.misfit < 1e-12


def test_standard_errors_are_those_of_a_linear_fit():
    s = steady_state(beta=2.0, J0=1.0, dJ=0.5)
    stderr, exact = np.array([2e-4, 1e-4, 3e-4]), np.array([s.m, s.q, s.sigma])
    found = nq.sk.recover(*exact, stderr=tuple(stderr), rule=RULE)
    moved = []
    for k in range(3):  # the estimates are linear in small errors: their covariances add up
        ends = (exact + sign * np.eye(3)[k] * stderr[k] for sign in (1, -1))
        pair = [nq.sk.recover(*end, stderr=tuple(stderr), rule=RULE) for end in ends]
        moved.append([(a - b) / 2 for a, b in zip(*((p.ensemble.J0, p.ensemble.dJ) for p in pair), strict=True)])
    expected = np.sqrt(np.sum(np.square(moved), axis=0))
    np.testing.assert_allclose([found.J0_stderr, found.dJ_stderr], expected, rtol=1e-3)


def test_what_disorder_hides_is_named():
    s = steady_state(beta=1.0, J0=1.0, dJ=0.5)
    found = nq.sk.recover(s.m, s.q, s.sigma, rule=RULE)
    assert found.result == RESULTS.unidentified_parameters
    assert found.J0_stderr == jnp.inf
    assert jnp.isfinite(found.dJ_stderr)
    assert abs(found.ensemble.dJ - 0.5) < 1e-8


@pytest.mark.parametrize("m, q, sigma", [(0.9, 0.5, 0.1), (0.5, 1.0, 0.1), (0.5, 0.5, -0.1)])
def test_impossible_measurements_are_refused(m, q, sigma):
    with pytest.raises(ValueError, match=r"m\*\*2 <= q < 1 and sigma >= 0"):
        nq.sk.recover(m, q, sigma, rule=RULE)


def test_errors_must_be_above_zero():
    with pytest.raises(ValueError, match="stderr"):
        nq.sk.recover(0.5, 0.5, 0.1, stderr=(0.1, 0.0, 0.1), rule=RULE)


def test_the_most_dissipative_network_has_the_overlap_and_lies_at_the_bound():
    best = nq.sk.maximise_entropy_production(0.6, largest=1.5, rule=RULE)
    assert best.result == RESULTS.successful
    assert best.at_bound
    assert abs(best.ensemble.dJ - 1.5) < 1e-12
    reference = steady_state(beta=1.0, J0=float(best.ensemble.J0), dJ=1.5)
    assert abs(reference.q - 0.6) < 1e-9
    assert abs(reference.sigma - best.estimate.value) < 1e-9
    weaker = steady_state(beta=1.0, J0=1.47, dJ=0.5)
    assert reference.sigma > weaker.sigma


def test_an_overlap_out_of_reach_is_refused():
    with pytest.raises(ValueError, match=r"q must lie between 0 and 1: q = 1\.0"):
        nq.sk.maximise_entropy_production(1.0)
    with pytest.raises(ValueError, match="largest"):
        nq.sk.maximise_entropy_production(0.5, largest=0.0)
