"""Memories of finitely many patterns in infinitely many spins: the overlaps close on themselves."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..ensembles import Hebbian
from ..models import Hopfield
from ..numerics import maps
from ._base import AbstractClosure

Memory = Hebbian | Hopfield


class OverlapMap(AbstractClosure):
    """Overlaps of the state with the patterns, one parallel step later.

    m_mu' = < xi^mu tanh(beta (xi . A m + H)) >, the mean over the columns xi of the memory: for `nq.Hebbian` all
    columns of p random bits, exact as n grows at fixed p; for a given `nq.Hopfield` the columns of its sites, exact for
    these patterns up to a noise of order n**(-1/2) in the state and 1/n from the diagonal. m has shape (p,); no unit.
    Source: Amit, Gutfreund & Sompolinsky, Phys. Rev. A 32, 1007 (1985), eq. 2.12; with A: Sompolinsky & Kanter, Phys.
    Rev. Lett. 57, 2861 (1986).

    ```python
    memory = nq.Hebbian(3, A=nq.memory.sequence(3), beta=1.5)
    step = lambda m: nq.memory.OverlapMap()(m, memory)
    nq.numerics.maps.periodic_orbit(step, jnp.array([0.9, 0.0, 0.0]), 3).states
    ```
    """

    def init(self, model: Memory) -> Float[Array, " p"]:
        """The first pattern, alone."""
        return jnp.zeros(model.p, model.beta.dtype).at[0].set(1)

    def __call__(self, q: Float[Array, " p"], model: Memory) -> Float[Array, " p"]:
        """Overlaps one step later."""
        columns, share = model.columns()
        return columns @ (share * jnp.tanh(model.pull(q)))


class OverlapFlow(AbstractClosure):
    """Overlaps of the state with the patterns a time `dt` later, spins being redrawn one by one (Glauber dynamics).

    dm/dt = -m + < xi tanh(beta (xi . A m + H)) >, t in units of one attempt a spin, by one Runge-Kutta step: its
    resting points are those of `OverlapMap`, its stability and transients those of `Sequential`. For cycles see
    `nq.memory.overlap_cycle`. Source: as `OverlapMap`.

    ```python
    nq.meanfield.transient(nq.memory.OverlapFlow(), memory, m0, steps=200)
    ```
    """

    dt: float = eqx.field(static=True, default=0.05)

    def __check_init__(self) -> None:
        if not 0 < self.dt <= 1:
            raise ValueError(f"dt = {self.dt}: take a step above 0 and at most 1, of the time of one attempt a spin")

    def init(self, model: Memory) -> Float[Array, " p"]:
        """The first pattern, alone."""
        return OverlapMap().init(model)

    def __call__(self, q: Float[Array, " p"], model: Memory) -> Float[Array, " p"]:
        """Overlaps a time `dt` later."""
        return maps.runge_kutta(lambda m: overlap_drift(m, model), q, self.dt)


def overlap_drift(m: Float[Array, " p"], model: Memory) -> Float[Array, " p"]:
    """dm/dt of the overlaps while spins are redrawn one by one: `OverlapMap()(m, model) - m`."""
    return OverlapMap()(m, model) - m


def overlap_cycle(
    model: Memory,
    m0: Float[Array, " p"] | None = None,
    *,
    transient: float = 400.0,
    longest: float = 100.0,
    dt: float = 0.05,
    steps: int = 256,
    throw: bool = True,
) -> maps.FlowCycle:
    """The cycle of overlaps that random sequential dynamics from `m0` comes to: states, period, multipliers.

    Time in units of one attempt a spin; default `m0`: the first pattern. Two patterns that drive each other with
    opposite signs take turns. What is searched, the results and the gradients are those of `maps.flow_cycle`.
    Source: Xue, Maghrebi, Mias & Piermarocchi, arXiv 2501.00983 (2025).

    ```python
    memory = nq.Hebbian(2, A=[[2.0, 1.5], [-1.5, 2.0]])
    nq.memory.overlap_cycle(memory).period  # 9.480
    ```
    """
    m0 = OverlapMap().init(model) if m0 is None else m0
    return maps.flow_cycle(
        lambda m: overlap_drift(m, model),
        m0,
        longest=longest,
        transient=transient,
        dt=dt,
        steps=steps,
        throw=throw,
    )
