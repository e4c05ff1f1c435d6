"""The mean field of self-attention networks: published values, equal forms, and other theories as its limits."""

import dataclasses

import attention_reference as reference
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import nonequil as nq

GAMMA = 220 / np.sqrt(3)

FIRST_VALUES = {
    "n=2, first token": (2, 0, "attention", [-0.07430449279214155, -0.1617131563503279, 0.4767436552933829], 1e-13),
    "n=2, first token, mu": (2, 0, "mu", [0.48647311764630913, -0.09622907427769548, 0.747715616771278], 1e-13),
    "n=2, tenth token": (2, 9, "attention", [0.209113058612301, 0.1700130643852098, -0.2250245953006826], 1e-12),
    "n=5, first token": (5, 0, "attention", [-0.07414732048048595, -0.15787032866198353, 0.48090082760503866], 1e-13),
    "n=5, tenth token": (5, 9, "attention", [-0.07415177796031527, -0.15786995129992754, 0.4808941925470033], 1e-12),
}


@pytest.fixture(scope="module")
def dropped():
    """Trajectories at beta = 1.35 from the first token, which leaves the context once read."""
    nets = {n: nq.attention.standard(n_bits=n, beta=1.35) for n in (2, 5)}
    return {n: nq.attention.trajectory(net, steps=12, keep_first_token=False) for n, net in nets.items()}


@pytest.mark.published
@pytest.mark.parametrize("n, record, name, value, tolerance", FIRST_VALUES.values(), ids=FIRST_VALUES)
def test_published_trajectories(n, record, name, value, tolerance, dropped):
    assert np.allclose(getattr(dropped[n], name)[record], value, rtol=0, atol=tolerance)


@pytest.mark.published
@pytest.mark.parametrize("n, second", [(2, 0.326666666666667), (5, 0.330666666666667)])
def test_published_attention_of_the_first_token(n, second):
    A = nq.attention.MeanField().init(nq.attention.standard(n_bits=n)).attention[0]
    assert np.allclose(A, [0.346666666666667, second, 0.98 if n == 2 else 0.984], rtol=0, atol=1e-15)


ATTRACTORS = {"1.27": (1.27, 28, [0.0950, 0.0841, 0.1354]), "3": (3.0, 24, [0.450, 0.564, 0.604])}


@pytest.fixture(scope="module")
def attractors():
    """Root mean squares of published overlaps, which have a factor 1 - eps, and periods, from random windows."""
    windows = jax.random.uniform(jax.random.key(0), (16, 4, 1, 3), minval=-1, maxval=1)

    @jax.jit
    @jax.vmap
    def reached(beta, window):
        net = dataclasses.replace(nq.attention.standard(n_bits=2), beta=beta)
        start = nq.attention.state_of_window(net, window)
        mu = 0.98 * nq.attention.trajectory(net, steps=24 * 28, transient=30_000, start=start).mu
        distance = jax.vmap(lambda p: jnp.max(jnp.abs(mu - jnp.roll(mu, p, axis=0))))(jnp.arange(1, 57))
        return jnp.sqrt(jnp.mean(mu**2, axis=0)), distance

    return {beta: reached(jnp.full(16, beta), windows) for beta in (1.27, 3.0)}


@pytest.mark.published
@pytest.mark.parametrize("beta, period, rms", ATTRACTORS.values(), ids=ATTRACTORS)
def test_published_attractors_are_among_those_of_random_starts(beta, period, rms, attractors):
    """Several coexist, and a chaotic transient picks one: a bit of rounding changes which."""
    found, distance = (np.asarray(x) for x in attractors[beta])
    first = np.argmax(distance < 1e-7, axis=1) + 1
    same = np.all(np.abs(found - rms) < 5e-4, axis=1) & (first == period)
    assert np.any(same)
    assert np.all(distance[same, period - 2] > 1e-2)


def trajectory_at(beta, **given):
    return nq.attention.trajectory(nq.attention.standard(n_bits=2, beta=beta), **given)


@pytest.mark.published
def test_published_programmed_sequence():
    """Copies of three patterns and rectified codes: the semantic patterns 1, 2, 1, 0 in turn."""
    which = np.array([[0, 1, 2, 1], [1, 2, 1, 0], [0, 1, 2, 1], [0, 1, 2, 1]])  # out, value, query, key
    bits = np.array([reference.code(p, 2) for p in range(4)])
    P = [bits[list(order)] for order in ((3, 0, 1, 2), (2, 3, 0, 1), (3, 0, 1, 2), (3, 0, 1, 2))]
    positions = np.maximum(np.stack([bits @ p.T / 2 for p in P]), 0)
    net = nq.attention.duplicated(which, beta=100.0, gamma=100.0, eps=0.5, positions=positions)
    start = nq.attention.MeanField(keep_first_token=False).init(net)
    start = dataclasses.replace(start, attention=jnp.array([[0.0, 0.0, 0.0, 1.0]]))
    mu = nq.attention.trajectory(net, steps=8, start=start).mu
    expected = np.array([[0, 1, 0, 1], [0, 0, 1, 0], [0, 1, 0, 1], [1, 0, 0, 0]])
    assert np.allclose(mu, np.tile(expected, (2, 1)), rtol=0, atol=1e-12)


@pytest.mark.parametrize("M", [1, 2, 3])
def test_classes_correlations_and_sites_agree(M):
    rng = np.random.default_rng(M)
    S, P = rng.choice([-1.0, 1.0], (4, M, 30)), rng.choice([-1.0, 1.0], (4, M, 2))
    leaves = {"beta": 3.0, "gamma": 5.0, "eps": 0.3, "bits": tuple(P)}
    mu, attention, tables = reference.correlation_form(S, P, 3.0, 5.0, 0.3, 30)
    columns, counts = np.unique(S.reshape(4 * M, 30), axis=1, return_counts=True)
    forms = [
        nq.attention.from_patterns(*S, **leaves),
        nq.attention.from_patterns(*columns.reshape(4, M, -1), weights=counts / 30, **leaves),
        nq.attention.from_correlations(tables, **leaves),
    ]
    assert [net.classes for net in forms][::2] == [30, 2 ** (M - 1)]
    assert np.max(np.abs(mu[-5:])) > 1e-2
    for net in forms:
        orbit = nq.attention.trajectory(net, steps=30)
        assert np.allclose(orbit.mu, mu, rtol=0, atol=1e-12)
        assert np.allclose(orbit.attention, attention, rtol=0, atol=1e-12)


def test_a_dropped_first_token_only_shifts_the_clock():
    """The cycle is forced by positions: one window after the start the two differ by one position, for ever."""
    kept, dropped = (trajectory_at(0.9, steps=9, transient=3000, keep_first_token=keep) for keep in (True, False))
    assert np.allclose(kept.mu[:8], dropped.mu[1:], rtol=0, atol=1e-15)
    assert np.max(np.abs(kept.mu[:8] - dropped.mu[:8])) > 1e-5


def test_heads_of_their_own_add_their_fields():
    """Two equal heads with half the out patterns are one head; a head without out patterns is not seen."""
    one = nq.attention.standard(beta=1.4)
    W = np.moveaxis(np.asarray(one.omega), 1, -1)
    half, none = np.array([0.5, 1, 1, 1]), np.array([0.0, 1, 1, 1])
    bits = np.stack([nq.ensembles._attention_segments.BITS[2]] * 2, axis=1)
    for factors, gamma in (((half, half), GAMMA), ((np.ones(4), none), jnp.array([GAMMA, 3.0]))):
        heads = np.concatenate([W * f[:, None, None, None] for f in factors], axis=1)
        net = nq.attention.from_patterns(*heads, beta=1.4, gamma=gamma, eps=0.02, bits=tuple(bits))
        start = dataclasses.replace(
            nq.attention.MeanField().init(net),
            **{name: jnp.repeat(getattr(nq.attention.MeanField().init(one), name), 2, axis=-2) for name in WINDOWS},
        )
        orbit, expected = (nq.attention.trajectory(n, steps=20, start=s) for n, s in ((net, start), (one, None)))
        assert np.allclose(orbit.attention[:, :3], expected.attention, rtol=0, atol=1e-11)
        assert np.allclose(orbit.attention[:, 3:], expected.attention, rtol=0, atol=1e-11) == (
            factors[0] is half
        )  # a lower gamma reads others


WINDOWS = ("attention", "keys", "values")


def test_a_window_of_attentions_determines_the_state():
    net = nq.attention.standard(beta=1.3)
    orbit = nq.attention.trajectory(net, steps=11)
    window = orbit.attention[:6:-1].reshape(4, 1, 3)
    state = nq.attention.state_of_window(net, window, phase=12 % 4)
    assert jax.tree.all(jax.tree.map(lambda a, b: jnp.allclose(a, b, atol=1e-15), state, orbit.state))


def test_records_are_those_of_the_map():
    """Transients, thinned records and pieces are one and the same trajectory."""
    net, closure = nq.attention.standard(beta=1.3), nq.attention.MeanField()
    whole = nq.attention.trajectory(net, steps=12)
    late = nq.attention.trajectory(net, steps=3, transient=6, every=2)
    assert np.allclose(late.mu, whole.mu[7::2], rtol=0, atol=1e-15)
    further = nq.attention.trajectory(net, steps=8, start=nq.attention.trajectory(net, steps=4).state)
    assert np.allclose(further.attention, whole.attention[4:], rtol=0, atol=1e-15)
    q = closure.init(net)
    for _ in range(3):
        q = jax.jit(closure)(q, net)
    assert np.allclose(q.attention.ravel(), whole.attention[2], rtol=0, atol=1e-14)


def test_gradients_of_a_regular_orbit_against_finite_differences():
    """In every leaf at once, and in each: the cycle of beta = 1.1 and its transient."""
    net = jax.tree.map(lambda leaf: leaf.astype(leaf.dtype), nq.attention.standard(beta=1.1))  # no weak types
    loss = lambda net: 1e6 * jnp.sum(nq.attention.trajectory(net, steps=8, transient=20).mu ** 2)  # noqa: E731
    slope, value = jax.jit(jax.grad(loss)), jax.jit(loss)
    gradient = slope(net)
    for leaf, h in (("beta", 1e-5), ("gamma", 1e-3), ("eps", 1e-6), ("omega", 1e-7), ("positions", 1e-5)):
        x = getattr(net, leaf)
        direction = jax.random.normal(jax.random.key(1), x.shape)
        either = [value(dataclasses.replace(net, **{leaf: x + sign * h * direction})) for sign in (1, -1)]
        difference = (either[0] - either[1]) / (2 * h)
        assert abs(difference) > 1e-3
        assert abs(jnp.sum(getattr(gradient, leaf) * direction) - difference) < 1e-5 * abs(difference), leaf


@pytest.mark.parametrize("given", [{"steps": -1}, {"steps": 1, "transient": -1}, {"steps": 1, "every": 0}])
def test_lengths_are_checked(given):
    with pytest.raises(ValueError, match=f"{list(given)[-1]} = {list(given.values())[-1]}"):
        nq.attention.trajectory(nq.attention.standard(), **given)


def test_a_window_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"window has shape \(3, 1, 3\): the network needs \(4, 1, 3\)"):
        nq.attention.state_of_window(nq.attention.standard(), jnp.zeros((3, 1, 3)))
