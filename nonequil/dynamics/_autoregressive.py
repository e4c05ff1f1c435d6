"""Windows: the next state depends on several past ones."""

from typing import ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key, Shaped

from .. import numerics
from .._results import Unit
from .._types import Drive, Index, State
from ..models import AbstractWindowModel
from ._base import AbstractFiniteDynamics, all_spins, log_prob_all, spin_index


class Autoregressive(AbstractFiniteDynamics):
    """All spins are redrawn at once from a window of the last states. A step is one unit of time.

    The state is the window (lags, n), oldest first; a step drops the oldest row and appends x' with
    P(x' | window) = prod_i sigmoid(2 x'_i h_i(window)), h the model's field of a window (`LaggedIsing`,
    `SelfAttention`). Reversal reverses the order of the rows; a drive that tells the place of each row in a protocol
    (the positions of tokens) goes with its rows, so that the protocol runs backwards. Unit of flows: nats/step.
    `lags` is the number of rows, the model's by default. Raises ValueError if it is another.
    """

    model: AbstractWindowModel
    lags: int
    unit: ClassVar[Unit] = Unit.per_step

    def __init__(self, model: AbstractWindowModel, lags: int | None = None) -> None:
        self.model = model
        self.lags = model.lags if lags is None else lags

    def __check_init__(self) -> None:
        if self.lags != self.model.lags:
            raise ValueError(
                f"lags = {self.lags}, but the model reads windows of {self.model.lags} states: leave it out"
            )

    def step(self, x: State, index: Index, *, key: Key[Array, ""], drive: Drive = None) -> State:
        """The window moved on by one state."""
        h = self.model.field(x, drive)
        up = numerics.uniforms(key, index, h.shape, h.dtype) < jax.nn.sigmoid(2 * h)
        return self._append(x, jnp.where(up, 1, -1).astype(x.dtype))

    def log_prob(self, x: State, x_next: State, drive: Drive = None) -> Float[Array, ""]:
        """-inf unless `x_next` is `x` moved on by one state."""
        h = self.model.field(x, drive)
        new = jnp.sum(jax.nn.log_sigmoid(2 * x_next[-1].astype(h.dtype) * h))
        return jnp.where(jnp.all(x_next[:-1] == x[1:]), new, -jnp.inf)

    def reverse(self, x: State, x_next: State, drive: Drive = None) -> tuple[State, State, Drive]:
        """Both windows read backwards, the later one first, and the model's drive of the step that joins them so."""
        return x_next[::-1], x[::-1], self.model.reverse_drive(drive)

    def duration(self, x: State, x_next: State) -> Float[Array, ""]:
        """One unit of time."""
        return jnp.ones(())

    def spins(self, x: State) -> Shaped[Array, " n"]:
        """The newest state of the window."""
        return x[-1]

    def states(self, drive: Drive = None) -> Shaped[Array, "states lags n"]:
        """All windows: spin i of row k is up where bit `k n + i` of the window's number is set."""
        return all_spins(self.lags * self.model.n).reshape(-1, self.lags, self.model.n)

    def index(self, x: State) -> Shaped[Array, ""]:
        """The number whose bits are the spins of the window."""
        return spin_index(x.reshape(-1))

    def outcomes(self, x: State, drive: Drive = None) -> tuple[State, Float[Array, " k"]]:
        """The 2**n windows that follow `x`."""
        new = all_spins(self.model.n)
        windows = jax.vmap(lambda s: self._append(x, s.astype(x.dtype)))(new)
        return windows, log_prob_all(self.model.field(x, drive), new)

    def _append(self, x: Shaped[Array, "lags n"], new: Shaped[Array, " n"]) -> Shaped[Array, "lags n"]:
        return jnp.concatenate([x[1:], new[None]])
