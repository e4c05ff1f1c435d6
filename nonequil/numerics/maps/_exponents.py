"""Lyapunov exponents with their errors, and whether they were still changing while they were averaged."""

import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import scipy.special
from jaxtyping import Array, Bool, Float, Int, PyTree, Shaped

from ..._results import RESULTS

FALSE_ALARMS = 1e-3  # probability that independent normal blocks of one law are said to drift
RESOLUTION = 1e-4  # nats per step: smaller changes between blocks are the wobble of regular orbits


class Exponents(eqx.Module):
    """The leading Lyapunov exponents of an orbit, in the order of its tangents. Unit: nats per step.

    - `value`: mean over the blocks; `stderr`: its standard error, from the scatter of the blocks;
    - `blocks`: mean over each block, in time order; `last`: the last of them;
    - `drifting`: earlier and later blocks differ more than chance allows and by more than 1e-4. The orbit has then
      reached its attractor late, if at all: `value` mixes two laws, `last` is nearer to the attractor;
    - `resolved`: the tangent stayed above rounding at every orthonormalisation. Where not, the exponent is that of
      rounding: orthonormalise more often, or do not read it;
    - `final`: the state where the orbit ended, to go on from;
    - `result`: `successful`, or `not_finite` where the orbit or an exponent is not a number.
    """

    value: Float[Array, " count"]
    stderr: Float[Array, " count"]
    last: Float[Array, " count"]
    drifting: Bool[Array, " count"]
    resolved: Bool[Array, " count"]
    blocks: Float[Array, "blocks count"]
    final: PyTree[Shaped[Array, "..."]]
    result: RESULTS


def summary(
    blocks: Float[Array, "blocks count"], resolved: Bool[Array, "blocks count"], final: Any, finite: Bool[Array, ""]
) -> Exponents:
    """The exponents from their means over blocks."""
    value = jnp.mean(blocks, axis=0)
    stderr = jnp.std(blocks, axis=0, ddof=1) / math.sqrt(blocks.shape[0])
    finite = finite & ~jnp.any(jnp.isnan(value))
    result = RESULTS.where(finite, RESULTS.successful, RESULTS.not_finite)
    return Exponents(value, stderr, blocks[-1], drifting(blocks), jnp.all(resolved, axis=0), blocks, final, result)


def drifting(blocks: Float[Array, "blocks count"]) -> Bool[Array, " count"]:
    """Whether the mean changes somewhere between the first and the last block.

    Two-sample t of the blocks before and after every cut, with the variance within both, against the quantile of
    Student's law at 1e-3, divided by the number of cuts (Bonferroni); and a difference above 1e-4 nats per step.
    """
    number = blocks.shape[0]
    freedom = max(number - 2, 1)
    limit = -float(scipy.special.stdtrit(freedom, FALSE_ALARMS / (2 * (number - 1))))
    cuts = jnp.arange(1, number)
    change, variance = jax.vmap(lambda cut: _step_at(cut, blocks))(cuts)
    return jnp.any((change > limit * jnp.sqrt(variance / freedom)) & (change > RESOLUTION), axis=0)


def _step_at(cut: Int[Array, ""], blocks: Float[Array, "blocks count"]) -> tuple[Array, Array]:
    """The change of the mean at `cut`, and the variance of that change times the degrees of freedom."""
    side = (jnp.arange(blocks.shape[0]) < cut)[:, None]
    before, after = cut.astype(blocks.dtype), (blocks.shape[0] - cut).astype(blocks.dtype)
    means = [jnp.sum(jnp.where(part, blocks, 0), axis=0) / n for part, n in ((side, before), (~side, after))]
    within = jnp.sum((blocks - jnp.where(side, means[0], means[1])) ** 2, axis=0)
    return jnp.abs(means[0] - means[1]), within * (1 / before + 1 / after)
