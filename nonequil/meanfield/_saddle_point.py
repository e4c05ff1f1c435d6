"""Hopfield networks that store a finite share of n patterns: their replica-symmetric saddle point."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from .. import numerics
from .._results import RESULTS
from ._condensed import branch, checked


class SaddlePoint(eqx.Module):
    """A replica-symmetric state of a Hopfield network, J = xi^T xi / n without a diagonal, with p = alpha n patterns.

    - `m`: overlap with one pattern; `q` = <s>**2 averaged over sites; `r`: mean squared overlap with the others, in
      units of p / n**2; `C` = (1 - q) / T, below one;
    - `f`, `u`: free energy and energy per spin, in units of the couplings' kT at T = 1; d(f / T) / d(1 / T) = u;
    - `replicon` = 1 - alpha E sech(h / T)**4 / (T (1 - C))**2: negative where replica symmetry breaks (de Almeida &
      Thouless), as it does at low temperature. -inf at T = 0. Values there are approximations, close ones for m;
    - `result`: `successful`, or `not_finite`.

    All but `result` carry gradients in alpha and T.
    """

    m: Float[Array, ""]
    q: Float[Array, ""]
    r: Float[Array, ""]
    C: Float[Array, ""]
    f: Float[Array, ""]
    u: Float[Array, ""]
    replicon: Float[Array, ""]
    result: RESULTS

    @property
    def retrieval(self) -> Bool[Array, ""]:
        """Whether a pattern is remembered: m is not zero."""
        return self.m != 0


def saddle_point(alpha: Any, T: Any, m0: Any = 1.0, *, throw: bool = True) -> SaddlePoint:
    """The state of a Hopfield network at load alpha = p / n > 0 and temperature T >= 0, as n grows.

    m = E tanh(h / T),  q = E tanh(h / T)**2,  r = q / (1 - C)**2,  h = m + (alpha r)**0.5 z,  C = (1 - q) / T, with z
    standard normal. `m0` picks the branch: zero the one without memory (spin glass; paramagnet from T = 1 + alpha**0.5
    on), any other number the one that remembers, with its sign, where it exists; else that without memory. Exact
    to rounding at every temperature, T = 0 too. Scalars: use jax.vmap over grids. Differentiable in alpha and T by the
    implicit function theorem, except where the branch ends.

    f = alpha / 2 + m**2 / 2 + alpha r C / 2 + alpha (T ln(1 - C) - q / (1 - C)) / 2 - T E ln 2 cosh(h / T),
    u = -(m**2 + alpha ((1 - T C**2) / (1 - C)**2 - 1)) / 2.

    Raises ValueError (traced: a run-time error) if alpha is not positive, T negative, or one of them not finite; with
    `throw` for any result but `successful`. Source: Amit, Gutfreund & Sompolinsky, Phys. Rev. Lett. 55, 1530 (1985);
    Ann. Phys. 173, 30 (1987).

    ```python
    nq.memory.saddle_point(alpha=0.05, T=0.4).m  # 0.9661868079
    ```
    """
    alpha, T = checked(alpha, T)
    state = _saddle_point(alpha, T, jnp.asarray(m0, alpha.dtype))
    if not throw:
        return state
    m = state.result.error_if(state.m, state.result != RESULTS.successful)
    return eqx.tree_at(lambda state: state.m, state, m)


def hebbian_load(D: Float[Array, ""], C: Float[Array, ""], T: Float[Array, ""]) -> Float[Array, ""]:
    """The load whose noise is D: D**2 (1 - C)**2 / q."""
    return (D * (1 - C)) ** 2 / (1 - T * C)


def noise_without_memory(alpha: Float[Array, ""], T: Float[Array, ""]) -> Float[Array, ""]:
    """D of the branch m = 0: D (1 - C) = (alpha q)**0.5; zero from T = 1 + alpha**0.5 on.

    Along D > 0 the left side over D rises from 1 - 1 / T to 1, the right side over D falls from alpha**0.5 / T.
    """
    glass = 1 + jnp.sqrt(alpha) > T
    alpha, T = jnp.where(glass, alpha, 1), jnp.where(glass, T, 1)

    def excess(D: Array, given: Any) -> Array:
        alpha, T = given
        C = numerics.smooth_bell(jnp.zeros_like(D), D, T)
        return 1 - C - jnp.sqrt(alpha * jnp.maximum(1 - T * C, 0)) / D

    least = 1e3 * float(jnp.finfo(T.dtype).eps) ** 0.5
    ends = (jnp.asarray(least, T.dtype), jnp.sqrt(alpha) + 1)
    return jnp.where(glass, numerics.root(excess, ends, (alpha, T), throw=False).value, 0)


@eqx.filter_jit
def _saddle_point(alpha: Array, T: Array, m0: Array) -> SaddlePoint:
    return described(alpha, T, *branch(hebbian_load, alpha, T, m0, noise_without_memory))


def described(alpha: Array, T: Array, m: Array, D: Array) -> SaddlePoint:
    """All order parameters of a state with overlap m and noise D."""
    paramagnet = D == 0
    D_safe = jnp.where(paramagnet, 1, D)
    C = jnp.where(paramagnet, 1 / jnp.where(T == 0, 1, T), numerics.smooth_bell(m, D_safe, T))
    q = jnp.where(paramagnet, 0, 1 - T * C)
    r = q / (1 - C) ** 2
    entropic = jnp.where(paramagnet, T * jnp.log(2.0), numerics.smooth_modulus(m, D_safe, T))
    f = energetic(alpha, T, m, C) - entropic
    u = -(m**2 + alpha * ((1 - T * C**2) / (1 - C) ** 2 - 1)) / 2
    replicon = 1 - alpha * jnp.where(paramagnet, 1 / T**2, _fourth(m, D_safe, T)) / (1 - C) ** 2
    finite = jnp.isfinite(f) & jnp.isfinite(u) & (C < 1)
    return SaddlePoint(m, q, r, C, f, u, replicon, RESULTS.where(finite, RESULTS.successful, RESULTS.not_finite))


def energetic(alpha: Array, T: Array, m: Array, C: Array) -> Float[Array, ""]:
    """The free energy but for its average over fields."""
    q = 1 - T * C
    r = q / (1 - C) ** 2
    return (alpha + m**2 + alpha * r * C + alpha * (T * jnp.log1p(-C) - q / (1 - C))) / 2


def _fourth(m: Array, D: Array, T: Array) -> Float[Array, ""]:
    """E sech(h / T)**4 / T**2, from the second derivative of sech**2: (4 sech**2 - 6 sech**4) / T**2."""
    cold = T == 0
    T = jnp.where(cold, 1, T)
    bend = jax.grad(jax.grad(numerics.smooth_bell))(m, D, T)
    return jnp.where(cold, jnp.inf, (4 * numerics.smooth_bell(m, D, T) / T - T * bend) / 6)
