"""Where a closure rests, and how it gets there."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PyTree

from .. import numerics
from .._results import RESULTS
from ._base import AbstractClosure


class Solution(eqx.Module):
    """A resting point q = closure(q, model).

    `residual` is max |closure(q) - q|; `spectral_radius` the largest modulus of the eigenvalues of the map's
    derivative there and `stable` whether it is below one. Only `q` carries a gradient.
    """

    q: PyTree[Float[Array, "..."]]
    result: RESULTS
    steps: Int[Array, ""]
    residual: Float[Array, ""]
    spectral_radius: Float[Array, ""]

    @property
    def stable(self) -> Bool[Array, ""]:
        """Whether small deviations decay under the closure: spectral radius below one, marginal ones excluded."""
        return (self.spectral_radius < 1) & (self.result == RESULTS.successful)


def _next(q: Any, given: tuple[AbstractClosure, Any]) -> Any:
    closure, model = given
    return closure(q, model)


def solve(
    closure: AbstractClosure,
    model: Any,
    q0: PyTree[Float[Array, "..."]] | None = None,
    throw: bool = True,
    *,
    damping: float = 1.0,
    plain: int = 10_000,
    tolerance: float | None = None,
) -> Solution:
    """The resting point that the closure's own dynamics reaches from `q0` (default: `closure.init(model)`).

    Differentiable in every leaf of `model` and of the closure by the implicit function theorem; `q0` picks the branch
    and carries no gradient. A start of a symmetry (m = 0 without fields) stays on the symmetric branch: break it
    with `q0` to find the ordered one. `damping` below one tames maps that oscillate; `plain`, `tolerance` and the
    results are those of `numerics.fixed_point`. With `throw` a resting point that is not found, or that is marginal,
    is a run-time error; without it read `result`.

    ```python
    solution = nq.meanfield.solve(nq.meanfield.TAP(), model)
    ```
    """
    q0 = closure.init(model) if q0 is None else q0
    found = numerics.fixed_point(
        _next, q0, (closure, model), damping=damping, plain=plain, tolerance=tolerance, throw=throw
    )
    return Solution(found.value, found.result, found.steps, found.residual, found.spectral_radius)


def transient(
    closure: AbstractClosure, model: Any, q0: PyTree[Float[Array, "..."]], steps: int
) -> PyTree[Float[Array, "steps ..."]]:
    """Order parameters after each of `steps` steps from `q0`, itself left out: the first axis is time.

    Raises ValueError if `steps` is negative.
    """
    if steps < 0:
        raise ValueError(f"steps = {steps}: take at least 0")

    def step(q: Any, _: None) -> tuple[Any, Any]:
        q = closure(q, model)
        return q, q

    return jax.lax.scan(step, jax.tree.map(jnp.asarray, q0), length=steps)[1]
