"""The steady state of infinitely many spins: published values, independent sums, closed forms, gradients, bad input."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sk_reference import steady_state

import nonequil as nq
from nonequil import RESULTS
from nonequil.meanfield import SKRule
from nonequil.thermodynamics._sk_entropy import rate

SK = nq.SherringtonKirkpatrick
NAMES = ("J0", "dJ", "H0", "dH", "beta")
RULE = SKRule()
CRITICAL = 1.3484999610454949  # beta_c at J0 = 1, dJ = 0.5 without fields
COLUMNS = ("m", "q", "k", "S", "sigma", "qtilde", "sigma_sequential", "initial_slope", "rate")
POINTS = (  # beta, dJ, dH, H0 at J0 = 1
    (0.5, 0.5, 0, 0),
    (1, 1, 0, 0),
    (2, 0.5, 0, 0),
    (1.5, 0.3, 0.6, 0),
    (2, 0.5, 0.5, 0),
    (1, 0.7, 0, 0.25),
)
PUBLISHED = """
0            0            0.9441776898 0.6644816955 0.0590111056 0.5071691717 0.0290824921 -0.9717152361 0.9717422655
0            0            0.6057055096 0.4620088784 0.6057055096 0.5581460494 0.2676333723 -0.7876960719 0.7956889063
0.7246827025 0.6034843569 0.3254651727 0.2691080183 0.1290520323 0.8107062353 0.0616085278 -0.3611016481 0.9187652704
0.5240080051 0.3941344311 0.5575735132 0.4325780649 0.0684074552 0.7032209961 0.0335089127 -0.5815386530 0.9608200817
0.5571201732 0.4602484014 0.4078800876 0.3252227653 0.2201539293 0.7474483686 0.1030107815 -0.4726864693 0.8858723859
0.5102579000 0.3103889019 0.5636897425 0.4370591932 0.1904760841 0.6715948309 0.0907081264 -0.6256814063 0.9127695956
"""
PUBLISHED = np.array(PUBLISHED.split(), float).reshape(6, 9)
TAUS = (0.25, 0.5, 1, 2, 4, 8)
FORGETTING = (
    (0.78432624, 0.61516639, 0.37842765, 0.14320603, 0.02050769, 0.00042056),
    (0.82093248, 0.67354657, 0.45297814, 0.20456329, 0.04166555, 0.00172793),
    (0.91918740, 0.85474450, 0.76250353, 0.66705716, 0.61361647, 0.60374123),
    (0.87072952, 0.76902268, 0.62606708, 0.48288697, 0.40712637, 0.39441277),
    (0.89373326, 0.80821023, 0.68421978, 0.55282406, 0.47601071, 0.46070425),
    (0.85996110, 0.74824139, 0.58816067, 0.42203597, 0.32839172, 0.31085637),
)


def at(point):
    """The ensemble with the numbers of `point`, in the order of NAMES."""
    return SK(**dict(zip(NAMES, point, strict=True)))


@jax.jit
@jax.vmap
def everything(point):
    """All columns and C(tau) at one point."""
    sk = at(point)
    s = nq.sk.stationary(sk, rule=RULE)
    path, entropies = nq.sk.relaxation(s), nq.sk.path_entropies(s)
    sigma, slow = (rate(s, clock).value for clock in (nq.Parallel, nq.Sequential))
    columns = (s.m, s.q, s.k, entropies.forward, sigma, path.environment, slow, path.initial_slope, path.rate)
    return jnp.stack(columns), path.correlation(jnp.array([0.0, *TAUS])), s.result, entropies


@pytest.fixture(scope="module")
def solved():
    points = [(1.0, dJ, H0, dH, beta) for beta, dJ, dH, H0 in POINTS]
    return everything(jnp.array(points, float))


IDS = [f"beta {b}, dJ {dJ}, dH {dH}, H0 {H0}" for b, dJ, dH, H0 in POINTS]


@pytest.mark.published
@pytest.mark.parametrize("row", range(6), ids=IDS)
@pytest.mark.parametrize("column", range(len(COLUMNS)), ids=COLUMNS)
def test_published_values(row, column, solved):
    assert abs(solved[0][row, column] - PUBLISHED[row, column]) < 1e-8


@pytest.mark.published
@pytest.mark.parametrize("row", range(6), ids=IDS)
def test_published_correlations(row, solved):
    assert solved[1][row, 0] == 1
    np.testing.assert_allclose(solved[1][row, 1:], FORGETTING[row], atol=1e-6, rtol=0)


def test_all_of_them_are_successful_and_balanced(solved):
    assert jnp.all(solved[2] == RESULTS.successful)
    np.testing.assert_allclose(solved[3].reverse - solved[3].forward, solved[3].flow, atol=1e-14)
    np.testing.assert_allclose(solved[3].flow, solved[0][:, COLUMNS.index("sigma")], atol=1e-15)


def test_the_default_rules_agree_with_independent_sums():
    for point in [(1.0, 0.3, 0.0, 0.0, 1.0), (1.0, 1.0, 0.0, 0.0, 3.9), (1.2, 0.4, 0.1, 0.8, 2.0)]:
        s, reference = nq.sk.stationary(at(point)), steady_state(point[4], point[0], point[1], point[2], point[3])
        forward = nq.sk.path_entropies(s).forward
        found = [s.m, s.q, s.k, forward, s.stability.q]
        np.testing.assert_allclose(found, [*reference[:4], reference.slope], atol=3e-12, rtol=0)


@pytest.mark.published
def test_what_a_user_asks_for_carries_its_unit():
    sk = SK(J0=1.0, dJ=0.5, beta=2.0)
    fast, slow = (nq.sk.entropy_production_rate(sk, clock, rule=RULE) for clock in (nq.Parallel, nq.Sequential))
    assert abs(fast.value - 0.1290520323) < 1e-8
    assert abs(slow.value - 0.0616085278) < 1e-8
    assert (fast.unit, slow.unit) == (nq.Unit.per_step_per_spin, nq.Unit.per_sweep_per_spin)
    assert fast.kind is nq.KIND.exact
    assert slow.stderr == 0
    assert abs(nq.sk.correlation(sk, 1.0, rule=RULE) - 0.76250353) < 1e-6


def test_the_symmetric_branch_and_the_mirror_image():
    sk = SK(J0=1.0, dJ=0.5, beta=2.0)
    up, down, none = (nq.sk.stationary(sk, m0, rule=RULE) for m0 in (1.0, -1.0, 0.0))
    assert abs(down.m + up.m) < 1e-15
    assert abs(down.q - up.q) < 1e-14
    assert none.m == 0
    assert none.q == 0
    assert none.result == RESULTS.successful
    assert not none.stability.parallel
    assert none.stability.m > 1
    assert up.stability.parallel


def test_without_disorder_the_production_is_exactly_zero():
    lc = lambda x: np.log(np.cosh(x))  # noqa: E731
    sk = SK(J0=1.0, dJ=0.0, dH=0.5, beta=2.0)
    s = nq.sk.stationary(sk)
    g, B = 2.0 * float(s.m), 1.0
    assert float(s.m) == pytest.approx((lc(B + g) - lc(g - B)) / (2 * B), abs=1e-13)
    assert float(s.q) == pytest.approx(1 - (np.tanh(g + B) - np.tanh(g - B)) / (2 * B), abs=1e-13)
    assert nq.sk.entropy_production_rate(sk).value == 0
    assert nq.sk.entropy_production_rate(sk, clock=nq.Sequential).value == 0
    assert nq.sk.entropy_production_rate(dataclasses.replace(sk, dJ=1.0, beta=0.0)).value == 0


def test_gaussian_fields_are_exact_in_their_own_quadrature():
    sk = SK(J0=1.0, dJ=0.5, H0=0.1, dH=0.7, beta=1.3, fields=nq.ensembles.GaussianFields())
    s = nq.sk.stationary(sk)
    u, w = np.polynomial.hermite_e.hermegauss(60)
    z, y, w = u[:, None, None], u[:, None], w / w.sum()
    shared, own = 0.65 * np.sqrt(float(s.q)), 0.65 * np.sqrt(1 - float(s.q))
    given = np.einsum("hzy,y->hz", np.tanh(1.3 * (0.1 + 0.7 * z + float(s.m)) + shared * y + own * u), w)
    assert float(s.m) == pytest.approx(w @ given @ w, abs=1e-7)
    assert float(s.q) == pytest.approx(w @ given**2 @ w, abs=1e-7)
    work = 1.3 * np.einsum("h,hz,z->", w * (0.1 + 0.7 * u), given, w)
    assert float(s.averages.field_work) == pytest.approx(work, abs=1e-7)


def test_as_a_closure_it_rests_at_the_same_point():
    sk = SK(J0=1.0, dJ=0.5, H0=0.05, dH=0.3, beta=1.5)
    s = nq.sk.stationary(sk)
    solution = nq.meanfield.solve(nq.sk.AsymmetricSK(SKRule.resolving(1.0, 0.45)), sk)
    assert float(solution.q.m) == pytest.approx(float(s.m), abs=1e-12)
    assert float(solution.q.q) == pytest.approx(float(s.q), abs=1e-12)
    assert float(solution.spectral_radius) == pytest.approx(max(float(s.stability.m), float(s.stability.q)), abs=1e-10)


def test_antiferromagnets_alternate_under_the_parallel_clock_only():
    sk = SK(J0=-3.0, dJ=0.2, H0=0.4, beta=3.0)
    s = nq.sk.stationary(sk, rule=RULE)
    assert s.result == RESULTS.successful
    assert s.stability.m < -1
    assert not s.stability.parallel
    assert s.stability.sequential
    path = nq.sk.transient(sk, m0=0.9, steps=40).m
    assert abs(path[-1] - path[-3]) < 1e-6
    assert abs(path[-1] - path[-2]) > 0.1
    with pytest.raises(ValueError, match=r"alternates with period two.*Sequential"):
        nq.sk.entropy_production_rate(sk, clock=nq.Parallel, rule=RULE)
    with pytest.raises(ValueError, match="alternates with period two"):
        nq.sk.path_entropies(s)
    assert nq.sk.entropy_production_rate(sk, clock=nq.Sequential, rule=RULE).value > 0
    with pytest.raises(Exception, match="alternates with period two"):
        eqx.filter_jit(nq.sk.path_entropies)(s)


def production(p, m0=1.0):
    """Entropy production of both clocks."""
    s = nq.sk.stationary(SK(J0=p[1], dJ=p[2], H0=p[3], dH=p[4], beta=p[0]), m0, rule=RULE)
    return jnp.stack([rate(s, clock).value for clock in (nq.Parallel, nq.Sequential)])


both = jax.jit(lambda p: (production(p), jax.jacrev(production)(p)))


GRADIENTS = {
    "ordered": (2.0, 1.0, 0.5, 0.0, 0.0),
    "disordered": (1.1, 1.0, 0.5, 0.0, 0.0),
    "just above": (CRITICAL + 1e-3, 1.0, 0.5, 0.0, 0.0),
    "just below": (CRITICAL - 1e-3, 1.0, 0.5, 0.0, 0.0),
    "fields": (1.5, 1.1, 0.6, 0.1, 0.7),
}


@pytest.mark.parametrize("point", GRADIENTS.values(), ids=GRADIENTS)
def test_gradients_against_central_differences(point):
    p, step = jnp.array(point), 1e-5
    found = both(p)[1]
    for i in range(5):
        if p[i] == 0:
            continue  # a half width cannot be negative; with H0 the sign of m would change
        move = step * jnp.eye(5)[i]
        difference = (both(p + move)[0] - both(p - move)[0]) / (2 * step)
        np.testing.assert_allclose(found[:, i], difference, rtol=1e-6, atol=1e-9)


@pytest.mark.published
def test_the_published_gradient():
    found = both(jnp.array(GRADIENTS["ordered"]))[1][0, :3]
    np.testing.assert_allclose(found, [-0.13634513, -1.02608767, 1.50679479], atol=1e-8)


@jax.jit
def critical(beta, m0):
    def value(beta):
        s = nq.sk.stationary(SK(J0=1.0, dJ=0.5, beta=beta), m0, rule=RULE)
        return jnp.stack([s.variance * s.k * (1 - s.q), s.q, s.m]), s.result

    return *jax.jacrev(value, has_aux=True)(beta), jax.jacfwd(lambda b: value(b)[0])(beta)


@pytest.mark.published
@pytest.mark.parametrize(
    "m0, sigma, q, m",
    [(1.0, -0.7107552, 1.998511, np.inf), (0.0, 0.3935036, 0.0, 0.0), (-1.0, -0.7107552, 1.998511, -np.inf)],
)
def test_at_the_critical_point_derivatives_are_those_of_the_branch(m0, sigma, q, m):
    reverse, result, forward = critical(CRITICAL, m0)
    assert result == RESULTS.marginal
    for found in (reverse, forward):
        np.testing.assert_allclose(found[:2], [sigma, q], atol=2e-7)
        assert found[2] == m


def test_critical_derivatives_are_limits_of_those_beside():
    step = 2.5e-4
    above, below = critical(CRITICAL + step, 1.0), critical(CRITICAL - step, 1.0)
    here, symmetric = critical(CRITICAL, 1.0), critical(CRITICAL, 0.0)
    assert above[1] == RESULTS.successful
    assert abs(above[0][0] - here[0][0]) < 10 * step
    assert abs(below[0][0] - symmetric[0][0]) < 10 * step
    assert np.all(np.isfinite(above[0]))
    assert float(above[0][2]) == pytest.approx(np.sqrt(1.498883 / step) / 2, rel=0.01)


def test_second_derivatives_against_differences_of_first():
    rule = SKRule.resolving(1.0)

    def sigma(beta):
        return rate(nq.sk.stationary(SK(J0=1.0, dJ=0.5, beta=beta), rule=rule), nq.Parallel).value

    first = jax.jit(jax.grad(sigma))
    second = jax.jit(jax.grad(jax.grad(sigma)))(1.9)
    difference = (first(1.9 + 1e-5) - first(1.9 - 1e-5)) / 2e-5
    assert abs(second - difference) < 1e-6 * abs(second)


def test_single_precision_is_honest():
    sk = jax.tree.map(lambda x: x.astype(jnp.float32), SK(J0=1.0, dJ=0.5, dH=0.5, beta=2.0))
    s = nq.sk.stationary(sk)
    assert s.m.dtype == jnp.float32
    assert s.result == RESULTS.successful
    np.testing.assert_allclose([s.m, s.q, s.k], [0.5571201732, 0.4602484014, 0.4078800876], atol=2e-5)
    assert abs(nq.sk.entropy_production_rate(sk, clock=nq.Sequential).value - 0.1030107815) < 2e-5


def test_a_rule_too_coarse_is_flagged():
    solved = jax.jit(lambda beta: nq.sk.stationary(SK(J0=1.0, dJ=1.0, beta=beta)).result)
    assert solved(3.9) == RESULTS.successful
    assert solved(8.0) == RESULTS.quadrature_too_coarse
    fields = jax.jit(lambda dH: nq.sk.stationary(SK(J0=1.0, dJ=1.0, dH=dH, beta=1.0)).result)
    assert fields(3.9) == RESULTS.successful
    assert fields(9.0) == RESULTS.quadrature_too_coarse
    assert nq.sk.stationary(SK(J0=1.0, dJ=1.0, beta=8.0)).result == RESULTS.successful
    with pytest.raises(Exception, match="too coarse"):
        nq.sk.stationary(SK(J0=1.0, dJ=1.0, beta=8.0), rule=RULE, throw=True)


BAD = {
    "m0": (lambda x: nq.sk.stationary(SK(J0=1.0, dJ=0.5), x, rule=RULE).m, 1.5, r"m0.*\[-1, 1\]"),
    "m0 of a transient": (lambda x: nq.sk.transient(SK(J0=1.0, dJ=0.5), x, steps=1).m, -2.0, r"m0.*\[-1, 1\]"),
    "tau": (lambda x: nq.sk.correlation(SK(J0=1.0, dJ=0.5), x, rule=RULE), -1.0, "tau.*must not be negative"),
    "dJ": (lambda x: SK(J0=1.0, dJ=x).dJ, -0.5, "dJ must be finite and not negative"),
    "dH": (lambda x: SK(J0=1.0, dJ=0.5, dH=x).dH, -0.5, "dH must be finite and not negative"),
    "beta": (lambda x: SK(J0=1.0, dJ=0.5, beta=x).beta, -0.5, "beta must be finite and not negative"),
}


@pytest.mark.parametrize("call, value, message", BAD.values(), ids=BAD)
def test_bad_values_are_refused(call, value, message):
    with pytest.raises(ValueError, match=rf"{message}.*{value}"):
        call(value)
    with pytest.raises(Exception, match=message):
        jax.block_until_ready(eqx.filter_jit(call)(jnp.asarray(value)))


def test_what_is_not_scalar_is_sent_to_the_blocks():
    with pytest.raises(ValueError, match=r"dJ has shape \(2,\).*BlockSherringtonKirkpatrick"):
        SK(J0=1.0, dJ=[0.5, 0.6])


def test_another_clock_is_refused_by_name():
    class Shuffled(nq.dynamics.AbstractSpinClock):
        pass

    with pytest.raises(ValueError, match=r"Shuffled.*Parallel, Sequential"):
        nq.sk.entropy_production_rate(SK(J0=1.0, dJ=0.5), clock=Shuffled)
