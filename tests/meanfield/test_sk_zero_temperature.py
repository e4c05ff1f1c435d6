"""The asymmetric SK model at temperature zero, against published values and scipy's Owen function, Brent and DOP853."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate
import scipy.optimize
import scipy.special
from sk_reference import relaxation, steady_state

import nonequil as nq
from nonequil import KIND, RESULTS, Unit
from nonequil.dynamics import AbstractSpinClock
from nonequil.ensembles import GaussianFields

SK = nq.SherringtonKirkpatrick
SLOPE = nq.sk.entropy_production_slope


def at(dJ, J0=1.0, H0=0.0, dH=0.0, m0=1.0):
    return dict(J0=J0, dJ=dJ, H0=H0, dH=dH, m0=m0)


POINTS = {
    "ordered": at(0.5),
    "disordered": at(0.5, m0=0.0),
    "no ferromagnet": at(1.0, J0=0.0),
    "uniform fields": at(0.4, H0=0.1, dH=0.6),
    "wide fields": at(0.2, dH=0.8),
    "antiferromagnet": at(0.5, J0=-1.0, H0=0.3),
    "nearly sharp": at(0.05),
    "underflow": at(0.01),
    "too wide": at(0.01, dH=0.8),
}


def stacked(names):
    return [jnp.array([POINTS[name][key] for name in names]) for key in ("J0", "dJ", "H0", "dH", "m0")]


@jax.jit
@jax.vmap
def solve(J0, dJ, H0, dH, m0):
    def qtilde(sk):
        found = nq.sk.zero_temperature(sk, m0)
        return found.qtilde, found

    (_, found), slope = eqx.filter_value_and_grad(qtilde, has_aux=True)(SK(J0, dJ, H0, dH))
    return found, (slope.J0, slope.dJ, slope.H0, slope.dH)


@functools.cache
def solved():
    return solve(*stacked(POINTS))


PLACE = {name: k for k, name in enumerate(POINTS)}


def solution(name):
    return jax.tree.map(lambda leaf: leaf[PLACE[name]], solved()[0])


class Judge:
    """m, q, beta k and F by scipy; fields uniform."""

    def __init__(self, J0, dJ, H0, dH, m0):
        u, w = np.polynomial.legendre.leggauss(200 if dH else 1)
        self.H, self.w, self.J0, self.dJ = H0 + dH * u, w / 2, J0, dJ
        start = 1e-3 if m0 > 0 and self.f(1e-3) > 1e-3 else -1.0
        self.m = scipy.optimize.brentq(lambda m: self.f(m) - m, start, 1.0, xtol=1e-16) if m0 != 0 else 0.0
        self.beta_k = self.w @ np.exp(-(self.a(self.m) ** 2) / 2) * np.sqrt(2 / np.pi) / dJ

    def a(self, m):
        return (self.H + self.J0 * m) / self.dJ

    def f(self, m):
        return self.w @ scipy.special.erf(self.a(m) / np.sqrt(2))

    def overlap(self, c):
        return 1 - 8 * self.w @ scipy.special.owens_t(self.a(self.m), np.sqrt((1 - c) / (1 + c)))

    @property
    def q(self):
        return scipy.optimize.brentq(lambda c: self.overlap(c) - c, -0.5, 1 - 1e-6, xtol=1e-16)


@pytest.mark.parametrize("name", list(POINTS)[:6])
def test_order_parameters_and_relaxation_against_scipy(name):
    found, judge = solution(name), Judge(**POINTS[name])
    for value, exact in ((found.m, judge.m), (found.q, judge.q), (found.beta_k, judge.beta_k)):
        assert abs(value - exact) < 1e-12
    step = 1e-6
    assert abs(found.stability.m - (judge.f(judge.m + step) - judge.f(judge.m - step)) / (2 * step)) < 1e-8
    assert abs(found.stability.q - (judge.overlap(judge.q + step) - judge.overlap(judge.q - step)) / (2 * step)) < 1e-8
    path = relaxation(judge.overlap, judge.q)
    assert abs(found.qtilde - path.qtilde) < 2e-10
    assert abs(found.initial_slope - path.initial_slope) < 2e-10
    assert found.result == RESULTS.successful


@pytest.mark.published
def test_published_values():
    ordered, disordered = solution("ordered"), solution("no ferromagnet")
    for value, exact in zip((ordered.m, ordered.q, ordered.beta_k), (0.93985141, 0.97655885, 0.27272658), strict=True):
        assert abs(value - exact) < 1e-8
    assert abs(disordered.m) + abs(disordered.q) < 1e-15
    assert abs(disordered.initial_slope + np.sqrt(4 / np.pi - 1)) < 1e-14
    assert abs(disordered.qtilde - 0.6386004330) < 1e-10


@pytest.mark.published
def test_published_slopes_of_the_entropy_production():
    ordered, disordered = SK(1.0, 0.5), SK(0.0, 2.0)
    parallel, sequential = SLOPE(ordered), SLOPE(disordered, nq.Sequential)
    assert abs(parallel.value - 0.00159826) < 1e-8
    assert abs(sequential.value - 2 * 0.2883551348) < 1e-9
    assert (parallel.unit, sequential.unit) == (Unit.per_step_per_spin, Unit.per_sweep_per_spin)
    assert parallel.kind is KIND.exact
    assert abs(SLOPE(disordered).value - 2 * np.sqrt(2 / np.pi)) < 1e-14


def test_the_limit_is_approached():
    """k beta dJ = sqrt(2 / pi) (1 - pi**2 / (24 D)) + ... without magnetisation, D = (beta dJ)**2."""
    beta = 16.0
    slope = steady_state(beta, 0.0, 1.0).sigma / beta
    assert abs(slope / SLOPE(SK(0.0, 1.0)).value - (1 - np.pi**2 / (24 * beta**2))) < 1e-5


def test_normal_fields_are_frozen_disorder():
    """m and beta k see one variance; overlaps of fields have the frozen part in common."""
    sk = SK(1.0, 0.3, dH=0.4, fields=GaussianFields())
    found, judge = nq.sk.zero_temperature(sk), Judge(**at(0.5))
    assert abs(found.m - judge.m) < 1e-13
    assert abs(found.beta_k - judge.beta_k) < 1e-13
    frozen = lambda c: judge.overlap((0.09 * c + 0.16) / 0.25)  # noqa: E731
    q = scipy.optimize.brentq(lambda c: frozen(c) - c, 0, 1 - 1e-6, xtol=1e-16)
    assert abs(found.q - q) < 1e-12
    assert abs(found.qtilde - relaxation(frozen, q).qtilde) < 2e-10


def test_slopes_are_homogeneous_and_finite():
    """Overlaps have no unit, so the slopes times the parameters add up to zero (Euler)."""
    slopes = solved()[1]
    total = sum(p * slope for p, slope in zip(stacked(POINTS)[:4], slopes, strict=True))
    np.testing.assert_allclose(total, 0, atol=1e-12)
    assert np.isfinite(slopes).all()
    assert np.max(np.abs(slopes[1])) > 0.1


def test_a_network_that_is_nearly_sharp_is_still_noisy():
    for name in ("nearly sharp", "underflow"):
        found = solution(name)
        assert found.result == RESULTS.successful
        assert found.q == found.qtilde == 1
    assert 0 < solution("nearly sharp").beta_k < 1e-80


def test_fields_too_wide_for_their_nodes_are_flagged():
    assert solution("too wide").result == RESULTS.quadrature_too_coarse


def test_parallel_steps_that_alternate_are_refused():
    sk = SK(-1.0, 0.5)
    assert nq.sk.zero_temperature(sk).stability.m < -1
    with pytest.raises(ValueError, match="parallel steps do not rest here"):
        SLOPE(sk)
    assert SLOPE(sk, nq.Sequential).value > 0


def test_bad_values_are_refused():
    with pytest.raises(ValueError, match=r"needs random couplings, dJ > 0 .* Here dJ = 0"):
        nq.sk.zero_temperature(SK(1.0, 0.0))
    with pytest.raises(ValueError, match=r"must lie in \[-1, 1\]: m0 = 1.2"):
        nq.sk.zero_temperature(SK(1.0, 0.5), 1.2)
    with pytest.raises(ValueError, match="the theory knows Parallel, Sequential"):
        SLOPE(SK(1.0, 0.5), AbstractSpinClock)


@pytest.mark.parametrize("dJ, m0, message", [(0.0, 1.0, "needs random couplings"), (0.5, -1.2, "must lie in")])
def test_bad_values_are_refused_in_traces_too(dJ, m0, message):
    with pytest.raises(eqx.EquinoxRuntimeError, match=message):
        jax.block_until_ready(TRACED(jnp.array(dJ), jnp.array(m0)))


TRACED = eqx.filter_jit(lambda dJ, m0: nq.sk.zero_temperature(SK(1.0, dJ), m0).m)


def test_single_precision():
    found = nq.sk.zero_temperature(SK(*jnp.array([1.0, 0.5, 0.0, 0.0, 1.0], jnp.float32)))
    values = (found.m, found.q, found.beta_k, found.qtilde)
    assert all(value.dtype == jnp.float32 for value in values)
    np.testing.assert_allclose(values, (0.93985141, 0.97655885, 0.27272658, 0.9908727), atol=2e-6)
