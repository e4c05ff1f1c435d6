"""The mean field of one network whose couplings are many, weak and independent in the two directions of a pair."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .. import numerics
from .._results import RESULTS
from ..models import Ising
from ._base import AbstractClosure


class MezardSakellariou(AbstractClosure):
    """Closure of a given network under `Parallel`: the fluctuations of every field are normal.

    m_i at the next step is E tanh(H_i + sum_j J_ij m_j + sqrt(Delta_i) z), Delta_i = sum_j J_ij**2 (1 - m_j**2), z
    standard normal, beta folded into J and H. Exact for many weak couplings with J_ij and J_ji independent; for
    symmetric couplings use `TAP`. `rule` averages over z. No unit.
    Source: Mezard & Sakellariou, J. Stat. Mech. L07001 (2011).

    ```python
    solution = nq.meanfield.solve(nq.meanfield.MezardSakellariou(), model)
    ```
    """

    rule: numerics.AbstractGaussianRule = numerics.Trapezoid()

    def init(self, model: Ising) -> Float[Array, " n"]:
        """Magnetisations without couplings, tanh(H)."""
        return jnp.tanh(model.H)

    def __call__(self, m: Float[Array, " n"], model: Ising) -> Float[Array, " n"]:
        """Magnetisations one step later."""
        return self.rule.mean(jnp.tanh, model.field(m), field_variance(m, model))

    def gains(self, m: Float[Array, " n"], model: Ising) -> Float[Array, " n"]:
        """A_i = E sech(H_i + sum_j J_ij m_j + sqrt(Delta_i) z)**2: how far m_i moves with its field."""
        return self.rule.mean(_slope, model.field(m), field_variance(m, model))

    def delayed_correlations(
        self, m: Float[Array, " n"], model: Ising, C: Float[Array, "n n"] | None = None
    ) -> Float[Array, "n n"]:
        """Connected correlations D = diag(A) J C one step apart (row: later), from the connected ones C of equal time.

        D_ij = <s_i(t + 1) s_j(t)> - m_i m_j. C is diag(1 - m**2) by default, that of independent spins.
        """
        A = self.gains(m, model)[:, None]
        return A * (model.J * (1 - m**2)[None] if C is None else model.J @ C)

    def check(self, m: Float[Array, " n"], model: Ising, tolerance: float = 1e-9) -> RESULTS:
        """`RESULTS.quadrature_too_coarse` if the rule may be off by more than `tolerance` at any spin."""
        return self.rule.check(jnp.sqrt(field_variance(m, model)), tolerance)


def field_variance(m: Float[Array, " n"], model: Ising) -> Float[Array, " n"]:
    """Delta_i = sum_j J_ij**2 (1 - m_j**2), the variance of each field over independent spins of means m."""
    return (model.J**2) @ (1 - m**2)


def _slope(x: Array) -> Array:
    return 4 * jax.nn.sigmoid(2 * x) * jax.nn.sigmoid(-2 * x)
