"""Which attractors coexist, and how often random starts lead to each."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, Int, Key

from ._iterate import iterate
from ._period import period
from ._state import Map, floating


class Branches(eqx.Module):
    """The branch that each start led to.

    - `label`: number of the first start that led to the same branch;
    - `fraction`: share of the starts on that branch, `stderr` its binomial standard error;
    - `signature`: what branches are told apart by; `final`: the last state of each start.
    """

    label: Int[Array, " starts"]
    fraction: Float[Array, " starts"]
    stderr: Float[Array, " starts"]
    signature: Float[Array, "starts features"]
    final: Any

    @property
    def count(self) -> Int[Array, ""]:
        """Number of branches met."""
        return jnp.sum(self.label == jnp.arange(self.label.size))


def period_and_moments(orbit: Any) -> Float[Array, " features"]:
    """Signature of a recorded orbit: its period (0 if none), then the mean and the rms of every recorded number."""
    numbers = jnp.concatenate([x.reshape(x.shape[0], -1) for x in jax.tree.leaves(orbit)], axis=1)
    rms = jnp.sqrt(jnp.mean(numbers**2, axis=0))
    return jnp.concatenate([period(numbers).astype(rms.dtype)[None], jnp.mean(numbers, axis=0), rms])


def branch_fractions(
    f: Map,
    sample: Callable[[Key[Array, ""]], Any],
    *,
    key: Key[Array, ""],
    starts: int,
    steps: int,
    transient: int,
    tolerance: Float[Array, ""] | float = 0.05,
    record: Callable[[Any], Any] = floating,
    signature: Callable[[Any], Float[Array, " features"]] = period_and_moments,
) -> Branches:
    """The share of random starts that lead to each of the coexisting attractors of the map x <- f(x).

    Each start, `sample` of its own key, runs `transient` and then `steps` recorded steps. Two starts are on one branch
    if no number of their signatures differs by more than `tolerance`: by default the period of the record, its mean and
    its rms, so that the tolerance must exceed the error of a mean over `steps` chaotic steps. A start opens a branch if
    it is on none of those before it. Orbits that diverge are a branch of their own.
    Raises ValueError like `iterate`.

    ```python
    branches = nq.numerics.maps.branch_fractions(
        f, lambda key: jr.uniform(key, (3,)), key=jr.key(0), starts=100, steps=512, transient=10_000
    )
    ```
    """
    return _branches(f, sample, jr.split(key, starts), steps, transient, tolerance, record, signature)


@eqx.filter_jit
def _branches(
    f: Map,
    sample: Callable,
    keys: Key[Array, " starts"],
    steps: int,
    transient: int,
    tolerance: Any,
    record: Callable,
    signature: Callable,
) -> Branches:
    def run(key: Key[Array, ""]) -> tuple[Any, Array]:
        final, orbit = iterate(f, sample(key), steps, transient=transient, record=record)
        return final, signature(orbit)

    final, features = jax.vmap(run)(keys)
    label = _first_alike(features, tolerance)
    fraction = jnp.sum(label[:, None] == label[None], axis=1).astype(features.dtype) / keys.size
    return Branches(label, fraction, jnp.sqrt(fraction * (1 - fraction) / keys.size), features, final)


def _first_alike(features: Float[Array, "starts features"], tolerance: Any) -> Int[Array, " starts"]:
    """For each row the first row that opened a branch and is near to it; features that are not finite are alike."""
    known = jnp.where(jnp.isnan(features), jnp.inf, features)
    one, other = known[:, None], known[None]
    near = jnp.all((jnp.abs(one - other) <= tolerance) | (one == other), axis=-1)

    def assign(opened: Array, i: Array) -> tuple[Array, Array]:
        candidates = near[i] & opened
        label = jnp.where(jnp.any(candidates), jnp.argmax(candidates), i)
        return opened.at[i].set(label == i), label

    places = jnp.arange(features.shape[0])
    return jax.lax.scan(assign, jnp.zeros(places.size, bool), places)[1]
