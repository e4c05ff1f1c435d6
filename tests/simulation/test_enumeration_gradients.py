"""Gradients of the exact law of systems too large for a matrix."""

import jax
import jax.numpy as jnp
import numpy as np

import nonequil as nq


def test_gradient_of_a_thousand_states_equals_central_differences():
    model = nq.SherringtonKirkpatrick(J0=0.0, dJ=0.8).sample(jax.random.key(3), 10)

    def production(model):
        return nq.thermodynamics.exact(nq.Sequential(model)).value

    gradient = jax.jit(jax.grad(production))(model)
    direction = jax.random.normal(jax.random.key(4), (10, 10)) * (1 - jnp.eye(10))
    value = jax.jit(lambda step: production(nq.Ising(model.J + step * direction, model.H)))
    difference = (value(1e-5) - value(-1e-5)) / 2e-5
    np.testing.assert_allclose(jnp.sum(gradient.J * direction), difference, rtol=1e-7)
