"""What is carried along while single spins flip, where that is less than all fields."""

import abc
import functools as ft

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PyTree, Shaped

from .. import numerics
from .._types import Index
from ..models import AbstractSpinModel, CurvedIsing, Hopfield, Ising, curved_field
from ._local_update import LocalUpdate


class AbstractSiteUpdate(eqx.Module):
    """What single flips change, and the field of one spin from it."""

    @abc.abstractmethod
    def init(self, x: Shaped[Array, " n"]) -> PyTree[Shaped[Array, "..."]]:
        """What is carried, of a state."""

    @abc.abstractmethod
    def site_field(self, carried: PyTree[Shaped[Array, "..."]], x: Shaped[Array, " n"], i: Index) -> Float[Array, ""]:
        """The field of spin i, half its log-odds of +1."""

    @abc.abstractmethod
    def flip(
        self, carried: PyTree[Shaped[Array, "..."]], x: Shaped[Array, " n"], i: Index
    ) -> PyTree[Shaped[Array, "..."]]:
        """What is carried after spin i of `x` has changed sign."""


class OverlapUpdate(AbstractSiteUpdate):
    """The overlaps of a Hopfield network under single flips: p operations for a field, p for a flip.

    Carried are M = xi x, whole numbers: exact, whatever the order of the flips, up to 2**24 spins (float32).
    h_i = sum_nu pull[i, nu] M_nu - alone_i x_i + H_i with pull = (beta / n) (xi^T A)_i: n p numbers, in place of n**2
    couplings.
    """

    pull: Float[Array, "n p"]
    turns: Float[Array, "n p"]  # columns of the patterns: what a spin adds when it turns up, halved
    alone: Float[Array, " n"]  # what is taken off: the pull of a spin on itself
    H: Float[Array, " n"]

    def __init__(self, model: Hopfield) -> None:
        model = jax.lax.stop_gradient(model)
        self.turns = model.xi.T
        scale = model.beta / model.n
        self.pull = scale * (self.turns if model.A is None else self.turns @ model.A)
        diagonal = jnp.sum(self.pull * self.turns, axis=1)
        self.alone = jnp.zeros_like(diagonal) if model.self_coupling else diagonal
        self.H = jnp.zeros_like(diagonal) if model.H is None else model.beta * model.H

    def init(self, x: Shaped[Array, " n"]) -> Float[Array, " p"]:
        """Carried sums of a state."""
        return x.astype(self.turns.dtype) @ self.turns

    def site_field(self, M: Float[Array, " p"], x: Shaped[Array, " n"], i: Index) -> Float[Array, ""]:
        """The field of spin i, half its log-odds of +1."""
        return numerics.ordered_sum(self.pull[i] * M) - self.alone[i] * x[i].astype(M.dtype) + self.H[i]

    def flip(self, M: Float[Array, " p"], x: Shaped[Array, " n"], i: Index) -> Float[Array, " p"]:
        """Carried sums after spin i of `x` has changed sign."""
        return M - 2 * x[i].astype(M.dtype) * self.turns[i]


class CurvedUpdate(AbstractSiteUpdate):
    """The fields of a curved network's couplings under single flips, as whole numbers; Q from them: n operations."""

    local: LocalUpdate
    H: Float[Array, " n"]
    diagonal: Float[Array, " n"]
    gamma: Float[Array, ""]
    beta: Float[Array, ""]

    def __init__(self, model: CurvedIsing) -> None:
        model = jax.lax.stop_gradient(model)
        self.local, self.H, self.diagonal = LocalUpdate(Ising(model.J, model.H)), model.H, jnp.diag(model.J)
        self.gamma, self.beta = model.gamma, model.beta

    def init(self, x: Shaped[Array, " n"]) -> Int[Array, " n"]:
        """Carried fields of a state."""
        return self.local.init(x)

    def site_field(self, h: Int[Array, " n"], x: Shaped[Array, " n"], i: Index) -> Float[Array, ""]:
        """The field of spin i, half its log-odds of +1."""
        fields, s = self.local.field(h), x.astype(self.H.dtype)
        Q = numerics.ordered_sum(s * (fields + self.H)) / (2 * len(s))
        return curved_field(fields[i] - self.diagonal[i] * s[i], s[i], Q, self.gamma, self.beta, len(s))

    def flip(self, h: Int[Array, " n"], x: Shaped[Array, " n"], i: Index) -> Int[Array, " n"]:
        """Carried fields after spin i of `x` has changed sign."""
        return self.local.flip(h, x, i)


@ft.singledispatch
def site_update(model: AbstractSpinModel) -> AbstractSiteUpdate | None:
    """What single flips change in a model, where less than all fields is carried; else None."""
    return None


site_update.register(Hopfield, OverlapUpdate)
site_update.register(CurvedIsing, CurvedUpdate)
