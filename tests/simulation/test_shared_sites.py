"""Groups of chains that redraw the same sites, against single attempts, enumeration and errors in closed form."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from drawn import network, spins
from scipy.stats import chisquare

import nonequil as nq
from nonequil import simulation
from nonequil.dynamics import ExactRows, shared_attempts
from nonequil.models import AbstractSpinModel

N, CHAINS, SHARING, STEPS, BURN_IN = 6, 8, 3, 90, 7
MODEL = network(N, 1, J0=0.5, dJ=1.5, H0=0.1, dH=0.4, self_coupling=True)
X0 = spins((CHAINS, N), 2)
KEY = jr.key(3)


class Wrapped(AbstractSpinModel):
    """Fields of an Ising network that does not say it is one."""

    ising: nq.Ising

    @property
    def n(self):
        return self.ising.n

    def field(self, x, drive=None):
        return self.ising.field(x, drive)

    def site_field(self, x, i, drive=None):
        return self.ising.site_field(x, i, drive)


@eqx.filter_jit
def single_attempts(model, sharing, x0, steps, drive=None):
    """States of all chains after each attempt, attempts first, written out from the law: a site a group."""
    keys = nq.numerics.chain_keys(KEY, x0.shape[0])
    first = keys[jnp.arange(x0.shape[0]) // sharing * sharing]

    def attempt(x, index, key, site_key):
        i = nq.numerics.integers(site_key, index, (), x.shape[0])
        h = model.site_field(x, i, None if drive is None else drive[index])
        up = nq.numerics.uniforms(key, index, (), h.dtype) < jax.nn.sigmoid(2 * h)
        return x.at[i].set(jnp.where(up, 1, -1).astype(x.dtype))

    def step(x, index):
        x = jax.vmap(lambda x, key, site_key: attempt(x, index, key, site_key))(x, keys, first)
        return x, x

    return jax.lax.scan(step, x0, jnp.arange(steps))[1]


@pytest.mark.parametrize(
    "model, every", [(MODEL, 1), (MODEL, 40), (Wrapped(MODEL), 40)], ids=["each attempt", "in blocks", "any model"]
)
def test_pairs_are_those_of_single_attempts_at_the_sites_of_the_group(model, every):
    """Six spins: nearly every block of 16 draws each site more than once; eight chains: the last group is not full."""
    drive = 0.5 * jr.normal(jr.key(4), (BURN_IN + STEPS, N))
    settings = {"observers": (nq.Record(),), "every": every, "drive": drive, "burn_in": BURN_IN}
    final, (seen,) = nq.simulate(nq.Sequential(model, sharing=SHARING), X0, steps=STEPS, key=KEY, **settings)
    path = np.concatenate([X0[None], single_attempts(MODEL, SHARING, X0, BURN_IN + STEPS, drive)])
    assert np.array_equal(final, path[-1])
    last = np.arange(BURN_IN + every, BURN_IN + STEPS + 1, every)
    assert np.array_equal(seen.x_next.reshape(CHAINS, -1, N), path[last].swapaxes(0, 1))
    assert np.array_equal(seen.x.reshape(CHAINS, -1, N), path[last - 1].swapaxes(0, 1))
    assert np.array_equal(seen.block.reshape(CHAINS, -1)[:, 0], [0, 0, 0, 1, 1, 1, 2, 2])
    assert np.any(seen.x != seen.x_next)


def test_float32_runs_are_those_of_single_attempts():
    with jax.enable_x64(False):
        model = nq.SherringtonKirkpatrick(J0=0.0, dJ=1.0).sample(jr.key(5), 24)
        x0 = nq.random_spins(jr.key(6), (16, 24))
        final, _ = nq.simulate(nq.Sequential(model, sharing=16), x0, steps=2000, key=KEY)
        assert final.dtype == jnp.int8
        assert jnp.array_equal(final, single_attempts(model, 16, x0, 2000)[-1])


def test_two_times_follow_the_exact_law():
    """One chain of each group: those are independent, so counts of (state after 7, after 11) are multinomial."""
    n, sharing, groups = 4, 8, 6000
    model = nq.SherringtonKirkpatrick(J0=0.3, dJ=1.5, dH=0.5).sample(jr.key(7), n)
    dynamics, start = nq.Sequential(model, sharing=sharing), jnp.array([1, -1, -1, 1], jnp.int8)
    x0 = jnp.tile(start, (groups * sharing, 1))
    _, (seen,) = nq.simulate(dynamics, x0, steps=11, every=1, key=KEY, observers=(nq.Record(),))
    number = np.asarray(jax.vmap(dynamics.index)(seen.x_next)).reshape(groups, sharing, 11)
    chain = np.arange(groups) % sharing
    early, late = (number[np.arange(groups), chain, step - 1] for step in (7, 11))
    exact = nq.enumerate_states(dynamics)
    law = jnp.zeros(16).at[dynamics.index(start)].set(1.0)
    for _ in range(7):
        law = exact.push(law)
    joint = jnp.diag(law)
    for _ in range(4):
        joint = jax.vmap(exact.push)(joint)
    likely = np.asarray(joint) * groups >= 5
    counts = np.zeros((16, 16))
    np.add.at(counts, (early, late), 1)
    expected = np.asarray(joint) * groups
    both = [np.append(table[likely], table[~likely].sum()) for table in (counts, expected)]
    assert likely.sum() > 60
    assert chisquare(*both).pvalue > 1e-3


def test_errors_are_those_between_groups():
    """Free spins: spin 0 flips in an attempt if it is drawn, by a coin of its own; 64 chains see the same draws."""
    n, sharing, groups, steps = 8, 64, 16, 400
    dynamics = nq.Sequential(nq.Ising(jnp.zeros((n, n)), jnp.zeros(n)), sharing=sharing)
    flipped = nq.Mean(lambda x, x_next: (x[0] != x_next[0]).astype(float))
    x0 = nq.random_spins(jr.key(8), (sharing * groups, n))
    _, (seen,) = nq.simulate(dynamics, x0, steps=steps, every=1, key=KEY, observers=(flipped,))
    mean, attempts = 1 / (2 * n), groups * steps
    variance = (1 / 4 + 1 / (4 * sharing)) / n - mean**2  # of the share of a group that flips in one attempt
    between_groups = np.sqrt(variance / attempts)
    between_chains = np.sqrt(mean * (1 - mean) / (attempts * sharing))
    assert between_groups > 5 * between_chains
    assert abs(seen.value - mean) < 4 * between_groups
    assert abs(seen.stderr / between_groups - 1) < 4 / np.sqrt(2 * (groups - 1))


@pytest.mark.compiled
def test_neither_pieces_nor_the_number_of_groups_change_a_bit():
    """In float32 too: sums are exact, so neither the cut into blocks nor the shape of a product matters."""
    with jax.enable_x64(False):
        model = nq.SherringtonKirkpatrick(J0=0.0, dJ=1.2, dH=0.3).sample(jr.key(9), 50)
        dynamics, observers = nq.Sequential(model, sharing=16), (nq.Moments(), nq.Mean(nq.Sequential(model).log_prob))
        x0 = nq.random_spins(jr.key(10), (80, 50))
        settings = {"key": KEY, "observers": observers, "every": 7}
        whole = nq.simulate(dynamics, x0, steps=1000, burn_in=33, **settings)
        state = simulation.start(dynamics, x0, steps=1000, burn_in=33, observers=observers, every=7)
        for piece in (1, 20, 500, 512):
            state = simulation.advance(dynamics, state, steps=piece, **settings)
        pieces = state.x, simulation.finish(dynamics, state, observers=observers, every=7)
        assert all(jnp.array_equal(a, b) for a, b in zip(*map(jax.tree.leaves, (whole, pieces)), strict=True))
        few, _ = nq.simulate(dynamics, x0[:20], steps=1033, key=KEY)
        assert jnp.array_equal(few, whole[0][:20])


def test_blocks_do_not_change_the_run():
    rows = ExactRows(MODEL)
    up = rows.init(X0, 4)
    keys = nq.numerics.chain_keys(KEY, CHAINS).reshape(2, 4)
    run = jax.jit(lambda block: shared_attempts(rows, up, 3, 40, keys=keys, block=block), static_argnums=0)
    assert all(jnp.array_equal(a, b) for a, b in zip(run(1), run(5), strict=True))
    assert not jnp.array_equal(run(5)[1], up)


@pytest.mark.parametrize("wide", [False, True], ids=["float32", "float64"])
def test_sums_of_whole_rows_are_exact_and_close_to_the_couplings(wide):
    """Rows of either sign, of both, of one coupling, of zeros, of the smallest and the largest sizes."""
    n = 300
    with jax.enable_x64(wide):
        J = jr.normal(jr.key(11), (n, n)) * (10.0 ** jnp.linspace(-25, 30, n))[:, None]
        J = J.at[0].set(jnp.abs(J[0])).at[1].set(-jnp.abs(J[1])).at[2].set(0).at[3].set(0).at[3, 5].set(0.1)
        rows = ExactRows(nq.Ising(J, jnp.zeros(n)))
        whole, unit = np.asarray(rows.rows, float), 0.5 / np.asarray(rows.steps, float)
        exact = [[int(value) for value in row] for row in whole]
        limit = 2 ** (jnp.finfo(J.dtype).nmant + 1)
        for sign in (1, -1):
            most = [sum(value for value in row if sign * value > 0) * sign for row in exact]
            assert max(most) <= limit
        bound = np.maximum(*(np.sum(np.maximum(sign * np.asarray(J, float), 0), axis=1) for sign in (1, -1)))
        eps = 2.0 ** -(jnp.finfo(J.dtype).nmant + 1)
        assert np.all(np.abs(whole * unit[:, None] - np.asarray(J, float)) <= 1.01 * eps * bound[:, None])
        up = (np.asarray(nq.random_spins(jr.key(12), (n, 16))) > 0).astype(J.dtype)
        product = np.asarray(jax.jit(lambda a, b: a @ b)(rows.rows, up))
        wanted = [[sum(v for v, here in zip(row, chain, strict=True) if here) for chain in up.T] for row in exact]
        assert [[int(v) for v in row] for row in product] == wanted


def test_a_group_has_at_least_one_chain():
    with pytest.raises(ValueError, match="sharing = 0"):
        nq.Sequential(MODEL, sharing=0)
