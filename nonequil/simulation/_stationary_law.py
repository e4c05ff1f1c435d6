"""The law that chains on numbered states settle into."""

import functools as ft

import jax.numpy as jnp
from jaxtyping import Array, Float

from .._results import RESULTS
from ..dynamics import JumpProcess, MarkovChain
from ._stationary import stationary


@ft.singledispatch
def stationary_law(dynamics: MarkovChain | JumpProcess) -> tuple[Float[Array, " states"], RESULTS]:
    """The probability of each state in the long run (in continuous time: the share of time), and how it was found.

    Differentiable in the probabilities or rates. Up to 512 states by elimination, exact to rounding in each entry.
    Raises ValueError for another kind of dynamics (`enumerate_states(dynamics).stationary` is its law).
    """
    raise ValueError(f"dynamics = {type(dynamics).__name__}: use enumerate_states(dynamics).stationary")


@stationary_law.register
def _(dynamics: MarkovChain) -> tuple[Float[Array, " states"], RESULTS]:
    return _law(dynamics.P)


@stationary_law.register
def _(dynamics: JumpProcess) -> tuple[Float[Array, " states"], RESULTS]:
    rates = jnp.sum(dynamics.rates, axis=0)
    fastest = jnp.max(dynamics.leaving)
    return _law(rates / fastest + jnp.diag(1 - dynamics.leaving / fastest))  # looked at more often than it jumps


def _law(P: Float[Array, "states states"]) -> tuple[Float[Array, " states"], RESULTS]:
    states = P.shape[0]
    return stationary(jnp.broadcast_to(jnp.arange(states, dtype=jnp.int32), P.shape), P)
