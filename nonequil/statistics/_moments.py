"""First and second moments of both sides of the pairs."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .. import numerics
from ..data import Transitions
from ._base import AbstractObserver
from ._blocks import weights


def same(x: Array) -> Array:
    """A state that is its own spins."""
    return x


class Correlations(eqx.Module):
    """Means and connected correlations of the two sides of transitions.

    m_i = <x'_i>, m_before_i = <x_i>, C_ik = <x'_i x'_k> - m_i m_k, D_il = <x'_i x_l> - m_i m_before_l (row: later).
    """

    m: Float[Array, " n"]
    m_before: Float[Array, " n"]
    C: Float[Array, "n n"]
    D: Float[Array, "n n"]


class Moments(AbstractObserver):
    """m = <x'>, m_before = <x>; connected C = <x' x'^T> - m m^T and D = <x' x^T> - m m_before^T (row: later).

    Both means enter: on finite data the two sides of the pairs are different samples. Counts of -1/+1 spins are exact
    to 2**47 pairs in float32, so the result depends neither on chunks nor on devices. `spins` reads the spins of a
    state, `dynamics.spins` where a state is more than spins.

    ```python
    final, (moments,) = nq.simulate(dynamics, x0, steps=2000, key=key, observers=(nq.Moments(),))
    ```
    """

    spins: Callable = same

    def init(self, t: Transitions) -> numerics.Total:
        """No counts yet."""
        n = eqx.filter_eval_shape(jax.vmap(self.spins), t.x).shape[-1]
        return numerics.Total.zeros((1 + n, 1 + 2 * n))

    def update(self, total: numerics.Total, t: Transitions) -> numerics.Total:
        """One matrix product a chunk: integers, exact to 2**24 pairs."""
        w = weights(t).astype(total.high.dtype)[:, None]
        before, after = (jax.vmap(self.spins)(x).astype(w.dtype) for x in (t.x, t.x_next))
        left, right = jnp.hstack([w, w * after]), jnp.hstack([jnp.ones_like(w), after, before])
        return total.add(jnp.matmul(left.T, right, precision=jax.lax.Precision.HIGHEST))

    @eqx.filter_jit
    def finish(self, total: numerics.Total) -> Correlations:
        """The correlations, connected."""
        sums = total.value / total.value[0, 0]
        m, m_before = jnp.split(sums[0, 1:], 2)
        C, D = jnp.split(sums[1:, 1:], 2, axis=1)
        return Correlations(m, m_before, C - jnp.outer(m, m), D - jnp.outer(m, m_before))
