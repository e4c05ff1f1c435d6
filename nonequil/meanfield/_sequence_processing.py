"""Networks that recall a finite share of n patterns one after the other, all spins at once."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .. import numerics
from .._checks import require
from .._results import RESULTS
from ._condensed import branch, checked, temperature
from ._memory_lines import largest_load


class SequenceState(eqx.Module):
    """Recall of a sequence of p = alpha n patterns; on transients the first axis is time.

    `m`: overlap with the pattern whose turn it is; `r`: variance of the fields' noise in units of alpha; `chi`: how
    much a spin answers to its field, E sech(h / T)**2 / T.
    """

    m: Float[Array, "*times"]
    r: Float[Array, "*times"]
    chi: Float[Array, "*times"]


def sequence_transient(alpha: Any, T: Any, m0: Any, steps: int) -> SequenceState:
    """Overlap with the pattern whose turn it is, and noise, at each of `steps` + 1 times from overlap m0 on.

    m(t+1) = E tanh(h / T),  r(t+1) = 1 + chi(t)**2 r(t),  chi(t) = E sech(h / T)**2 / T,  h = m(t) + (alpha r(t))**0.5
    z, r(0) = 1, z standard normal: exact for `nq.Parallel` and J = xi^T A xi / n, A = `nq.memory.sequence(p)`, as
    n grows at alpha = p / n > 0 (there is no memory of earlier states but r). Right to rounding at every T >= 0.
    Differentiable in alpha, T and m0; run under jit and vmap.

    Raises ValueError (traced: a run-time error) if alpha is not positive, T negative or m0 outside [-1, 1]; ValueError
    if `steps` is negative. Source: During, Coolen & Sherrington, J. Phys. A 31, 8607 (1998).

    ```python
    nq.memory.sequence_transient(alpha=0.2, T=0.1, m0=0.5, steps=12).m  # 0.5, 0.7269, 0.7542, ...
    ```
    """
    if steps < 0:
        raise ValueError(f"steps = {steps}: take at least 0")
    alpha, T = checked(alpha, T)
    m0 = jnp.asarray(m0, alpha.dtype)
    m0 = require(m0, (m0 >= -1) & (m0 <= 1), "an overlap lies between -1 and 1: m0")
    return _transient(alpha, T, m0, steps)


@eqx.filter_jit
def _transient(alpha: Array, T: Array, m0: Array, steps: int) -> SequenceState:
    def step(carry: tuple[Array, Array], _: None) -> tuple[tuple[Array, Array], SequenceState]:
        m, r = carry
        D = jnp.sqrt(alpha * r)
        chi = numerics.smooth_bell(m, D, T)
        return (numerics.smooth_step(m, D, T), 1 + chi**2 * r), SequenceState(m, r, chi)

    return jax.lax.scan(step, (m0, jnp.ones_like(m0)), length=steps + 1)[1]


class SequenceStationary(eqx.Module):
    """Steady recall of a sequence: as `SequenceState`, with `result`: `successful` or `not_finite`."""

    m: Float[Array, ""]
    r: Float[Array, ""]
    chi: Float[Array, ""]
    result: RESULTS


def sequence_stationary(alpha: Any, T: Any, m0: Any = 1.0) -> SequenceStationary:
    """Where `sequence_transient` comes to rest: r = 1 / (1 - chi**2), m = E tanh(h / T).

    `m0` picks the branch: zero the one without recall, any other number recall, with its sign, where it exists (see
    `sequence_capacity`); else that without. Differentiable in alpha and T by the implicit function theorem. Errors and
    source: as `sequence_transient`.

    ```python
    nq.memory.sequence_stationary(alpha=0.1, T=0.2).m  # 0.9928133521
    ```
    """
    alpha, T = checked(alpha, T)
    return _stationary(alpha, T, jnp.asarray(m0, alpha.dtype))


def sequence_capacity(T: Any = 0.0) -> Float[Array, ""]:
    """The largest load p / n at which a sequence is recalled at temperature T: 0.2690616 at T = 0, 0 from T = 1 on.

    Differentiable in T by the implicit function theorem. Raises ValueError (traced: a run-time error) if T is negative
    or not finite. Source: During, Coolen & Sherrington, J. Phys. A 31, 8607 (1998).

    ```python
    nq.memory.sequence_capacity()  # 0.26906165
    ```
    """
    return largest_load(sequence_load, temperature(T))


def sequence_load(D: Float[Array, ""], C: Float[Array, ""], T: Float[Array, ""]) -> Float[Array, ""]:
    """The load whose noise is D: D**2 (1 - chi**2), chi = C."""
    return D**2 * (1 - C**2)


@eqx.filter_jit
def _stationary(alpha: Array, T: Array, m0: Array) -> SequenceStationary:
    m, D = branch(sequence_load, alpha, T, m0, _noise_alone)
    chi, r = numerics.smooth_bell(m, D, T), D**2 / alpha
    result = RESULTS.where(jnp.isfinite(r) & (chi < 1), RESULTS.successful, RESULTS.not_finite)
    return SequenceStationary(m, r, chi, result)


def _noise_alone(alpha: Array, T: Array) -> Float[Array, ""]:
    """D of the branch m = 0: D**2 (1 - chi**2) = alpha, with chi falling along D from 1 / T on; chi <= 0.8 / D."""

    def excess(D: Array, given: Any) -> Array:
        alpha, T = given
        return D**2 * (1 - numerics.smooth_bell(jnp.zeros_like(D), D, T) ** 2) - alpha

    ends = (jnp.sqrt(alpha), jnp.sqrt(alpha + 1))
    return numerics.root(excess, ends, (alpha, T), throw=False).value
