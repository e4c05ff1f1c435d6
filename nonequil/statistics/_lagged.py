"""Correlations at several lags."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Shaped

from .. import numerics
from ..data import Transitions
from ._base import AbstractObserver
from ._blocks import weights
from ._moments import same


class LaggedCorrelations(eqx.Module):
    """Connected correlations C[l, i, j] = <x_i(t + lag_l) x_j(t)> - m_later[l, i] m_earlier[l, j] (row: later).

    `pairs[l]` counts the pairs of states at that lag; without any, the row is NaN.
    """

    C: Float[Array, "lags n n"]
    m_later: Float[Array, "lags n"]
    m_earlier: Float[Array, "lags n"]
    pairs: Float[Array, " lags"]


class _Past(eqx.Module):
    """The last states of each chain, with their blocks; weight 0 where there is none yet."""

    x: Shaped[Array, "chains lag n"]
    block: Int[Array, "chains lag"]
    weight: Float[Array, "chains lag"]


class Lagged(AbstractObserver):
    """Connected correlations <x_i(t + l) x_j(t)> - <x_i(t + l)> <x_j(t)> for each l of `lags`, over states x'.

    A lag counts shown pairs: with the default `every` of `simulate`, units of time; in a recording, bins. Both states
    of a lag lie in the same block (trial or chain), however the pairs are cut into chunks; without declared blocks all
    pairs form one. `spins` reads the spins of a state. Exact counts, as in `Moments`.
    Raises ValueError for a negative lag.
    """

    lags: tuple[int, ...] = eqx.field(converter=tuple, static=True)
    spins: Callable = same

    def __check_init__(self) -> None:
        if not self.lags or min(self.lags) < 0:
            raise ValueError(f"lags = {self.lags}: give at least one, none negative")

    def init(self, t: Transitions) -> tuple[numerics.Total, _Past]:
        """No counts and no past."""
        spins = eqx.filter_eval_shape(jax.vmap(self.spins), t.x_next)
        n, shape = spins.shape[-1], (t.chains, max(self.lags))
        past = _Past(jnp.zeros((*shape, n), spins.dtype), jnp.zeros(shape, int), jnp.zeros(shape, float))
        return numerics.Total.zeros((len(self.lags), 1 + n, 1 + n)), past

    def update(self, total: tuple[numerics.Total, _Past], t: Transitions) -> tuple[numerics.Total, _Past]:
        """One matrix product a lag, between the chunk and the chunk with its past."""
        counts, past = total
        steps = len(t) // t.chains
        block = jnp.zeros(len(t), int) if t.block is None else jnp.asarray(t.block).astype(int)
        leaves = (jax.vmap(self.spins)(t.x_next), block, weights(t).astype(float))
        now = _Past(*(leaf.reshape(t.chains, steps, *leaf.shape[1:]) for leaf in leaves))
        line = jax.tree.map(lambda before, after: jnp.concatenate([before, after], axis=1), past, now)
        longest = max(self.lags)

        def product(lag: int) -> Array:
            earlier = jax.tree.map(lambda leaf: leaf[:, longest - lag : longest - lag + steps], line)
            w = jnp.where(now.block == earlier.block, now.weight * earlier.weight, 0)
            left, right = _with_one(now.x, w), _with_one(earlier.x, jnp.ones_like(w))
            return jnp.matmul(left.T, right, precision=jax.lax.Precision.HIGHEST)

        return counts.add(jnp.stack([product(lag) for lag in self.lags])), jax.tree.map(
            lambda leaf: leaf[:, steps:], line
        )

    @eqx.filter_jit
    def finish(self, total: tuple[numerics.Total, _Past]) -> LaggedCorrelations:
        """The correlations, connected."""
        counts = total[0].value
        sums = counts / counts[:, :1, :1]
        later, earlier = sums[:, 1:, 0], sums[:, 0, 1:]
        C = sums[:, 1:, 1:] - later[:, :, None] * earlier[:, None]
        return LaggedCorrelations(C, later, earlier, counts[:, 0, 0])


def _with_one(x: Shaped[Array, "chains steps n"], w: Float[Array, "chains steps"]) -> Float[Array, "pairs m"]:
    """Rows (w, w x), flat."""
    rows = jnp.concatenate([w[..., None], w[..., None] * x.astype(w.dtype)], axis=-1)
    return rows.reshape(-1, rows.shape[-1])
