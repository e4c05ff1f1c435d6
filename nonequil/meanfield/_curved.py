"""Curved networks of infinitely many spins: explosive transitions, hysteresis, and finite networks exactly."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .. import numerics
from .._checks import require
from ..numerics import maps
from ._base import AbstractClosure
from ._overlaps import Memory, OverlapMap

TRICRITICAL = -2 / 3


class CurvedMap(AbstractClosure):
    """Overlaps of a curved memory of finitely many patterns, one step later.

    m_mu' = < xi^mu tanh(beta' xi . A m) >,  beta' = beta / (1 + gamma Q),  Q = m.A m / 2: the plain network at the
    inverse temperature that order gives itself. `memory` as for `nq.memory.OverlapMap`; gamma has no unit, and must
    exceed -1 / Q along the way. Source: Aguilera, Morales, Rosas & Shimazaki, Nat. Commun. 16, 6511 (2025).

    ```python
    nq.meanfield.solve(nq.memory.CurvedMap(-1.2), nq.Hebbian(1, beta=0.9), jnp.array([1.0])).q  # 0.95757724
    ```
    """

    gamma: Float[Array, ""] = eqx.field(converter=jnp.asarray)

    def init(self, model: Memory) -> Float[Array, " p"]:
        """The first pattern, alone."""
        return OverlapMap().init(model)

    def __call__(self, q: Float[Array, " p"], model: Memory) -> Float[Array, " p"]:
        """Overlaps one step later."""
        columns, share = model.columns()
        return columns @ (share * jnp.tanh(model.pull(q) / self.room(q, model)))

    def room(self, m: Float[Array, " p"], model: Memory) -> Float[Array, ""]:
        """1 + gamma Q: what beta is divided by."""
        pull = m if model.A is None else model.A @ m
        return 1 + self.gamma * (m @ pull) / 2


class CurvedFlow(AbstractClosure):
    """Overlaps of a curved memory a time `dt` later: dm/dt = `CurvedMap`(m) - m, by one Runge-Kutta step."""

    gamma: Float[Array, ""] = eqx.field(converter=jnp.asarray)
    dt: float = eqx.field(static=True, default=0.05)

    def init(self, model: Memory) -> Float[Array, " p"]:
        """The first pattern, alone."""
        return OverlapMap().init(model)

    def __call__(self, q: Float[Array, " p"], model: Memory) -> Float[Array, " p"]:
        """Overlaps a time `dt` later."""
        closure = CurvedMap(self.gamma)
        return maps.runge_kutta(lambda m: closure(m, model) - m, q, self.dt)


def bare_beta(effective: Any, energy: Any, gamma: Any) -> Float[Array, "..."]:
    """The beta at which a large curved network gives itself the inverse temperature `effective`: beta' (1 - gamma u).

    u is the energy per spin of the plain network at beta': solve that one, and the curved one follows, unstable
    branches included, where beta falls as beta' rises. u is -m**2 / 2 with one pattern; `nq.memory.saddle_point(...).u`
    at extensive load; -beta' (1 - q**2) / 2 for symmetric couplings of variance 1 / n (Sherrington & Kirkpatrick).
    Source: Aguilera, Morales, Rosas & Shimazaki, Nat. Commun. 16, 6511 (2025).

    ```python
    state = nq.memory.saddle_point(alpha=0.05, T=0.4)
    nq.memory.bare_beta(1 / 0.4, state.u, gamma=-1.2)
    ```
    """
    effective, energy, gamma = (jnp.asarray(x) for x in (effective, energy, gamma))
    return effective * (1 - gamma * energy)


def curved_beta(m: Any, gamma: Any) -> Float[Array, ""]:
    """The beta at which a curved network of one pattern rests at overlap 0 < m < 1: atanh(m) (1 + gamma m**2 / 2) / m.

    Where it rises with m the state is stable. At m = 0 it is 1, the upper spinodal: the disordered state is stable
    below. Continuous transition for gamma > -2/3, tricritical at -2/3, explosive below. Raises ValueError (traced: a
    run-time error) unless gamma > -2. Source: Aguilera, Morales, Rosas & Shimazaki, Nat. Commun. 16, 6511 (2025).
    """
    m, gamma = jnp.asarray(m, float), _curvature(gamma)
    return jnp.arctanh(m) * (1 + gamma * m**2 / 2) / m


class Spinodals(eqx.Module):
    """Where an explosive network of one pattern jumps: ordered states end at `lower`, with overlap `m`, disordered ones
    at `upper`; at `coexistence` in between both are equally likely. Unit of all three: inverse temperature.
    """

    lower: Float[Array, ""]
    m: Float[Array, ""]
    coexistence: Float[Array, ""]
    upper: Float[Array, ""]


def spinodals(gamma: Any) -> Spinodals:
    """The hysteresis of a curved network of one pattern, gamma between -2 and -2/3.

    The lower spinodal is the minimum of `curved_beta` over m; at coexistence `curved_potential` is the same at both
    maxima. Differentiable in gamma by the implicit function theorem. Raises ValueError (traced: a run-time error) for
    other gamma, where nothing jumps. Source: Aguilera, Morales, Rosas & Shimazaki, Nat. Commun. 16, 6511 (2025).

    ```python
    nq.memory.spinodals(-1.2).lower  # 0.8363779161
    ```
    """
    gamma = _curvature(gamma)
    gamma = require(gamma, gamma < TRICRITICAL, "transitions are explosive for gamma < -2/3 only: gamma")
    return _spinodals(gamma)


@eqx.filter_jit
def _spinodals(gamma: Float[Array, ""]) -> Spinodals:
    """In x = atanh(m), since overlaps are close to one where gamma is close to -2."""

    def slope(x: Array, gamma: Array) -> Array:
        """Zero where beta is least."""
        return jax.grad(lambda x: jnp.log(curved_beta(jnp.tanh(x), gamma)))(x)

    def favour(x: Array, gamma: Array) -> Array:
        """How much more likely order is than disorder, at the beta where it rests."""
        m = jnp.tanh(x)
        return curved_potential(m, curved_beta(m, gamma), gamma) - jnp.log(2.0)

    ends = (jnp.asarray(1e-3, gamma.dtype), jnp.asarray(16.0, gamma.dtype))
    lower = numerics.root(slope, ends, gamma).value
    equal = numerics.root(favour, (jax.lax.stop_gradient(lower), ends[1]), gamma).value
    m = jnp.tanh(lower)
    return Spinodals(curved_beta(m, gamma), m, curved_beta(jnp.tanh(equal), gamma), jnp.ones_like(gamma))


def curved_potential(m: Any, beta: Any, gamma: Any) -> Float[Array, "..."]:
    """The log probability of overlap m, per spin of a curved network of one pattern, but for a constant.

    H2(m) + (beta / gamma) ln(1 + gamma m**2 / 2), where H2 is the entropy of a spin of mean m, in nats. Its maxima are
    the states of the network. At gamma = 0 the second term is beta m**2 / 2.
    Source: Aguilera, Morales, Rosas & Shimazaki, Nat. Commun. 16, 6511 (2025).
    """
    m, beta, gamma = jnp.broadcast_arrays(*(jnp.asarray(x, float) for x in (m, beta, gamma)))
    entropy = jnp.sum(jax.scipy.special.entr(jnp.stack([(1 + m) / 2, (1 - m) / 2])), axis=0)
    return entropy + beta * _curved_log(m**2 / 2, gamma)


class MagnetisationLaw(eqx.Module):
    """The overlaps m a finite network of one pattern can have, and their probabilities."""

    m: Float[Array, " values"]
    p: Float[Array, " values"]


def curved_law(n: int, beta: Any, gamma: Any) -> MagnetisationLaw:
    """The exact law of the overlap of n spins with one pattern: binomial(n, k) (1 + gamma m**2 / 2)^(n beta / gamma).

    Q = m**2 / 2, spins on themselves included (of `nq.CurvedIsing` without a diagonal that is another gamma and beta,
    see there). Raises ValueError if n is below one, and unless gamma > -2 (traced: a run-time error).

    ```python
    law = nq.memory.curved_law(20_000, beta=0.9, gamma=-1.2)
    law.p @ abs(law.m)  # 0.95746
    ```
    """
    if n < 1:
        raise ValueError(f"n = {n}: a network has at least one spin")
    beta, gamma = jnp.asarray(beta, float), _curvature(gamma)
    k = jnp.arange(n + 1, dtype=gamma.dtype)
    m = 2 * k / n - 1
    ways = -jax.scipy.special.gammaln(k + 1) - jax.scipy.special.gammaln(n - k + 1)
    return MagnetisationLaw(m, jax.nn.softmax(ways + n * beta * _curved_log(m**2 / 2, gamma)))


class CurvedGlass(eqx.Module):
    """A curved spin glass: the overlap `q` of two replicas, and the `beta` at which it is found."""

    q: Float[Array, ""]
    beta: Float[Array, ""]


def curved_glass(effective: Any, gamma: Any) -> CurvedGlass:
    """Curved networks of symmetric couplings of variance 1 / n at the effective inverse temperature beta'.

    q = E tanh(beta' q**0.5 z)**2, z standard normal (replica-symmetric), beta = beta' (1 + gamma beta' (1 - q**2) / 2).
    Spins freeze at beta' = 1, beta = 1 + gamma / 2: explosively for gamma < -1. Differentiable by the implicit function
    theorem. Raises ValueError (traced: a run-time error) unless beta' is positive.
    Source: Aguilera, Morales, Rosas & Shimazaki, Nat. Commun. 16, 6511 (2025).
    """
    effective, gamma = jnp.asarray(effective, float), jnp.asarray(gamma, float)
    effective = require(effective, effective > 0, "the effective inverse temperature must be positive: effective")
    squares = lambda q, T: 1 - T * numerics.smooth_bell(jnp.zeros_like(q), jnp.sqrt(jnp.maximum(q, 0)), T)  # noqa: E731
    found = numerics.scalar_fixed_point(
        squares, jnp.ones_like(effective), 1 / effective, bracket=(0.0, 1.0), throw=False
    )
    q = jnp.where(effective > 1, found.value, 0)
    return CurvedGlass(q, bare_beta(effective, -effective * (1 - q**2) / 2, gamma))


def _curved_log(Q: Array, gamma: Array) -> Float[Array, "..."]:
    """ln(1 + gamma Q) / gamma, Q at gamma = 0."""
    flat = jnp.abs(gamma) < 1e-9
    safe = jnp.where(flat, 1, gamma)
    return jnp.where(flat, Q * (1 - gamma * Q / 2), jnp.log1p(safe * Q) / safe)


def _curvature(gamma: Any) -> Float[Array, ""]:
    gamma = jnp.asarray(gamma, float)
    return require(gamma, gamma > -2, "gamma must exceed -2, where a pattern itself becomes impossible: gamma")
