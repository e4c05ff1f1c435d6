"""The general path: any differentiable dynamics, any optimiser."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

from .. import numerics, statistics
from ..data import Transitions
from ..dynamics import AbstractDynamics


def negative_log_likelihood(dynamics: AbstractDynamics, transitions: Transitions) -> Float[Array, ""]:
    """Mean of -log p(x_next | x) over the transitions, by their weights. Unit: nats per transition.

    Differentiable in every array leaf of the dynamics; any clock that has a `log_prob` will do. Pairs of weight 0 are
    left out, also where they are impossible.
    """
    t = jax.tree.map(jnp.asarray, transitions)
    log_p = jax.vmap(dynamics.log_prob)(t.x, t.x_next, t.drive)
    w = statistics.weights(t).astype(log_p.dtype)
    return -jnp.sum(jnp.where(w > 0, w * log_p, 0)) / jnp.sum(w)


def fit_gradient(
    dynamics: AbstractDynamics,
    transitions: Transitions,
    *,
    loss: Callable[[Any, Transitions], Float[Array, ""]] = negative_log_likelihood,
    penalty: Callable[[Any], Float[Array, ""]] | None = None,
    method: Any = None,
    max_steps: int = 1000,
    tolerance: float | None = None,
) -> numerics.Minimum:
    """The dynamics (or any pytree) of smallest `loss(dynamics, transitions) + penalty(dynamics)`, by gradients.

    `method` is any optax optimiser or a second-order method of `numerics` (default `optax.lbfgs()`); all floating
    leaves are free. For the kinetic Ising model under the parallel clock `fit` reaches the same optimum far faster.
    Result and errors are those of `numerics.minimise`.

    ```python
    start = nq.Sequential(nq.Ising(jnp.zeros((n, n)), jnp.zeros(n)))
    best = nq.inference.fit_gradient(start, transitions).params
    ```
    """

    def objective(dynamics: PyTree, transitions: Transitions) -> Float[Array, ""]:
        value = loss(dynamics, transitions)
        return value if penalty is None else value + penalty(dynamics)

    arrays = jax.tree.map(jnp.asarray, transitions)
    return numerics.minimise(objective, dynamics, (arrays,), method=method, max_steps=max_steps, tolerance=tolerance)
