"""Where memories fail: capacities at a temperature, critical temperatures at a load."""

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .. import numerics
from .._checks import require
from .._results import RESULTS
from ._condensed import Load, checked, condensed, largest, overlap, steepest, temperature
from ._saddle_point import energetic, hebbian_load, noise_without_memory

COLDEST = 0.02  # where the search begins at the latest


class _Near(NamedTuple):
    """A line's ratio of noise and overlap, nearly the same everywhere, and its load / (1 - T)**2 as T goes to one."""

    w: float
    scale: float


FADING, BALANCED = _Near(0.47, 0.263), _Near(0.225, 0.1485)


def capacity(T: Any = 0.0) -> Float[Array, ""]:
    """The largest load p / n at which a Hopfield network remembers at temperature T: 0.1379056 at T = 0, 0 from 1 on.

    The retrieval state of `saddle_point` ends there, its overlap jumps to zero. Differentiable in T by the implicit
    function theorem. Raises ValueError (traced: a run-time error) if T is negative or not finite.
    Source: Amit, Gutfreund & Sompolinsky, Ann. Phys. 173, 30 (1987), section 4.

    ```python
    nq.memory.capacity(T=0.0)  # 0.13790557
    ```
    """
    return largest_load(hebbian_load, temperature(T))


@eqx.filter_jit
def largest_load(load: Load, T: Float[Array, ""]) -> Float[Array, ""]:
    """The maximum of a load over the ratio of noise and overlap; zero from T = 1 on."""
    most = largest(load, jnp.where(T < 1, T, 0.5))
    return jnp.where(T < 1, load(most.D, most.C, most.T), 0)


def retrieval_temperature(alpha: Any) -> Float[Array, ""]:
    """T_M: the temperature above which a Hopfield network of load alpha remembers nothing; inverse of `capacity`.

    T_M rises to 1 as alpha falls to zero. Up to T = 0.04 the capacity exceeds that at T = 0, by 0.2 % (replica symmetry
    is broken there): T_M is the higher temperature. Differentiable by the implicit function theorem. Raises ValueError
    (traced: a run-time error) if alpha is not positive, or above all capacities, 0.1382.
    Source: Amit, Gutfreund & Sompolinsky, Ann. Phys. 173, 30 (1987), fig. 3.

    ```python
    nq.memory.retrieval_temperature(0.05)  # 0.54226
    ```
    """
    return _below(alpha, _fading, _alone, FADING, "at which a network of this load remembers")


def global_capacity(T: Any = 0.0) -> Float[Array, ""]:
    """The largest load p / n at which remembering a pattern has the lowest free energy: 0.051854 at T = 0.

    Above it, up to `capacity`, retrieval states are metastable: the spin glass is the true equilibrium. Zero from T = 1
    on. Gradients and errors: as `capacity`. Source: Amit, Gutfreund & Sompolinsky, Ann. Phys. 173, 30 (1987), fig. 3.

    ```python
    nq.memory.global_capacity(T=0.0)  # 0.051854
    ```
    """
    return _global_capacity(temperature(T))


@eqx.filter_jit
def _global_capacity(T: Float[Array, ""]) -> Float[Array, ""]:
    cold = T < 1
    T = jnp.where(cold, T, 0.5)
    w = jnp.full_like(T, BALANCED.w)
    start = jax.lax.stop_gradient(_with_glass(w, T / overlap(w, T)))
    equations = lambda y, T: jnp.append(_balance(y), condensed(y[0], y[1]).T - T)  # noqa: E731
    y = numerics.newton_root(equations, start, T, tolerance=_rounding(_load(start))).value
    return jnp.where(cold, _load(y), 0)


def _fading(y: Float[Array, " 2"]) -> Float[Array, " 1"]:
    return steepest(y, hebbian_load)[None]


def _alone(w: Float[Array, ""], k: Float[Array, ""]) -> Float[Array, " 2"]:
    return jnp.stack([w, k])


def _with_glass(w: Float[Array, ""], k: Float[Array, ""]) -> Float[Array, " 3"]:
    """A state that remembers, and the noise of the one at the same load and temperature that does not."""
    start = jnp.stack([w, k])
    return jnp.append(start, noise_without_memory(_load(start), condensed(w, k).T))


def _load(y: Float[Array, " unknowns"]) -> Float[Array, ""]:
    s = condensed(y[0], y[1])
    return hebbian_load(s.D, s.C, s.T)


def _balance(y: Float[Array, " 3"]) -> Float[Array, " 2"]:
    """Zero where a state that remembers and one that does not have the same free energy, and the same load."""
    s, alpha, D = condensed(y[0], y[1]), _load(y), y[2]
    none = jnp.zeros_like(D)
    C = numerics.smooth_bell(none, D, s.T)
    remembering = energetic(alpha, s.T, s.m, s.C) - numerics.smooth_modulus(s.m, s.D, s.T)
    other = energetic(alpha, s.T, none, C) - numerics.smooth_modulus(none, D, s.T)
    return jnp.stack([(remembering - other) / alpha, hebbian_load(D, C, s.T) / alpha - 1])


def global_retrieval_temperature(alpha: Any) -> Float[Array, ""]:
    """T_c: the temperature below which remembering has the lowest free energy; inverse of `global_capacity`.

    The higher one, where two temperatures have the same load. Raises ValueError (traced: a run-time error) if alpha is
    not positive or above all of `global_capacity`, 0.0532.
    Source: Amit, Gutfreund & Sompolinsky, Ann. Phys. 173, 30 (1987), fig. 3.

    ```python
    nq.memory.global_retrieval_temperature(0.02)  # 0.59130
    ```
    """
    return _below(alpha, _balance, _with_glass, BALANCED, "at which remembering has the lowest free energy")


def spin_glass_temperature(alpha: Any) -> Float[Array, ""]:
    """T_g = 1 + alpha**0.5, below which spins freeze though nothing is remembered.

    Source: Amit, Gutfreund & Sompolinsky, Phys. Rev. Lett. 55, 1530 (1985).
    """
    return 1 + jnp.sqrt(checked(alpha, 1.0)[0])


def _below(alpha: Any, equations: Callable, complete: Callable, near: _Near, message: str) -> Float[Array, ""]:
    """The highest temperature at which a line of loads passes alpha."""
    alpha, _ = checked(alpha, 0.0)
    T, found = _temperature(alpha, equations, complete, near)
    return require(T, found, f"no temperature was found {message}, alpha = {_text(alpha)}: T")


@eqx.filter_jit
def _temperature(alpha: Float[Array, ""], equations: Callable, complete: Callable, near: _Near) -> tuple[Array, Array]:
    w = jnp.full_like(alpha, near.w)
    T = jnp.maximum(1 - jnp.sqrt(alpha / near.scale), COLDEST)
    start = jax.lax.stop_gradient(complete(w, T / overlap(w, T)))
    all_of = lambda y, alpha: jnp.append(equations(y), _load(y) / alpha - 1)  # noqa: E731
    y = numerics.newton_root(all_of, start, alpha, tolerance=_rounding(alpha), throw=False)
    T = condensed(y.value[0], y.value[1]).T
    return T, (y.result == RESULTS.successful) & (T > 0)


def _rounding(alpha: Float[Array, ""]) -> Float[Array, ""]:
    """What is left of a difference of free energies, relative to a load."""
    return 512 * jnp.finfo(alpha.dtype).eps * (1 + 1 / jax.lax.stop_gradient(alpha))


def _text(alpha: Any) -> str:
    return "(traced)" if isinstance(alpha, jax.core.Tracer) else f"{float(alpha):.6g}"
