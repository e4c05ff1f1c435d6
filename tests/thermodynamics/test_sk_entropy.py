"""Entropies of infinitely many spins: published transients, an independent recursion, populations, phase diagrams."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import nonequil as nq
from nonequil import RESULTS
from nonequil.meanfield import SKRule

SK = nq.SherringtonKirkpatrick
TRANSIENT = """
0.806778  0.806778  nan       0.246252  0.185650  -0.060602
0.709726  0.636081  0.709726  0.318916  0.324433  0.005518
0.649291  0.531674  0.584420  0.356471  0.421165  0.064694
0.607580  0.464346  0.499890  0.379550  0.486474  0.106924
0.576976  0.417961  0.442764  0.395148  0.532062  0.136914
0.553590  0.384299  0.402353  0.406350  0.565212  0.158863
0.535198  0.358902  0.372522  0.414742  0.590182  0.175440
0.520418  0.339174  0.349744  0.421226  0.609525  0.188299
"""


@pytest.mark.published
def test_the_published_transient():
    t = nq.sk.transient(SK(J0=1.0, dJ=0.5, beta=1.5), m0=1.0, steps=8)
    s = nq.sk.path_entropies(t)
    lag_two = np.append(np.nan, jnp.diagonal(t.q, -2))
    found = np.stack([t.m[1:], jnp.diagonal(t.q, -1), lag_two, s.forward, s.reverse, s.flow], axis=1)
    np.testing.assert_allclose(found, np.array(TRANSIENT.split(), float).reshape(8, 6), atol=1e-6)
    assert jnp.all(jnp.diagonal(t.q) == 1)
    assert jnp.all(t.q == t.q.T)
    assert jnp.isnan(t.k[0])


def test_a_long_transient_ends_in_the_steady_state():
    sk = SK(J0=1.0, dJ=0.5, H0=0.1, dH=0.5, beta=2.0)
    t, s = nq.sk.transient(sk, m0=0.5, steps=60), nq.sk.stationary(sk)
    assert abs(t.m[-1] - s.m) < 1e-10
    assert abs(t.q[-1, -30] - s.q) < 1e-8
    steady, last = nq.sk.path_entropies(s), jax.tree.map(lambda x: x[-1], nq.sk.path_entropies(t).flow)
    assert abs(last - steady.flow) < 1e-8


def recursion(J0, dJ, H0, dH, beta, m0, steps):
    """The transient by plain sums over shared and own noise; fields on Gauss-Legendre nodes."""
    z, w = np.polynomial.hermite_e.hermegauss(80)
    w = w / w.sum()
    u, v = np.polynomial.legendre.leggauss(24)
    H, v, s, D = beta * (H0 + dH * u), v / 2, beta * dJ, (beta * dJ) ** 2
    one = lambda f, m: (f(H[:, None] + beta * J0 * m + s * z) @ w) @ v  # noqa: E731

    def two(c, a, b):
        x = s * z[:, None]
        y = s * (c * z[:, None] + np.sqrt(1 - c * c) * z)
        left, right = (np.tanh(H[:, None, None] + beta * J0 * m + f) for m, f in ((a, x), (b, y)))
        return np.einsum("h,x,y,hxy,hxy->", v, w, w, np.broadcast_to(left, right.shape), right)

    m, q = [m0], np.eye(steps + 1)
    work, gain = [v @ H * m0], [np.nan]
    for i in range(1, steps + 1):
        work.append(v @ (H * (np.tanh(H[:, None] + beta * J0 * m[-1] + s * z) @ w)))
        gain.append(one(lambda x: 1 / np.cosh(x) ** 2, m[-1]))
        m.append(one(np.tanh, m[-1]))
        q[i, 0] = m[i] * m0
        for j in range(1, i):
            q[i, j] = two(q[i - 1, j - 1], m[i - 1], m[j - 1])
    partition = [one(lambda x: np.log(2 * np.cosh(x)), a) for a in m]
    pull = beta * J0 * np.array(m[1:]) * m[:-1]
    forward = np.array(partition[:-1]) - pull - work[1:] - D * np.array(gain[1:])
    memory = [0.0, *(D * gain[i - 1] * q[i, i - 2] for i in range(2, steps + 1))]
    reverse = np.array(partition[1:]) - pull - work[:-1] - memory
    return np.array(m), q, forward, reverse


def test_transients_with_fields_against_plain_sums():
    values = {"J0": -0.8, "dJ": 0.6, "H0": 0.2, "dH": 0.7, "beta": 1.2}  # overlaps become negative
    t = nq.sk.transient(SK(**values), m0=0.9, steps=4)
    m, q, forward, reverse = recursion(**values, m0=0.9, steps=4)
    assert q.min() < 0
    found = nq.sk.path_entropies(t)
    np.testing.assert_allclose(t.m, m, atol=1e-9)
    np.testing.assert_allclose(jnp.tril(t.q), q, atol=1e-8)
    np.testing.assert_allclose(found.forward, forward, atol=1e-8)
    np.testing.assert_allclose(found.reverse, reverse, atol=1e-8)
    np.testing.assert_allclose(found.flow, reverse - forward, atol=1e-8)


def test_the_step_of_a_steady_state_costs_nothing_without_disorder():
    s = nq.sk.path_entropies(nq.sk.stationary(SK(J0=1.0, dJ=0.0, H0=0.2, beta=1.3)))
    assert s.flow == 0
    assert s.forward == s.reverse


def test_a_phase_diagram_equals_single_points():
    beta, dJ = jnp.array([0.0, 3.5, 4.0]), jnp.array([0.0, 1.0])  # two groups of fineness
    grid = nq.sk.phase_diagram(SK(J0=1.0, dJ=0.5), beta=beta[None, :], dJ=dJ[:, None], sequential=True)
    assert grid.sigma.shape == (2, 3)
    assert jnp.all(grid.result == RESULTS.successful)
    assert jnp.all(grid.sigma[0] == 0)
    assert jnp.all(grid.sigma[:, 0] == 0)
    assert abs(grid.sigma_sequential[1, 2] - 1.16701) < 5e-6
    np.testing.assert_allclose(grid.S_reverse - grid.S, grid.sigma, atol=1e-13)
    one = nq.sk.stationary(SK(J0=1.0, dJ=1.0, beta=3.5))
    np.testing.assert_allclose([grid.m[1, 1], grid.q[1, 1], grid.k[1, 1]], [one.m, one.q, one.k], atol=1e-14)


def test_a_phase_diagram_flags_what_alternates_or_is_too_coarse_and_refuses_bad_values():
    sk = SK(J0=1.0, dJ=0.5)
    grid = nq.sk.phase_diagram(sk, J0=jnp.array([-3.0, 1.0]), beta=2.0, rule=SKRule.resolving(1.0))
    assert list(grid.result == RESULTS.alternating) == [True, False]
    assert list(grid.result == RESULTS.successful) == [False, True]
    coarse = nq.sk.phase_diagram(sk, J0=jnp.array([1.0, 0.5]), beta=12.0, rule=SKRule.resolving(1.0))
    assert jnp.all(coarse.result == RESULTS.quadrature_too_coarse)
    with pytest.raises(ValueError, match=r"dJ must be finite and not negative.*-0\.1.*\[1\]"):
        nq.sk.phase_diagram(sk, dJ=jnp.array([0.1, -0.1]))


PAIR = nq.BlockSherringtonKirkpatrick(
    J0=[[1.0, -0.8], [1.2, 0.0]],
    dJ=[[0.8, 0.5], [0.3, 0.6]],
    H0=[0.1, 0.1],
    dH=[0.0, 0.2],
    fractions=[0.75, 0.25],
    beta=1.2,
)


def test_equal_populations_are_one():
    sk = SK(J0=1.0, dJ=0.5, H0=0.05, dH=0.3, beta=1.5)
    half = np.full((2, 2), 0.5)
    blocks = nq.BlockSherringtonKirkpatrick(half, half / np.sqrt(2), [0.05] * 2, [0.3] * 2, [0.3, 0.7], 1.5)
    closure = nq.sk.Populations(SKRule.resolving(1.0, 0.45))
    estimate, s = nq.sk.populations_entropy_production(blocks, closure), nq.sk.stationary(sk)
    np.testing.assert_allclose(estimate.details.solution.q.m, s.m, atol=1e-12)
    np.testing.assert_allclose(estimate.details.solution.q.q, s.q, atol=1e-12)
    assert abs(estimate.value - nq.sk.entropy_production_rate(sk).value) < 1e-12
    assert estimate.unit is nq.Unit.per_step_per_spin


NETWORKS = 80


def test_populations_against_simulated_networks():
    """Networks of 100 and 200 spins, the 1/n bias taken off: mean over networks with its standard error."""

    @jax.jit
    def sizes(key):
        return [disorder(jax.random.fold_in(key, n), n) for n in (100, 200)]

    def disorder(key, n):
        def network(key):
            at_model, at_start, at_run = jax.random.split(key, 3)
            model, x0 = PAIR.sample(at_model, n), nq.random_spins(at_start, (4, n))
            moments = (nq.Moments(),)
            _, (c,) = nq.simulate(nq.Parallel(model), x0, steps=60, key=at_run, observers=moments, burn_in=30)
            return jnp.sum((model.J - model.J.T) * (c.D + c.m[:, None] * c.m_before[None])) / n

        return jax.lax.map(network, jax.random.split(key, NETWORKS))

    small, large = (np.asarray(x) for x in sizes(jax.random.key(3)))
    error = np.sqrt(small.var(ddof=1) + 4 * large.var(ddof=1)) / np.sqrt(NETWORKS)
    theory = nq.sk.populations_entropy_production(PAIR, nq.sk.Populations(SKRule.resolving(2.0, 0.3))).value
    assert error < 0.012
    assert abs(2 * large.mean() - small.mean() - theory) < 4 * error
    assert abs(small.mean() - theory) > 4 * small.std() / np.sqrt(NETWORKS)  # finite sizes do differ


BAD = {
    "shape": ({"J0": [[1.0]]}, r"J0 has shape \(1, 1\): 2 fractions.*\(2, 2\)"),
    "fractions": ({"fractions": [0.5, 0.6]}, "fractions must sum to one"),
    "dJ": ({"dJ": [[-1.0, 0.0], [0.0, 0.0]]}, "dJ must be finite and not negative"),
}


@pytest.mark.parametrize("given, message", BAD.values(), ids=BAD)
def test_bad_populations_are_refused(given, message):
    values = {"J0": PAIR.J0, "dJ": PAIR.dJ, "H0": PAIR.H0, "dH": PAIR.dH, "fractions": PAIR.fractions}
    with pytest.raises(ValueError, match=message):
        nq.BlockSherringtonKirkpatrick(**(values | given))
