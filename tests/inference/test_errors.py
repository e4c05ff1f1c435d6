import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from networks import network, parameters
from scipy import stats

import nonequil as nq
from nonequil.inference import ERRORS, false_discovery_rate


def written_out(t, theta, l2, blocks=None, fisher=False):
    """Standard errors (n, p) by the formulas, neuron by neuron."""
    z = np.concatenate([np.ones((len(t), 1)), np.asarray(t.x, float)], axis=1)
    prior, rows = np.diag([0.0] + [l2] * (z.shape[1] - 1)), []
    for i, row in enumerate(theta):
        m = np.tanh(z @ row)
        V = np.linalg.inv((z.T * (1 - m**2)) @ z + prior)
        scores = (np.asarray(t.x_next)[:, i] - m)[:, None] * z
        filling = scores.T @ scores
        if blocks is not None:
            sums = np.stack([scores[blocks == b].sum(axis=0) for b in np.unique(blocks)])
            filling = sums.T @ sums * len(sums) / (len(sums) - 1)
        rows.append(np.sqrt(np.diag(V if fisher else V @ (filling + prior) @ V)))
    return np.array(rows)


@pytest.mark.parametrize("l2", [0.0, 30.0])
@pytest.mark.parametrize("errors", [ERRORS.fisher, ERRORS.sandwich, ERRORS.clustered])
@pytest.mark.parametrize("data", ["small", "sparse"])
def test_errors_follow_their_formulas(data, errors, l2, request):
    t = request.getfixturevalue(data)
    block = (np.arange(len(t)) * 97) // len(t)
    if errors is ERRORS.clustered:
        t = dataclasses.replace(t, block=block)
    fitted = nq.fit(t, l2=l2, errors=errors)
    clusters = block if errors is ERRORS.clustered else None
    expected = written_out(t, parameters(fitted), l2, clusters, errors is ERRORS.fisher)
    np.testing.assert_allclose(fitted.H_stderr, expected[:, 0], rtol=1e-5)
    np.testing.assert_allclose(fitted.J_stderr, expected[:, 1:], rtol=1e-5)
    assert fitted.errors_from == len(t)


def test_errors_of_a_long_recording_come_from_a_sample(sparse, monkeypatch):
    whole = nq.fit(sparse)
    monkeypatch.setattr("nonequil.inference._errors.SAMPLED", 500)  # fewer than the distinct pasts
    monkeypatch.setattr("nonequil.inference._rows.Rows.thinned", _thinned_to(15_000))
    part = nq.fit(sparse)
    assert part.errors_from == 15_000
    ratio = np.asarray(part.J_stderr / whole.J_stderr)
    assert abs(np.median(ratio) - 1) < 0.05
    assert not np.allclose(ratio, 1, atol=1e-6)


def _thinned_to(count):
    from nonequil.inference._rows import Rows

    original = Rows.thinned
    return lambda rows, asked: original(rows, asked) if asked > 500 else _pick(rows, count)


def _pick(rows, count):
    part = rows.pairs(np.arange(count) * len(rows.pair_weight) // count)
    return part, rows.weight / part.weight


def test_intervals_cover_the_truth(getkey):
    """Of the 1200 couplings in twelve recordings of a network 95 % lie within 1.96 errors, +- 4 binomial errors."""
    model = network(10, 0.04, 0.7, getkey())

    @eqx.filter_jit
    def run(key):
        silent = -jnp.ones((12, 10), jnp.int8)
        return nq.simulate(nq.Parallel(model), silent, steps=20_000, key=key, observers=(nq.Record(),), burn_in=100)

    _, (pairs,) = run(getkey())
    x, x_next = (np.asarray(side).reshape(20_000, 12, 10) for side in (pairs.x, pairs.x_next))
    inside = []
    for k in range(12):
        fitted = nq.fit(nq.Transitions(np.ascontiguousarray(x[:, k]), np.ascontiguousarray(x_next[:, k])))
        inside.append(np.abs(fitted.model.J - model.J) < 1.96 * fitted.J_stderr)
    assert abs(np.mean(inside) - 0.95) < 4 * np.sqrt(0.95 * 0.05 / np.size(inside))


def test_penalised_intervals_cover_couplings_of_that_variance(getkey):
    """With couplings drawn from the prior that the penalty stands for, errors hold the shrinkage too."""
    n, spread = 30, 0.15
    J = spread * jr.normal(getkey(), (n, n))
    model = nq.Ising(J, jax.scipy.special.logit(jnp.full(n, 0.04)) / 2 + J.sum(axis=1))
    silent = -jnp.ones((1, n), jnp.int8)
    _, (pairs,) = nq.simulate(
        nq.Parallel(model), silent, steps=10_000, key=getkey(), observers=(nq.Record(),), burn_in=100
    )
    fitted = nq.fit(nq.Transitions(np.asarray(pairs.x), np.asarray(pairs.x_next)), l2=1 / spread**2)
    inside = np.abs(fitted.model.J - J) < 1.96 * fitted.J_stderr
    assert abs(float(inside.mean()) - 0.95) < 4 * np.sqrt(0.95 * 0.05 / n**2)
    assert float(jnp.sqrt(jnp.mean(fitted.J_stderr**2))) < spread


def test_edges_are_wald_tests(small):
    fitted = nq.fit(small)
    edges = fitted.edges()
    assert edges.p.shape == (36,)
    assert bool((jnp.diff(edges.p) >= 0).all() & (jnp.diff(edges.q) >= 0).all())
    k = 7
    i, j = int(edges.post[k]), int(edges.pre[k])
    assert edges.J[k] == fitted.model.J[i, j]
    assert edges.z[k] == fitted.model.J[i, j] / fitted.J_stderr[i, j]
    np.testing.assert_allclose(edges.p, 2 * stats.norm.sf(np.abs(edges.z)), rtol=1e-10)
    np.testing.assert_allclose(edges.q, stats.false_discovery_control(np.asarray(edges.p)), rtol=1e-10)


def test_false_discovery_rate_of_nothing_and_of_order(getkey):
    assert false_discovery_rate(jnp.zeros(0)).shape == (0,)
    p = jr.uniform(getkey(), (50,)) ** 3
    np.testing.assert_allclose(false_discovery_rate(p), stats.false_discovery_control(np.asarray(p)), rtol=1e-12)
