"""Critical lines of the asymmetric SK model, against published values, quadrature with Brent's method, closed forms."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate
import scipy.optimize
import scipy.special

import nonequil as nq
from nonequil.ensembles import GaussianFields, UniformFields

SK = nq.SherringtonKirkpatrick
END = np.sqrt(2 / np.pi)


@jax.jit
@jax.vmap
def beta_and_slopes(J0, dJ, dH):
    return jax.value_and_grad(lambda p: nq.sk.critical_beta(SK(p[0], p[1], dH=p[2]), throw=False))((J0, dJ, dH))


PUBLISHED = {
    "dJ 0.2": (0.2, 0.0, 1.0417098933),
    "dJ 0.5": (0.5, 0.0, 1.3484999610),
    "dJ 0.6": (0.6, 0.0, 1.6281474039),
    "dJ 0.2, dH 0.6": (0.2, 0.6, 1.2119391513),
}


@pytest.mark.published
@pytest.mark.parametrize("dJ, dH, beta", PUBLISHED.values(), ids=PUBLISHED)
def test_published_critical_temperatures(dJ, dH, beta):
    assert abs(lines()[0][ROWS.index((dJ, dH))] - beta) < 1e-8


@pytest.mark.published
def test_the_published_limiting_line_is_at_a_finite_temperature():
    assert abs(lines()[0][ROWS.index((0.795019, 0.0))] - 13.41) < 5e-3


ROWS = [(dJ, dH) for dJ, dH, _ in PUBLISHED.values()] + [
    *(
        (0.795019, 0.0),
        (0.0, 0.0),
        (0.0, 0.6),
        (0.05, 0.9),
        (0.3, 0.02),
        (0.3, 0.9),
        (0.9, 0.0),
        (END * (1 - 1e-6), 0.0),
    ),
]


@functools.cache
def lines():
    return beta_and_slopes(jnp.ones(len(ROWS)), *jnp.array(ROWS).T)


def gain(beta, dJ, dH):
    """Mean gain at m = 0 by adaptive quadrature over the normal variable, fields in closed form."""

    def at(z):
        if dH == 0:
            return 1 / np.cosh(beta * dJ * z) ** 2
        return np.tanh(beta * (dH + dJ * z)) / (beta * dH)

    weigh = lambda z: at(z) * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)  # noqa: E731
    return scipy.integrate.quad(weigh, -9, 9, epsabs=1e-12, limit=400, points=[0.0, -dH / dJ] if dH / dJ < 9 else [0])[
        0
    ]


@pytest.mark.parametrize("dJ, dH", [(0.05, 0.9), (0.3, 0.02), (0.3, 0.9)])
def test_lines_against_quadrature(dJ, dH):
    exact = scipy.optimize.brentq(lambda beta: beta * gain(beta, dJ, dH) - 1, 0.9, 40, xtol=1e-13)
    assert abs(lines()[0][ROWS.index((dJ, dH))] - exact) < 1e-9


def test_lines_without_disorder_in_the_couplings():
    assert abs(lines()[0][ROWS.index((0.0, 0.0))] - 1) < 1e-14
    beta = lines()[0][ROWS.index((0.0, 0.6))]
    assert abs(np.tanh(0.6 * beta) - 0.6) < 1e-14


def test_the_line_runs_to_temperature_zero_where_it_should():
    """beta k (at m = 0) is sqrt(2 / pi) / dJ less a fraction pi**2 / (24 beta**2 dJ**2)."""
    beta = lines()[0][-1]
    assert abs(beta * END * np.sqrt(24e-6) / np.pi - 1) < 2e-6


def test_slopes_are_homogeneous_and_finite():
    """beta_c has the dimension of 1 / J0, so its slopes times the parameters add up to -beta_c (Euler)."""
    beta, (by_J0, by_dJ, by_dH) = lines()
    dJ, dH = jnp.array(ROWS).T
    some = jnp.isfinite(beta)
    np.testing.assert_allclose((by_J0 + dJ * by_dJ + dH * by_dH)[some], -beta[some], rtol=1e-9)
    assert np.isfinite(jnp.stack(lines()[1])).all()
    assert np.all(by_dJ[some] > -1e-14)


def test_theory_orders_above_the_line_and_its_production_there_is_known():
    beta = 1.3484999610
    points = jnp.array([[0.999, 1.0], [0.999, 0.0], [1.0, 0.0], [1.001, 1.0], [1.001, 0.0]])
    rule = nq.sk.SKRule.resolving(1.0)
    s = jax.jit(jax.vmap(lambda b, m0: nq.sk.stationary(SK(1.0, 0.5, beta=b * beta), m0, rule=rule)))(*points.T)
    sigma = (points[:, 0] * beta * 0.5) ** 2 * s.k * (1 - s.q)
    assert abs(sigma[2] - beta * 0.25) < 1e-10  # beta_c dJ**2 / J0
    assert abs(sigma[0] - sigma[1]) < 1e-12
    assert sigma[3] < sigma[4] - 1e-4


def test_normal_fields_add_to_the_disorder_of_the_couplings():
    """The mean gain at m = 0, all that the lines read of a law, is that of one normal variable of both variances."""
    dH, dJ, T = jnp.array([[0.4, 0.3, 0.7], [1.0, 0.0, 0.0], [0.0, 0.5, 0.1], [0.0, 0.0, 0.4], [0.2, 0.1, 5.0]]).T
    gains = jax.jit(jax.vmap(lambda *x: (GaussianFields().bell(*x), UniformFields().bell(0 * x[0], *x[1:]))))
    np.testing.assert_allclose(gains(dH, dJ, T)[0], gains(0 * dH, jnp.hypot(dH, dJ), T)[1], rtol=1e-14)


@pytest.mark.published
def test_ends_of_the_lines_at_temperature_zero():
    lines = [nq.sk.critical_dJ(1.0), nq.sk.critical_dJ(1.0, 0.5), nq.sk.critical_dJ(2.0, 1.0)]
    np.testing.assert_allclose(lines, [0.7978845608, 0.7413011093, 2 * 0.7413011093], atol=2e-10)
    fields = [nq.sk.critical_dH(1.0, 0.2), nq.sk.critical_dH(1.0, 0.0), nq.sk.critical_dH(1.0, 0.7413011093)]
    np.testing.assert_allclose(fields, [0.9999994, 1.0, 0.5], atol=5e-8)
    assert abs(scipy.special.erf(fields[0] / (0.2 * np.sqrt(2))) - fields[0]) < 1e-15


def test_no_transition_is_an_error_or_infinity():
    for sk in (SK(1.0, 0.8), SK(-1.0, 0.2), SK(1.0, 0.2, dH=1.0)):
        with pytest.raises(ValueError, match="There is no transition: it takes J0 > 0"):
            nq.sk.critical_beta(sk)
    assert lines()[0][ROWS.index((0.9, 0.0))] == jnp.inf
    assert nq.sk.critical_beta(SK(-1.0, 0.2), throw=False) == jnp.inf
    with pytest.raises(ValueError, match=r"no transition.*J0 and the disorder dH = \[ ?-1"):
        nq.sk.critical_dJ(-1.0)
    with pytest.raises(ValueError, match=r"no transition.*J0 and the disorder dJ = \[1.  0.8\]"):
        nq.sk.critical_dH(1.0, 0.8)
    assert nq.sk.critical_dH(1.0, 0.8, throw=False) == 0
    with pytest.raises(ValueError, match="dH must be finite and not negative: dH = -0"):
        nq.sk.critical_dJ(1.0, -0.5)


def test_a_common_field_leaves_no_transition():
    with pytest.raises(ValueError, match=r"H0 = 0. Here H0 = 0.1"):
        nq.sk.critical_beta(SK(1.0, 0.3, H0=0.1))


def test_bad_values_are_refused_in_traces_too():
    traced = eqx.filter_jit(nq.sk.critical_beta)
    with pytest.raises(eqx.EquinoxRuntimeError, match="There is no transition"):
        jax.block_until_ready(traced(SK(1.0, jnp.array(0.9), H0=jnp.array(0.0))))
    with pytest.raises(eqx.EquinoxRuntimeError, match="A transition needs a vanishing common field"):
        jax.block_until_ready(traced(SK(1.0, jnp.array(0.3), H0=jnp.array(0.1))))


def test_single_precision():
    beta = nq.sk.critical_beta(SK(*jnp.array([1.0, 0.5, 0.0, 0.0, 1.0], jnp.float32)))
    assert beta.dtype == jnp.float32
    assert abs(beta - 1.34849996) < 1e-5
