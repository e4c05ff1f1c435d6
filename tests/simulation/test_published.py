"""A published network of four spins: transients from all spins up, and the stationary state."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import nonequil as nq

pytestmark = pytest.mark.published

i = np.arange(4)
MODEL = nq.Ising(
    jnp.asarray(0.5 * np.cos(i[:, None] + 2 * i) - 0.3 * np.sin(2 * i[:, None] - i)), jnp.asarray(0.2 * (i - 1.5))
)
DYNAMICS = nq.Parallel(MODEL)
VALUES = {  # step: m, {(matrix, row, column): value}, entropy flow of the step in nats
    1: ([0.6124024154, -0.0786890839, -0.3523163176, 0.4006538106], {}, 1.4935844579),
    2: (
        [0.1972426747, 0.1018040766, -0.0539757770, -0.2644271832],
        {("C", 0, 1): 0.1198653822, ("C", 2, 3): 0.0456119469, ("D", 0, 1): 0.0309739150, ("D", 1, 0): -0.0009749855},
        1.6398663296,
    ),
    3: (
        [-0.2506243027, -0.2086932728, 0.1189949691, 0.2124233048],
        {("C", 0, 1): 0.1101767311, ("D", 0, 1): -0.0079502174, ("D", 1, 0): -0.1400208475},
        1.5123409548,
    ),
    "stationary": (
        [-0.2422852139, 0.0161753467, 0.0282737215, 0.1917320217],
        {("C", 0, 1): 0.1080018903, ("C", 0, 2): -0.0758188407, ("D", 0, 1): -0.0151155096, ("D", 1, 0): -0.1290936731},
        1.1699261031,
    ),
}


@pytest.fixture(scope="module")
def enumeration():
    return nq.enumerate_states(DYNAMICS)


@pytest.mark.parametrize("step", VALUES, ids=str)
def test_network_of_four(step, enumeration):
    m, entries, flow = VALUES[step]
    if step == "stationary":
        t = enumeration.transitions()
    else:
        law = jnp.zeros(16).at[15].set(1)
        for _ in range(step - 1):
            law = enumeration.push(law)
        t = enumeration.transitions(law)
    (moments,) = nq.fold((nq.Moments(),), t)
    assert jnp.allclose(moments.m, jnp.array(m), atol=1e-9)
    for (matrix, row, column), value in entries.items():
        assert np.isclose(getattr(moments, matrix)[row, column], value, atol=1e-9)
    flows = jax.jit(jax.vmap(lambda a, b: nq.thermodynamics.entropy_flow(DYNAMICS, a, b)))(t.x, t.x_next)
    assert np.isclose(jnp.sum(t.weight * flows), flow, atol=1e-9)


def test_production_is_the_sum_over_couplings(enumeration):
    (moments,) = nq.fold((nq.Moments(),), enumeration.transitions())
    assert np.isclose(jnp.sum(MODEL.J * (moments.D - moments.D.T)), 1.1699261031, atol=1e-9)
