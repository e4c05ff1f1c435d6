"""Overlaps that are carried along while single spins of an associative memory flip."""

import functools as ft

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Shaped

from .. import numerics
from .._types import Index
from ..models import AbstractSpinModel, Hopfield


class OverlapUpdate(eqx.Module):
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


@ft.singledispatch
def overlap_update(model: AbstractSpinModel) -> OverlapUpdate | None:
    """How single flips change the overlaps of a model; None where it has none."""
    return None


overlap_update.register(Hopfield, OverlapUpdate)
