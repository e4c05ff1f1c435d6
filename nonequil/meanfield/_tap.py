"""The Thouless-Anderson-Palmer closure of a kinetic Ising network."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from ..models import Ising
from ._base import AbstractClosure


class TAP(AbstractClosure):
    """Second-order closure on magnetisations, with the Onsager reaction term.

    m_i at the next step is tanh(H_i + sum_j J_ij m_j - m_i sum_j J_ij**2 (1 - m_j**2)). Its resting points are those
    of the dynamical TAP equations, where m_i in the reaction term is the later one; transients differ in the third
    order of the couplings. No unit.
    Source: Roudi & Hertz, J. Stat. Mech. P03031 (2011); Kappen & Spanjers, Phys. Rev. E 61, 5658 (2000).
    """

    def init(self, model: Ising) -> Float[Array, " n"]:
        """Magnetisations without couplings, tanh(H)."""
        return jnp.tanh(model.H)

    def __call__(self, m: Float[Array, " n"], model: Ising) -> Float[Array, " n"]:
        """Magnetisations one step later."""
        reaction = (model.J**2) @ (1 - m**2)
        return jnp.tanh(model.field(m) - m * reaction)
