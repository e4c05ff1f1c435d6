"""Bounds on networks whose couplings and values are written down: found once by dense maximisation in NumPy."""

import jax.numpy as jnp
import numpy as np
import pytest
from test_bounds_on_populations import spikes

import nonequil as nq
from nonequil.thermodynamics import (
    Cross,
    Function,
    MaxEntBound,
    OneStepNewton,
    QuadraticBound,
    Single,
    SiteFlips,
    ThermodynamicUncertainty,
    exact,
)


def four_spins(seed, field):
    """Couplings N(0, 1/4), self-couplings kept; with `field`, fields of about -0.8."""
    draw = np.random.default_rng(seed)
    J, a = draw.standard_normal((4, 4)) / 2, draw.standard_normal(4)
    return nq.Parallel(nq.Ising(jnp.asarray(J), jnp.asarray((0.2 * a - 0.8) * field)))


SETS = {
    "0/1": lambda: Function(spikes),
    "-1/+1": Cross,
    "-1/+1, Single": lambda: Cross() + Single(),
    "0/1, Single": lambda: Function(spikes) + Single(),
}
ROWS = [  # seed, fields, exact; set, maximum-entropy bound, U, ln(1 + U); nats a step
    (0, 0, 3.307233, "0/1", 0.713498, 0.701571, 0.531552),
    (0, 0, 3.307233, "-1/+1", 2.828631, 3.027661, 1.393186),
    (0, 0, 3.307233, "-1/+1, Single", 2.828631, 3.027661, 1.393186),
    (0, 1, 2.232070, "0/1", 0.901866, 0.823074, 0.600524),
    (0, 1, 2.232070, "-1/+1", 0.980680, 1.105717, 0.744656),
    (0, 1, 2.232070, "0/1, Single", 1.921121, 1.816200, 1.035389),
    (0, 1, 2.232070, "-1/+1, Single", 1.921121, 1.816200, 1.035389),
    (1, 1, 0.122338, "0/1", 0.071780, 0.063475, 0.061542),
    (1, 1, 0.122338, "-1/+1", 0.062199, 0.060274, 0.058528),
    (1, 1, 0.122338, "-1/+1, Single", 0.105110, 0.094793, 0.090565),
]


@pytest.mark.parametrize("seed, field, sigma, name, maxent, u, logarithm", ROWS)
def test_products_of_spins_and_of_spikes(seed, field, sigma, name, maxent, u, logarithm):
    """U is above the largest bound in the first network: it is no bound, ln(1 + U) is."""
    dynamics = four_spins(seed, field)
    t = nq.enumerate_states(dynamics).transitions()
    quadratic = QuadraticBound(SETS[name]())(t)
    found = exact(dynamics).value, MaxEntBound(SETS[name]())(t).value, quadratic.details["u"], quadratic.value
    np.testing.assert_allclose(found, (sigma, maxent, u, logarithm), atol=6e-7)


def test_flips_of_ten_spins():
    """Couplings of variance 1/10: pairs of spins miss 1 percent, a Newton step 1.2, the uncertainty relation 23."""
    J = np.random.RandomState(1).randn(10, 10) / np.sqrt(10)
    dynamics = nq.Sequential(nq.Ising(jnp.asarray(J * (1 - np.eye(10))), jnp.zeros(10)))
    t = nq.enumerate_states(dynamics).transitions()
    bounds = [bound(SiteFlips())(t).value for bound in (MaxEntBound, OneStepNewton, ThermodynamicUncertainty)]
    np.testing.assert_allclose([exact(dynamics).value, *bounds], [0.277614, 0.275067, 0.274386, 0.213819], atol=6e-7)
