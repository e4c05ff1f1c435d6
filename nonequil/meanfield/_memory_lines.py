"""Where memories fail: capacities at a temperature, critical temperatures at a load."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from .. import numerics
from .._checks import require
from .._results import RESULTS
from ._condensed import Load, checked, overlap, temperature, widest
from ._saddle_point import described, hebbian_load, noise_without_memory

COLDEST = 1e-6


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
    """The maximum of a load over the ratio of noise and overlap; zero where there is no memory."""
    w = widest(load, T)
    cold = ~jnp.isnan(w)
    return jnp.where(cold, load(jnp.where(cold, w, 0.5), jnp.where(cold, T, 0.5)), 0)


def retrieval_temperature(alpha: Any) -> Float[Array, ""]:
    """T_M: the temperature above which a Hopfield network of load alpha remembers nothing; inverse of `capacity`.

    T_M rises to 1 as alpha falls to zero. Differentiable by the implicit function theorem. Raises ValueError (traced: a
    run-time error) if alpha is not positive or above the capacity at T = 0.
    Source: Amit, Gutfreund & Sompolinsky, Ann. Phys. 173, 30 (1987), fig. 3.

    ```python
    nq.memory.retrieval_temperature(0.05)  # 0.54226
    ```
    """
    return _temperature(alpha, capacity, "remembers nothing at any temperature")


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

    def excess(w: Array, T: Array) -> Array:
        """Free energy of remembering minus that of not remembering, relative to the load."""
        alpha, m = hebbian_load(w, T), overlap(w, T)
        without = described(alpha, T, jnp.zeros_like(m), noise_without_memory(alpha, T))
        return (described(alpha, T, m, w * m).f - without.f) / alpha

    ends = (jnp.asarray(1e-3, T.dtype), widest(hebbian_load, T))
    w = numerics.root(excess, ends, T, throw=False).value
    return jnp.where(cold, hebbian_load(w, T), 0)


def global_retrieval_temperature(alpha: Any) -> Float[Array, ""]:
    """T_c: the temperature below which remembering has the lowest free energy; inverse of `global_capacity`.

    Raises ValueError (traced: a run-time error) if alpha is not positive or above 0.051854.
    Source: Amit, Gutfreund & Sompolinsky, Ann. Phys. 173, 30 (1987), fig. 3.

    ```python
    nq.memory.global_retrieval_temperature(0.02)  # 0.59130
    ```
    """
    return _temperature(alpha, global_capacity, "has no memory of lowest free energy at any temperature")


def spin_glass_temperature(alpha: Any) -> Float[Array, ""]:
    """T_g = 1 + alpha**0.5, below which spins freeze though nothing is remembered.

    Source: Amit, Gutfreund & Sompolinsky, Phys. Rev. Lett. 55, 1530 (1985).
    """
    return 1 + jnp.sqrt(checked(alpha, 1.0)[0])


def _temperature(alpha: Any, line: Callable[[Any], Array], message: str) -> Float[Array, ""]:
    """The temperature at which a falling line of loads passes alpha."""
    alpha, cold = checked(alpha, 0.0)
    most = line(cold)
    alpha = require(alpha, alpha <= most, f"a network of this load {message}: take at most {_text(most)}; alpha")
    return _solved(alpha, line)


@eqx.filter_jit
def _solved(alpha: Float[Array, ""], line: Callable[[Any], Array]) -> Float[Array, ""]:
    ends = (jnp.zeros_like(alpha), jnp.asarray(1 - COLDEST, alpha.dtype))
    found = numerics.root(lambda T, alpha: line(T) - alpha, ends, alpha, throw=False)
    return jnp.where(found.result == RESULTS.successful, found.value, jnp.nan)


def _text(number: Any) -> str:
    import jax

    return "the value at T = 0" if isinstance(number, jax.core.Tracer) else f"{float(number):.6f}"
