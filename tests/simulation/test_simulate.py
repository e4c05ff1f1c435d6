"""Simulations against enumeration, whatever the pieces, the batch and the devices."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
import scipy.stats
from drawn import network

import nonequil as nq
from nonequil import simulation
from nonequil.thermodynamics import entropy_flow

N = 4
KEY = jr.key(42)
MODEL = network(N, 0, dJ=1.3, H0=0.1, dH=0.4)
CLOCKS = {"parallel": nq.Parallel(MODEL), "sequential": nq.Sequential(MODEL), "continuous": nq.ContinuousTime(MODEL)}
clocks = pytest.mark.parametrize("dynamics", CLOCKS.values(), ids=CLOCKS)


def first_states(dynamics, chains, n=N):
    spins = nq.random_spins(jr.key(7), (chains, n))
    if isinstance(dynamics, nq.ContinuousTime):
        return jax.vmap(lambda x, key: dynamics.hold(x, key=key))(spins, jr.split(jr.key(8), chains))
    return spins


@clocks
def test_moments_and_flow_equal_enumeration_within_their_errors(dynamics):
    """Each mean within 4.5 of its own standard errors between 512 independent chains; dissipation by two roads."""

    def look(x, x_next):
        a, b = (dynamics.spins(s).astype(float) for s in (x, x_next))
        return {"m": b, "C": jnp.outer(b, b), "D": jnp.outer(b, a), "flow": entropy_flow(dynamics, x, x_next)}

    observers = (nq.Mean(look), nq.Moments(dynamics.spins))
    x0 = first_states(dynamics, 512)
    _, (mean, moments) = nq.simulate(dynamics, x0, steps=200, burn_in=60, every=1, key=KEY, observers=observers)
    exact, exact_moments = nq.fold(observers, nq.enumerate_states(dynamics).transitions())
    for name in mean.value:
        error = mean.stderr[name]
        distance = jnp.abs(mean.value[name] - exact.value[name]) / jnp.where(error > 0, error, 1e-12)
        assert jnp.all(distance < 4.5), name
    assert mean.stderr["flow"] < 0.05 * mean.value["flow"]
    assert jnp.allclose(moments.D + jnp.outer(moments.m, moments.m_before), mean.value["D"], atol=1e-12)
    by_couplings = jnp.sum(MODEL.J * (exact_moments.D - exact_moments.D.T))
    if isinstance(dynamics, nq.Parallel):
        assert jnp.isclose(by_couplings, exact.value["flow"], rtol=1e-10)
    if isinstance(dynamics, nq.Sequential):  # one attempt moves D by half of what drives it
        assert jnp.isclose(by_couplings / 2, exact.value["flow"], rtol=1e-10)


@pytest.mark.parametrize("name", ["parallel", "sequential"])
def test_every_transition_of_a_run_has_its_probability(name):
    """400,000 pairs of 16 states, given their first ones: a chain that reused a number would favour some pairs."""
    dynamics, x0 = CLOCKS[name], first_states(None, 1000)
    _, (record,) = nq.simulate(dynamics, x0, steps=400, every=1, key=KEY, observers=(nq.Record(),))
    place = lambda x: (np.asarray(x) > 0) @ (1 << np.arange(N))  # noqa: E731
    seen = np.bincount(16 * place(record.x) + place(record.x_next), minlength=256).reshape(16, 16)
    states = dynamics.states()
    log_p = jax.jit(jax.vmap(lambda a: jax.vmap(lambda b: dynamics.log_prob(a, b))(states)))(states)
    expected = seen.sum(axis=1, keepdims=True) * np.exp(log_p)
    assert seen.sum() == 400_000
    assert seen[expected == 0].sum() == 0
    common = expected > 5
    chi2 = ((seen - expected)[common] ** 2 / expected[common]).sum()
    assert 1e-3 < scipy.stats.chi2.sf(chi2, common.sum() - 16) < 1 - 1e-3


def test_averages_over_time_equal_the_law_in_time():
    dynamics = CLOCKS["continuous"]
    held = nq.statistics.TimeWeighted(nq.Mean(lambda x, _: x[0].astype(float)))
    x0 = first_states(dynamics, 512)
    _, (mean,) = nq.simulate(dynamics, x0, steps=200, burn_in=60, key=KEY, observers=(held,))
    (exact,) = nq.fold((held,), nq.enumerate_states(dynamics).transitions())
    assert jnp.all(jnp.abs(mean.value - exact.value) < 4.5 * mean.stderr)
    (by_flip,) = nq.fold((held.observer,), nq.enumerate_states(dynamics).transitions())
    assert jnp.any(jnp.abs(mean.value - by_flip.value) > 10 * mean.stderr)


@pytest.mark.compiled
@pytest.mark.parametrize("clock, every", [(nq.Parallel, None), (nq.Sequential, 3)])
def test_pieces_make_one_run_bit_for_bit(clock, every):
    dynamics, x0 = clock(MODEL), first_states(None, 700)
    drive = 0.3 * jr.normal(jr.key(1), (5 + 60, N))
    look = nq.Mean(lambda x, x_next, drive: dynamics.log_prob(x, x_next, drive), driven=True)
    seen = look if clock is nq.Parallel else nq.Lagged((0, 2))
    settings = {"observers": (nq.Moments(), seen, nq.Record()), "every": every, "drive": drive}
    final, whole = nq.simulate(dynamics, x0, steps=60, burn_in=5, key=KEY, **settings)
    state = simulation.start(dynamics, x0, steps=60, burn_in=5, **settings)
    for steps in (1, 1, 31, 1, 31):
        state = simulation.advance(dynamics, state, steps=steps, key=KEY, **settings)
    assert jnp.array_equal(state.x, final)
    assert eqx.tree_equal(simulation.finish(dynamics, state, **settings), whole)
    again = nq.fold(settings["observers"][:2], whole[2], chunk=999)
    assert all(jnp.allclose(a, b, atol=1e-14) for a, b in zip(*map(jax.tree.leaves, (again, whole[:2])), strict=True))


@pytest.mark.compiled
@clocks
def test_a_chain_alone_is_the_same_as_in_a_batch(dynamics):
    x0 = first_states(dynamics, 50)
    run = lambda x0: nq.simulate(dynamics, x0, steps=100, key=KEY)[0]  # noqa: E731
    together = run(x0)
    for chains in (1, 17):
        alone = run(jax.tree.map(lambda leaf, c=chains: leaf[:c], x0))
        assert eqx.tree_equal(alone, jax.tree.map(lambda leaf, c=chains: leaf[:c], together))


@pytest.mark.compiled
def test_site_fields_have_the_same_bits_in_every_batch():
    """In float32, where a row summed in another order would now and then turn a spin."""
    with jax.enable_x64(False):
        for n in (7, 64):
            model = nq.SherringtonKirkpatrick(J0=0.0, dJ=1.0).sample(jr.key(1), n)
            x, sites = nq.random_spins(jr.key(2), (512, n)), jr.randint(jr.key(3), (512,), 0, n)
            fields = jax.jit(jax.vmap(model.site_field))
            whole = fields(x, sites)
            assert all(jnp.array_equal(fields(x[:c], sites[:c]), whole[:c]) for c in (1, 48))


@pytest.mark.compiled
@pytest.mark.parametrize("clock", [nq.Parallel, nq.Sequential])
def test_memory_does_not_depend_on_the_number_of_steps(clock):
    def temporary(steps):
        run = lambda model, x0, key: nq.simulate(clock(model), x0, steps=steps, key=key, observers=(nq.Moments(),))  # noqa: E731
        compiled = jax.jit(run).lower(MODEL, first_states(None, 64), KEY).compile()
        return compiled.memory_analysis().temp_size_in_bytes

    assert temporary(1_000) == temporary(1_000_000) > 0


@pytest.mark.compiled
def test_every_shows_each_kth_single_step_pair():
    dynamics, x0 = CLOCKS["sequential"], first_states(None, 3)
    record = lambda **kw: nq.simulate(dynamics, x0, steps=24, burn_in=2, key=KEY, observers=(nq.Record(),), **kw)[1][0]  # noqa: E731
    every, default, third = record(every=1), record(), record(every=3)
    by_chain = lambda t: (t.x.reshape(3, -1, N), t.x_next.reshape(3, -1, N))  # noqa: E731
    for shown, k in ((default, N), (third, 3)):
        for a, b in zip(by_chain(shown), by_chain(every), strict=True):
            assert jnp.array_equal(a, b[:, k - 1 :: k])
    x, x_next = by_chain(every)
    assert jnp.array_equal(x[:, 1:], x_next[:, :-1])
    assert jnp.array_equal(every.block, jnp.repeat(jnp.arange(3), 24))
    assert jnp.allclose(every.dt, 1 / N)
    assert every.unit is nq.Unit.per_attempt


@pytest.mark.compiled
def test_drive_acts_at_its_step_and_burn_in_is_extra():
    """A field strong enough to set every spin, read back from the record: an array, then a function of the step."""
    signs = nq.random_spins(jr.key(3), (9, N))
    x0 = first_states(None, 2)
    run = lambda drive, **kw: nq.simulate(CLOCKS["parallel"], x0, key=KEY, observers=(nq.Record(),), drive=drive, **kw)  # noqa: E731
    final, (record,) = run(100 * signs.astype(float), steps=7, burn_in=2)
    assert jnp.array_equal(record.x_next.reshape(2, 7, N)[0], signs[2:])
    assert jnp.array_equal(record.drive.reshape(2, 7, N)[1], 100 * signs.astype(float)[2:])
    again, (same,) = run(lambda step: 100.0 * signs.astype(float)[step], steps=7, burn_in=2)
    assert eqx.tree_equal((final, record), (again, same))
    free = lambda **kw: nq.simulate(CLOCKS["parallel"], x0, key=KEY, **kw)[0]  # noqa: E731
    assert jnp.array_equal(free(steps=7, burn_in=2), free(steps=9))


@pytest.mark.compiled
def test_simulate_is_traceable():
    """vmap over models, and the gradient of a mean at the trajectory it was taken on."""
    x0 = first_states(None, 16)

    def score(model, run=MODEL):
        look = nq.Mean(lambda x, x_next: nq.Parallel(model).log_prob(x, x_next))
        return nq.simulate(nq.Parallel(run), x0, steps=300, key=KEY, observers=(look,))[1][0].value

    final, (record,) = nq.simulate(nq.Parallel(MODEL), x0, steps=300, key=KEY, observers=(nq.Record(),))
    direct = lambda model: jnp.mean(jax.vmap(nq.Parallel(model).log_prob)(record.x, record.x_next))  # noqa: E731
    value, slope = eqx.filter_jit(eqx.filter_value_and_grad(score))(MODEL)
    assert jnp.isclose(value, direct(MODEL), rtol=1e-12)
    expected = eqx.filter_jit(eqx.filter_grad(direct))(MODEL)
    assert jnp.allclose(slope.J, expected.J, atol=1e-12)
    assert jnp.allclose(slope.H, expected.H, atol=1e-12)
    models = jax.tree.map(lambda leaf: jnp.stack([leaf, 0 * leaf]), MODEL)
    run = lambda model: nq.simulate(nq.Parallel(model), x0, steps=300, key=KEY, observers=(nq.Moments(),))  # noqa: E731
    finals, (moments,) = eqx.filter_jit(eqx.filter_vmap(run))(models)
    assert jnp.array_equal(finals[0], final)
    assert jnp.allclose(moments.C[0], nq.fold((nq.Moments(),), record)[0].C, atol=1e-14)


def test_the_loop_calls_nothing_back():
    state = simulation.start(CLOCKS["parallel"], first_states(None, 4), steps=9, observers=(nq.Moments(),))
    run = lambda state: simulation.advance(  # noqa: E731
        CLOCKS["parallel"], state, steps=9, key=KEY, observers=(nq.Moments(),)
    )
    assert "callback" not in str(eqx.filter_make_jaxpr(run)(state)[0])


GOOD = {"dynamics": CLOCKS["parallel"], "x0": jnp.ones((3, N), jnp.int8), "steps": 5}


@pytest.mark.parametrize(
    "bad, message",
    [
        ({"x0": jnp.zeros((3, N), jnp.int8)}, r"x0 must hold spins -1 or \+1 \(convert 0/1 counts.*= 0, at \[0, 0\]"),
        ({"x0": jnp.ones((3, N + 1), jnp.int8)}, r"x0 with shapes \[\(3, 5\)\] does not fit Parallel"),
        ({"x0": jnp.ones(N, jnp.int8)}, r"x0 with shapes \[\(4,\)\] does not fit Parallel"),
        ({"x0": jnp.ones((0, N), jnp.int8)}, "at least one"),
        ({"steps": -1}, "steps = -1"),
        ({"burn_in": -2}, "burn_in = -2"),
        ({"every": 0}, "every = 0"),
        ({"steps": 2**31}, "exceeds 2147483647"),
        ({"drive": jnp.zeros((4, N))}, r"drive has shape \(4, 4\): its leading axis must be 5 steps"),
    ],
    ids=["values", "spins", "chains", "none", "steps", "burn_in", "every", "too many", "drive"],
)
def test_bad_arguments_are_named(bad, message):
    with pytest.raises(ValueError, match=message):
        nq.simulate(**{**GOOD, **bad}, key=KEY)


def test_pieces_are_checked_too():
    state = simulation.start(GOOD["dynamics"], GOOD["x0"], steps=5, observers=(nq.Record(),))
    with pytest.raises(ValueError, match="observers: 0 given"):
        simulation.advance(GOOD["dynamics"], state, steps=2, key=KEY)
    with pytest.raises(ValueError, match="steps = -1"):
        simulation.advance(GOOD["dynamics"], state, steps=-1, key=KEY, observers=(nq.Record(),))
    state = simulation.advance(GOOD["dynamics"], state, steps=6, key=KEY, observers=(nq.Record(),))
    with pytest.raises(Exception, match="Record lacks room"):
        jax.block_until_ready(simulation.finish(GOOD["dynamics"], state, observers=(nq.Record(),)))
