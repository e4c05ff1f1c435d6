"""Chains on numbered states."""

from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key, Shaped

from .. import numerics
from .._checks import nonnegative, require
from .._results import Unit
from .._types import Drive, Index
from ._base import AbstractFiniteDynamics

ROUNDING = 1e-5  # how far the probabilities of a row may be from one


def _stochastic(P: Any) -> Float[Array, "states states"]:
    P = nonnegative("P")(P)
    if P.ndim != 2 or P.shape[0] != P.shape[1]:
        raise ValueError(f"P has shape {P.shape}: it must be square, P[a, b] the probability of a step from a to b")
    sums = jnp.sum(P, axis=1)
    message = "rows of P must sum to one (P[a, b] leads from a to b; a matrix whose columns do is transposed): row sum"
    return P + 0 * require(sums, jnp.abs(sums - 1) < ROUNDING, message)[:, None]


class MarkovChain(AbstractFiniteDynamics):
    """A chain on states 0, 1, ...: a step leads from state a to state b with probability P[a, b].

    A state is an integer. Unit of flows: nats/step. `spins` are -1/+1, one a state, up for the state the chain is in:
    with them `Cross()` spans every antisymmetric function of a pair.

    Raises ValueError (traced: a run-time error) if P has a negative entry or a row that does not sum to one.
    Source: Schnakenberg, Rev. Mod. Phys. 48, 571 (1976).

    ```python
    ring = nq.MarkovChain(jnp.array([[0.1, 0.6, 0.3], [0.3, 0.1, 0.6], [0.6, 0.3, 0.1]]))
    nq.thermodynamics.exact(ring).value             # (0.6 - 0.3) ln(0.6 / 0.3)
    ```
    """

    P: Float[Array, "states states"] = eqx.field(converter=_stochastic)
    unit: ClassVar[Unit] = Unit.per_step

    def step(self, x: Int[Array, ""], index: Index, *, key: Key[Array, ""], drive: Drive = None) -> Int[Array, ""]:
        """The next state."""
        return pick(self.P[x], numerics.uniforms(key, index, (), self.P.dtype)).astype(x.dtype)

    def log_prob(self, x: Int[Array, ""], x_next: Int[Array, ""], drive: Drive = None) -> Float[Array, ""]:
        """`log P[x, x_next]`."""
        return numerics.extended_log(self.P[x, x_next])

    def reverse(
        self, x: Int[Array, ""], x_next: Int[Array, ""], drive: Drive = None
    ) -> tuple[Int[Array, ""], Int[Array, ""], Drive]:
        """The pair swapped."""
        return x_next, x, drive

    def duration(self, x: Int[Array, ""], x_next: Int[Array, ""]) -> Float[Array, ""]:
        """One unit of time."""
        return jnp.ones(())

    def spins(self, x: Int[Array, ""]) -> Shaped[Array, " states"]:
        """One spin a state, up where the chain is."""
        return one_up(x, self.P.shape[0])

    def states(self, drive: Drive = None) -> Int[Array, " states"]:
        """The numbers of the states."""
        return jnp.arange(self.P.shape[0], dtype=jnp.int32)

    def index(self, x: Int[Array, ""]) -> Int[Array, ""]:
        """The state is its number."""
        return x

    def outcomes(self, x: Int[Array, ""], drive: Drive = None) -> tuple[Int[Array, " k"], Float[Array, " k"]]:
        """All states."""
        return self.states(), numerics.extended_log(self.P[x])


def pick(weights: Float[Array, " k"], u: Float[Array, ""]) -> Int[Array, ""]:
    """A place drawn in proportion to its weight by the uniform number u; never one of weight zero."""
    upto = jnp.cumsum(weights)
    aim = jnp.minimum(u * upto[-1], jnp.nextafter(upto[-1], jnp.zeros_like(u)))  # a product may round up to the total
    return jnp.argmax(upto > aim)


def one_up(place: Int[Array, ""], count: int) -> Shaped[Array, " count"]:
    """`count` spins, int8, all down but the one at `place`."""
    return jnp.where(jnp.arange(count, dtype=place.dtype) == place, 1, -1).astype(jnp.int8)
