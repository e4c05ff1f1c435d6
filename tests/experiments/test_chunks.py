import equinox as eqx
import jax
import jax.numpy as jnp
import pytest

import nonequil as nq
from nonequil.experiments import Interrupted, RunFailed, Stages, run_chunks

pytestmark = pytest.mark.compiled

N, CHAINS, STEPS, BURN = 5, 3, 40, 7


@pytest.fixture
def run():
    dynamics = nq.Sequential(nq.SherringtonKirkpatrick(J0=0.0, dJ=1.0).sample(jax.random.key(0), N))
    x0 = nq.random_spins(jax.random.key(1), (CHAINS, N))
    options = {
        "steps": STEPS,
        "key": jax.random.key(2),
        "observers": (nq.Moments(), nq.Record()),
        "burn_in": BURN,
        "every": 3,
    }
    return dynamics, x0, options


@pytest.mark.parametrize("chunk", [13, 1000])
def test_pieces_give_the_bits_of_simulate(run, chunk):
    dynamics, x0, options = run
    whole, pieces = nq.simulate(dynamics, x0, **options), run_chunks(dynamics, x0, **options, chunk=chunk)
    assert eqx.tree_equal(whole, pieces)


def test_a_run_stopped_after_any_chunk_goes_on_with_the_same_bits(run, tmp_path):
    dynamics, x0, options = run
    whole = nq.simulate(dynamics, x0, **options)
    stops = []

    def stop():
        stops.append(1)
        raise Interrupted(2)

    with pytest.raises(KeyboardInterrupt):
        run_chunks(dynamics, x0, **options, chunk=13, stages=Stages(tmp_path / "c", check=stop))
    while len(stops) < 4:
        with pytest.raises(KeyboardInterrupt):
            run_chunks(dynamics, x0, **options, chunk=13, stages=Stages(tmp_path / "c", check=stop))
    assert eqx.tree_equal(whole, run_chunks(dynamics, x0, **options, chunk=13, stages=Stages(tmp_path / "c")))


class Growing(nq.dynamics.AbstractDynamics):
    """Doubles a number until it is infinite."""

    unit = nq.Unit.per_step

    def step(self, x, index, *, key, drive=None):
        return 2 * x

    def log_prob(self, x, x_next, drive=None):
        return jnp.zeros(())

    def reverse(self, x, x_next, drive=None):
        return x_next, x, drive

    def duration(self, x, x_next):
        return jnp.ones(())

    def spins(self, x):
        return jnp.ones(1, jnp.int8)


def test_a_number_that_is_not_finite_stops_the_run_names_the_step_and_keeps_the_state_before(tmp_path):
    x0 = jnp.full((2, 1), 2.0 ** (1023 - 15))
    with pytest.raises(RunFailed, match=r"not finite after step 16$"):
        run_chunks(Growing(), x0, steps=40, key=jax.random.key(0), chunk=10, stages=Stages(tmp_path))
    state = Stages(tmp_path).restore("simulation", nq.simulation.start(Growing(), x0, steps=40))
    assert int(state.index) == 15
    assert jnp.array_equal(state.x, jnp.full((2, 1), 2.0**1023))


def test_a_chunk_holds_a_step(run):
    dynamics, x0, options = run
    with pytest.raises(ValueError, match="chunk = 0"):
        run_chunks(dynamics, x0, **options, chunk=0)
