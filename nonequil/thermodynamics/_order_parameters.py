"""Order parameters of finite networks."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Shaped


class OrderParameters(eqx.Module):
    """Averages over the n spins of a network; several networks lie along a leading axis.

    `m` = (1/n) sum_i s_i and `m_abs` its modulus; `q` = (1/n) sum_i s_i s_i(earlier), the delayed self-correlation;
    `C` = (1/n**2) sum_ij s_i s_j over all pairs, spins paired with themselves included, and `C_off_diagonal` =
    (n C - 1) / (n - 1) without those. Where m vanishes, `m_abs` and `C` are of order n**(-1/2) and 1/n. No unit.
    """

    m: Float[Array, "*networks"]
    m_abs: Float[Array, "*networks"]
    q: Float[Array, "*networks"]
    C: Float[Array, "*networks"]
    C_off_diagonal: Float[Array, "*networks"]


def order_parameters(earlier: Shaped[Array, " n"], x: Shaped[Array, " n"]) -> OrderParameters:
    """Order parameters of the state `x`, with an earlier one for its delayed self-correlation.

    A function for the observer `nq.Mean`, which puts in the two sides of a step. For other delays read `nq.Lagged`: q
    is the mean over i of C[l, i, i] + m_later[l, i] m_earlier[l, i].

    ```python
    observer = nq.Mean(nq.thermodynamics.order_parameters)
    _, (average,) = nq.simulate(dynamics, x0, steps=500, key=key, observers=(observer,))
    average.value.q
    ```
    """
    n = x.shape[0]
    s, before = (spins.astype(jnp.result_type(float)) for spins in (x, earlier))
    m = jnp.mean(s)
    return OrderParameters(m, jnp.abs(m), jnp.mean(s * before), m**2, (n * m**2 - 1) / max(n - 1, 1))
