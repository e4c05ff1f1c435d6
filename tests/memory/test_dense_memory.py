"""Dense associative memories: fields against energies, capacities as published, dissipation by enumeration."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from drawn import normal, spins

import nonequil as nq

N, P = 5, 4
XI, ZETA = spins((P, N), 0), spins((P, N), 1)
KINDS = {
    "quadratic": nq.memory.Polynomial(2),
    "cubic": nq.memory.Polynomial(3),
    "rectified": nq.memory.Polynomial(4, rectified=True),
    "exponential": nq.memory.Exponential(),
}
kinds = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
steep = pytest.mark.parametrize("kind", [KINDS["rectified"], KINDS["exponential"]], ids=["rectified", "exponential"])


@kinds
@pytest.mark.parametrize("writes", [None, ZETA], ids=["auto", "hetero"])
def test_fields(kind, writes):
    """Without zeta half the difference of two energies; with it the bracket of the rule, spin by spin, in NumPy."""
    memory, x, drive = nq.DenseMemory(XI, kind, 0.7, writes), spins((N,), 2), normal((N,), 3)
    field = memory.field(x, drive)
    sites = jax.jit(jax.vmap(lambda i: memory.site_field(x, i, drive)))(jnp.arange(N))
    assert np.allclose(sites, field, atol=1e-13)
    G = lambda u: float(kind.potential(jnp.asarray(u), N))  # noqa: E731
    xi, s = np.asarray(XI, float), np.asarray(x, float)
    for i in range(N):
        others = xi @ (s * (np.arange(N) != i))
        written = xi[:, i] if writes is None else np.asarray(writes, float)[:, i]
        expected = 0.35 * (G(others + written) - G(others - written)) + float(drive[i])
        assert np.isclose(field[i], expected, atol=1e-13)
        if writes is None:
            up, down = memory.energy(x.at[i].set(1)), memory.energy(x.at[i].set(-1))
            assert np.isclose(field[i] - drive[i], 0.35 * (down - up), atol=1e-12)


def test_degree_two_is_hopfields_network():
    x = spins((N,), 2)
    assert np.allclose(nq.DenseMemory(XI, beta=1.3).field(x), nq.Hopfield(XI, beta=1.3).field(x), atol=1e-14)


@steep
def test_memories_with_an_energy_dissipate_nothing(kind):
    memory = nq.DenseMemory(XI, kind, 0.9)
    enumeration = nq.enumerate_states(nq.Sequential(memory))
    weight = np.exp(-0.9 * np.asarray(jax.vmap(memory.energy)(enumeration.states)))
    assert np.allclose(enumeration.stationary, weight / weight.sum(), atol=1e-12)
    assert abs(nq.thermodynamics.exact(nq.Sequential(memory)).value) < 1e-13


@steep
@pytest.mark.parametrize("clock", [nq.Parallel, nq.Sequential], ids=["parallel", "sequential"])
def test_writing_other_patterns_dissipates(kind, clock):
    """Against 1/2 sum (flux - reverse flux) ln ratio of the transition matrix, and sum h (tanh h - s) one by one."""
    dynamics = clock(nq.DenseMemory(XI, kind, 0.9, ZETA))
    enumeration = nq.enumerate_states(dynamics)
    reached, log_p = jax.vmap(dynamics.outcomes)(enumeration.states)
    P_ab = np.zeros((2**N, 2**N))
    np.add.at(P_ab, (np.arange(2**N)[:, None], np.asarray(jax.vmap(jax.vmap(dynamics.index))(reached))), np.exp(log_p))
    flux = np.asarray(enumeration.stationary)[:, None] * P_ab
    both = flux > 0
    expected = 0.5 * np.sum((flux - flux.T)[both] * np.log(flux[both] / flux.T[both]))
    exact = nq.thermodynamics.exact(dynamics).value
    assert np.isclose(exact, expected, rtol=1e-8)
    assert exact > 1e-3
    if clock is nq.Sequential:
        h = np.asarray(jax.vmap(dynamics.model.field)(enumeration.states))
        s, law = np.asarray(enumeration.states, float), np.asarray(enumeration.stationary)
        assert np.isclose(exact, law @ np.sum(h * (np.tanh(h) - s), axis=1) / N, rtol=1e-9)


@pytest.mark.published
@pytest.mark.parametrize(
    "kind, p, share",
    [
        (nq.memory.Polynomial(2), 4, 1.0),
        (nq.memory.Polynomial(2), 20, 0.0),
        (nq.memory.Polynomial(3, rectified=True), 80, 0.99),
        (nq.memory.Polynomial(3, rectified=True), 320, 0.04),
        (nq.memory.Polynomial(4, rectified=True), 320, 0.99),
        (nq.memory.Exponential(), 5000, 1.0),
    ],
    ids=["2, 4", "2, 20", "3, 80", "3, 320", "4, 320", "exp, 5000"],
)
def test_patterns_recovered_from_three_wrong_bits(kind, p, share):
    """n = 40, three sweeps in order at temperature zero, 30 probes of each of 4 draws: shares of exact recovery."""
    n, draws = 40, 4 if p < 1000 else 1
    rng = np.random.default_rng(p)

    @jax.jit
    def recovered(xi, wrong):
        memory = nq.DenseMemory(xi, kind)
        start = xi[:30] * jnp.where(wrong, -1, 1)
        turn = lambda k, x: x.at[k % n].set(jnp.where(memory.site_field(x, k % n) >= 0, 1.0, -1.0))  # noqa: E731
        end = jax.vmap(lambda x: jax.lax.fori_loop(0, 3 * n, turn, x))(start[: len(xi)])
        return jnp.all(end == xi[: len(end)], axis=1)

    def draw():
        xi = rng.choice([-1.0, 1.0], size=(p, n))
        wrong = np.argsort(rng.random((min(p, 30), n)), axis=1) < 3
        return recovered(jnp.asarray(xi), jnp.asarray(wrong))

    found = np.concatenate([draw() for _ in range(draws)])
    assert abs(found.mean() - share) < 0.1


@pytest.mark.parametrize(("beta", "recalls"), [(200.0, True), (0.5, False)], ids=["cold", "hot"])
def test_clocks_recall_where_it_is_cold(beta, recalls):
    """80 patterns of 40 spins, cubic: from three wrong bits asynchronous spins are right again, or forget in heat."""
    xi = spins((80, 40), 5)
    x0 = xi[:20].at[:, jnp.array([0, 7, 21])].multiply(-1).astype(jnp.int8)
    dynamics = nq.Sequential(nq.DenseMemory(xi, nq.memory.Polynomial(3, rectified=True), beta))
    x, _ = nq.simulate(dynamics, x0, steps=400, key=jax.random.key(0))
    m = np.abs(np.mean(np.asarray(x, float) * np.asarray(xi[:20], float), axis=1))
    assert np.mean(m == 1) >= 0.9 if recalls else m.mean() < 0.5


BAD = {
    "xi": (lambda: nq.DenseMemory(jnp.eye(3)), "xi must hold spins"),
    "zeta": (lambda: nq.DenseMemory(XI, zeta=jnp.zeros((P, N))), "zeta must hold spins"),
    "shapes": (lambda: nq.DenseMemory(XI, zeta=ZETA[:2]), "zeta"),
    "beta": (lambda: nq.DenseMemory(XI, beta=-1.0), "beta must be"),
    "degree": (lambda: nq.memory.Polynomial(1), "degree = 1"),
    "energy": (lambda: nq.DenseMemory(XI, zeta=ZETA).energy(XI[0]), "has no energy"),
}


@pytest.mark.parametrize("call, message", BAD.values(), ids=BAD)
def test_bad_input_is_refused(call, message):
    with pytest.raises((ValueError, TypeError), match=message):  # TypeError where annotations are checked
        call()


def test_bad_input_is_refused_when_traced():
    with pytest.raises(Exception, match="xi must hold spins"):
        jax.block_until_ready(jax.jit(lambda xi: nq.DenseMemory(xi).xi)(jnp.zeros((2, 3))))
