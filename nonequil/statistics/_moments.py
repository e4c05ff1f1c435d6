"""First and second moments of both sides of the pairs."""

import functools as ft
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .. import numerics
from ..data import Transitions
from ._base import AbstractObserver
from ._blocks import weights

Sums = tuple[numerics.Total, numerics.Total, numerics.Total]
"""Of the weights and both sides (1 + 2 n), of the products x' x'^T and x' x^T."""


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

    def init(self, t: Transitions) -> Sums:
        """No counts yet."""
        n = eqx.filter_eval_shape(jax.vmap(self.spins), t.x).shape[-1]
        zeros = numerics.Total.zeros
        return zeros((1 + 2 * n,)), zeros((n, n)), zeros((n, n))

    def update(self, total: Sums, t: Transitions) -> Sums:
        """Two matrix products a chunk, whose sides are those of the network: integers, exact to 2**24 pairs."""
        sums, equal_time, lag_one = total
        w = weights(t).astype(sums.high.dtype)
        before, after = (jax.vmap(self.spins)(x).astype(w.dtype) for x in (t.x, t.x_next))
        later = jax.lax.optimization_barrier(w[None] * after.T)  # turned once, not in each product
        dot = ft.partial(jnp.matmul, precision=jax.lax.Precision.HIGHEST)
        sides = jnp.concatenate([jnp.sum(w)[None], dot(w, after), dot(w, before)])
        return sums.add(sides), equal_time.add(dot(later, after)), lag_one.add(dot(later, before))

    @eqx.filter_jit
    def finish(self, total: Sums) -> Correlations:
        """The correlations, connected."""
        count = total[0].value[0]
        # true divisions, done before what follows: a compiler may take reciprocals or not, from program to program
        whole = jax.lax.optimization_barrier([jnp.broadcast_to(count, part.high.shape) for part in total])
        means = [part.value / number for part, number in zip(total, whole, strict=True)]
        sides, C, D = jax.lax.optimization_barrier(means)
        m, m_before = jnp.split(sides[1:], 2)
        return Correlations(m, m_before, C - jnp.outer(m, m), D - jnp.outer(m, m_before))
