"""Flows of the mean field against enumeration: one is biased, the other has the term that corrects it."""

import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
import scipy.integrate

import nonequil as nq

th = nq.thermodynamics
CLOSURE = nq.meanfield.MezardSakellariou()


def network(g, symmetric=False, n=8):
    J = jr.normal(jr.key(1), (n, n)) / np.sqrt(n)
    J = (J + J.T) / np.sqrt(2) if symmetric else J
    return nq.Ising(g * J, 0.3 * jr.normal(jr.key(2), (n,)))


def both(model):
    """The independent flow and the corrected one, in the steady state of the mean field."""
    m = nq.meanfield.solve(CLOSURE, model).q
    return th.independent_entropy_flow(model, m, m).value, th.mean_field_entropy_production(model).value


@pytest.mark.parametrize("g", [0.2, 0.4])
def test_symmetric_couplings_produce_nothing_but_the_independent_flow_says_otherwise(g):
    model = network(g, symmetric=True)
    independent, corrected = both(model)
    assert abs(th.exact(nq.Parallel(model)).value) < 1e-13
    assert abs(corrected) < 0.02 * independent
    assert independent > 0.5 * g**2


@pytest.mark.parametrize("g", [0.1, 0.3])
def test_the_corrected_flow_is_right_for_weak_couplings(g):
    """Errors of higher order in g than the production, which is of second order; the other is off at second order."""
    model = network(g)
    exact = th.exact(nq.Parallel(model)).value
    independent, corrected = both(model)
    assert abs(corrected - exact) < 0.8 * g * exact
    assert abs(independent - exact) > 0.05 * exact


def test_the_steady_flow_is_the_variance_of_fields_times_their_gain():
    """Stein's lemma: E[h tanh h] - m E[h] = Delta E[sech(h)^2] where m = E tanh h."""
    model = network(0.8)
    m = nq.meanfield.solve(CLOSURE, model).q
    found = th.independent_entropy_flow(model, m, m)
    parts = nq.meanfield.field_variance(m, model) * CLOSURE.gains(m, model)
    np.testing.assert_allclose(found.details["by_site"], parts, atol=1e-10)
    assert found.kind is nq.KIND.biased
    assert found.result == nq.RESULTS.successful


def test_a_step_in_a_transient_against_integrals():
    model, m, m_next = network(0.8, n=2), jnp.array([0.2, -0.5]), jnp.array([0.4, 0.1])
    J, H = np.asarray(model.J), np.asarray(model.H)

    def mean(f, m, i):
        g, s = H[i] + J[i] @ m, np.sqrt(J[i] ** 2 @ (1 - m**2))
        return scipy.integrate.quad(lambda z: f(g + s * z) * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi), -12, 12)[0]

    before, after = np.asarray(m), np.asarray(m_next)
    log = lambda h: np.logaddexp(h, -h)  # noqa: E731
    for i, part in enumerate(th.independent_entropy_flow(model, m, m_next).details["by_site"]):
        back = mean(log, after, i) - before[i] * mean(lambda h: h, after, i)
        np.testing.assert_allclose(part, back - mean(lambda h: log(h) - h * np.tanh(h), before, i), atol=1e-9)


def test_couplings_that_the_rule_does_not_resolve_are_reported():
    model = nq.Ising(200 * jnp.ones((2, 2)), jnp.zeros(2))
    flow = th.independent_entropy_flow(model, jnp.zeros(2), jnp.zeros(2), rule=nq.numerics.Trapezoid(16))
    assert flow.result == nq.RESULTS.quadrature_too_coarse
