"""The naive mean field: spins that feel each other's means."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from ..models import Ising
from ._base import AbstractClosure


class Independent(AbstractClosure):
    """First-order closure on magnetisations: m_i at the next step is tanh(H_i + sum_j J_ij m_j).

    Exact for J = 0 and for one step from a state without fluctuations. No unit.
    Source: Roudi & Hertz, J. Stat. Mech. P03031 (2011), the lowest order.
    """

    def init(self, model: Ising) -> Float[Array, " n"]:
        """Magnetisations without couplings, tanh(H)."""
        return jnp.tanh(model.H)

    def __call__(self, m: Float[Array, " n"], model: Ising) -> Float[Array, " n"]:
        """Magnetisations one step later."""
        return jnp.tanh(model.field(m))
