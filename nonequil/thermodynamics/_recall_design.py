"""Couplings that recall patterns one after the other at the least entropy production."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from .. import numerics
from .._checks import positive
from .._results import RESULTS, Estimate
from ..ensembles import Hebbian
from ..meanfield import OverlapMap
from ..numerics import maps
from ._overlap_entropy import overlap_entropy_production

START = 2.0  # field of the pattern that comes next, where the search begins: that of `sequence`


class Recall(eqx.Module):
    """A memory that recalls its patterns in turn.

    - `memory`: an ensemble whose A is circulant; sample it for networks;
    - `states` (p, p): overlaps at each of the p steps, the pattern whose turn it is on the diagonal;
    - `recall`: that overlap; `production`: entropy production, nats/step/spin;
    - `stable`: whether the cycle attracts nearby overlaps;
    - `result`: of the minimisation.
    """

    memory: Hebbian
    states: Float[Array, "p p"]
    recall: Float[Array, ""]
    production: Estimate
    stable: Bool[Array, ""]
    result: RESULTS


def design_recall(p: int, price: Any, *, beta: Any = 1.0) -> Recall:
    """The cycle of p patterns, all spins at once, at the least entropy production for what it recalls.

    Minimises sigma - price m over circulant mixing matrices A: sigma the entropy production a spin and step of a large
    network, m the overlap with the pattern whose turn it is, `price` > 0 in nats: the higher, the better the recall.
    By gradients (`numerics.minimise`) in the fields y = beta A m(t), where all is explicit: m(t+1) = < xi tanh(xi.y) >,
    sigma = m(t+1).y(t) - m(t).y(t+1). Compared with `sequence`, which produces m artanh(m), some of the last pattern is
    kept: a third less at m = 0.8. Only beta A enters; `beta` scales A.

    Raises ValueError if p is below three (two patterns recall each other for nothing), above 16, or price or beta not
    positive.

    ```python
    design = nq.memory.design_recall(3, price=8.0, beta=2.0)
    design.recall, design.production.value  # 0.92705, 1.21972 (nq.memory.sequence: 1.51757)
    ```
    """
    if p < 3:
        raise ValueError(f"p = {p}: two patterns recall each other in balance, a cycle that dissipates takes three")
    price, beta = positive("price")(price), positive("beta")(beta)
    make: Any = Hebbian  # its base class declares a field, which type checkers take for the first argument
    columns, share = make(p).columns()
    start = jnp.zeros(p, price.dtype).at[1].set(START)
    best = numerics.minimise(_cost, start, (price, columns.astype(price.dtype), share.astype(price.dtype)))
    m = jnp.roll(_overlaps(best.params, columns, share), -1)
    memory = make(p, A=_circulant(m, best.params) / beta, beta=beta)
    cycle = maps.periodic_orbit(lambda q: OverlapMap()(q, memory), m, p, throw=False)
    production = overlap_entropy_production(memory, cycle.states, throw=False)
    return Recall(memory, cycle.states, cycle.states[0, 0], production, cycle.stable, best.result)


def _overlaps(y: Float[Array, " p"], columns: Array, share: Array) -> Float[Array, " p"]:
    """Overlaps one step after the fields xi . y."""
    return columns @ (share * jnp.tanh(y @ columns))


def _cost(y: Float[Array, " p"], price: Array, columns: Array, share: Array) -> Float[Array, ""]:
    """Sigma - price m: y belongs to the turn of pattern 0, and so leads to that of pattern 1."""
    later = _overlaps(y, columns, share)
    return later @ y - jnp.roll(later, -1) @ jnp.roll(y, 1) - price * later[1]


def _circulant(m: Float[Array, " p"], y: Float[Array, " p"]) -> Float[Array, "p p"]:
    """The A = sum_k a_k shift**k with A m = y, by division of Fourier transforms."""
    a = jnp.fft.ifft(jnp.fft.fft(y) / jnp.fft.fft(m)).real
    return jax.vmap(lambda k: jnp.roll(a, k), out_axes=1)(jnp.arange(len(a)))
