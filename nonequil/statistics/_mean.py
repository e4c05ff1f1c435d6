"""Mean of any function of a pair, with its error between blocks."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

from .. import numerics
from ..data import Transitions
from ._base import AbstractObserver
from ._blocks import weights


class Average(eqx.Module):
    """Mean values and their standard errors, of the shape that the averaged function returns."""

    value: PyTree[Float[Array, "..."]]
    stderr: PyTree[Float[Array, "..."]]


class Mean(AbstractObserver):
    """Weighted mean of `f(x, x_next)`, any function of one pair that returns a pytree of numbers.

    value = sum_k w_k f_k / sum_k w_k;  stderr**2 = G / (G - 1) sum_g (S_g - value N_g)**2 / (sum_g N_g)**2, where S_g
    and N_g are the sums of w f and of w over the blocks (trials or chains) b with b mod `groups` = g, and G counts the
    groups that hold a pair. NaN, unknown, for one group: data without declared blocks (`statistics.with_blocks`
    declares contiguous ones), one chain. With `driven`, f(x, x_next, drive). Pairs of weight 0 are not looked at; a
    value that is not finite makes the mean NaN. Sums are rounded alike in any order, so the mean does not depend on how
    a run is cut into pieces or spread over devices.

    ```python
    flow = nq.Mean(lambda x, x_next: nq.thermodynamics.entropy_flow(dynamics, x, x_next))
    ```
    """

    f: Callable
    driven: bool = eqx.field(static=True, default=False)
    groups: int = eqx.field(static=True, default=64)

    def init(self, t: Transitions) -> tuple[PyTree, numerics.Total]:
        """Sums of nothing."""
        values = eqx.filter_eval_shape(self._values, t)
        zeros = lambda shape: numerics.Total.zeros((self.groups, *shape))  # noqa: E731
        return jax.tree.map(lambda leaf: zeros(leaf.shape[1:]), values), zeros(())

    def update(self, total: tuple[PyTree, numerics.Total], t: Transitions) -> tuple[PyTree, numerics.Total]:
        """Sums over the groups of blocks, by one matrix product a leaf."""
        block = jnp.zeros(len(t), int) if t.block is None else jnp.asarray(t.block)
        member = (block % self.groups)[None] == jnp.arange(self.groups, dtype=block.dtype)[:, None]
        sums, counts = total
        w = weights(t).astype(counts.high.dtype)

        def add(kept: numerics.Total, values: Array) -> numerics.Total:
            flat = values.astype(w.dtype).reshape(len(t), -1)
            weighted = jnp.where(w[:, None] == 0, 0, w[:, None] * flat)
            for part in numerics.exact_parts(weighted, len(t)):
                sum = jnp.matmul(member.astype(w.dtype), part, precision=jax.lax.Precision.HIGHEST)
                kept = kept.add(sum.reshape(kept.high.shape))
            return kept

        is_total = lambda leaf: isinstance(leaf, numerics.Total)  # noqa: E731
        return jax.tree.map(add, sums, self._values(t), is_leaf=is_total), add(counts, jnp.ones_like(w))

    @eqx.filter_jit
    def finish(self, total: tuple[PyTree, numerics.Total]) -> Average:
        """Means and standard errors."""
        sums, counts = total
        is_total = lambda leaf: isinstance(leaf, numerics.Total)  # noqa: E731
        both = [_ratio(leaf.value, counts.value) for leaf in jax.tree.leaves(sums, is_leaf=is_total)]
        tree = jax.tree.structure(sums, is_leaf=is_total)
        return Average(*(jax.tree.unflatten(tree, side) for side in zip(*both, strict=True)))

    def _values(self, t: Transitions) -> PyTree:
        if self.driven:
            return jax.vmap(self.f)(t.x, t.x_next, t.drive)
        return jax.vmap(self.f)(t.x, t.x_next)


def _ratio(sums: Float[Array, "groups ..."], counts: Float[Array, " groups"]) -> tuple[Array, Array]:
    mean = jnp.sum(sums, axis=0) / jnp.sum(counts)
    deviation = sums - mean[None] * counts.reshape(-1, *(1,) * mean.ndim)
    number = jnp.sum(counts != 0)
    scale = jnp.where(number > 1, number / jnp.maximum(number - 1, 1), jnp.nan).astype(mean.dtype)
    return mean, jnp.sqrt(scale * jnp.sum(deviation**2, axis=0)) / jnp.sum(counts)
