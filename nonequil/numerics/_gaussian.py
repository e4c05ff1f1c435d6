"""Averages over a Gaussian variable by a static rule of nodes and weights."""

import abc
import math
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, PyTree

from .._results import RESULTS


class AbstractGaussianRule(eqx.Module):
    """Nodes z and weights w with sum w F(z) = E F(z) for a standard normal z; fixed when the program is built."""

    @property
    @abc.abstractmethod
    def nodes_and_weights(self) -> tuple[np.ndarray, np.ndarray]:
        """Nodes and normalised weights, in double precision."""

    @property
    @abc.abstractmethod
    def spacing(self) -> float:
        """Distance of neighbouring nodes near zero."""

    @property
    @abc.abstractmethod
    def lost(self) -> float:
        """What the rule misses however smooth the integrand is, for an integrand bounded by one."""

    def mean(
        self, f: Callable[[Array], PyTree[Array]], mean: Float[ArrayLike, "..."], variance: Float[ArrayLike, "..."]
    ) -> PyTree[Float[Array, "..."]]:
        """E f(mean + sqrt(variance) z) over a standard normal z, at every entry of `mean` and `variance`.

        `f` acts on each entry alone (jnp.tanh, a polynomial, ...) and may return a pytree. `mean` and `variance`
        broadcast. Derivatives exist in both, in what `f` closes over, and at variance zero too: below eps**(3/4) the
        average is its Taylor series f + variance f'' / 2 + variance**2 f'''' / 8. A negative variance beyond
        rounding gives NaN.
        """
        dtype = jnp.result_type(mean, variance)
        mean, variance = jnp.broadcast_arrays(jnp.asarray(mean, dtype), jnp.asarray(variance, dtype))
        small = jnp.abs(variance) < float(jnp.finfo(dtype).eps) ** 0.75
        scale = jnp.sqrt(jnp.where(small, 1, variance))
        z, w = (jnp.asarray(a, dtype) for a in self.nodes_and_weights)
        wide = jax.vmap(lambda z: f(mean + scale * z))(z)
        narrow = _series(f, mean, jnp.where(small, variance, 0))
        choose = lambda near, far: jnp.where(small, near, _weighted(w, far))  # noqa: E731
        return jax.tree.map(choose, narrow, wide)

    def error(self, slope: Float[ArrayLike, "..."]) -> Float[Array, "..."]:
        """Bound on the error of E tanh(g + slope z), to leading order and for every offset g.

        tanh(g + s z) has poles at distance d = pi / (2 |s|) from the real axis, residue 1 / s. A sum with spacing h
        differs from the integral by the residues at the poles times 1 / (exp(-2 pi i z / h) - 1), a pair at most
        2 (2 pi / s) phi(i d) / (exp(2 pi d / h) - 1), where phi(i d) = exp(d**2 / 2) / sqrt(2 pi). The contour need
        not move beyond a = 2 pi / h, where exp(a**2 / 2 - 2 pi a / h) is least, so d is at most that. Add what the
        rule has `lost` for every integrand.
        Source: Trefethen & Weideman, SIAM Review 56, 385 (2014), section 5, theorem 5.1 with the poles left in.
        """
        reach = 2 * np.pi / self.spacing
        d = jnp.minimum(np.pi / (2 * jnp.abs(jnp.asarray(slope))), reach)
        return 8 * d / math.sqrt(2 * math.pi) * jnp.exp(d**2 / 2 - d * reach) / -jnp.expm1(-d * reach) + self.lost

    def check(self, slope: Float[ArrayLike, "..."], tolerance: float = 1e-9) -> RESULTS:
        """`RESULTS.quadrature_too_coarse` if the error of E tanh(g + slope z) may exceed `tolerance` at any entry.

        `slope` may be traced: the square root of the largest variance times the steepness of the tanh.
        """
        fine = jnp.all(self.error(slope) <= tolerance)  # false for NaN
        return RESULTS.where(fine, RESULTS.successful, RESULTS.quadrature_too_coarse)


def _weighted(w: Float[Array, " nodes"], values: Float[Array, "nodes ..."]) -> Float[Array, "..."]:
    return jnp.sum(w.reshape((-1,) + (1,) * (values.ndim - 1)).astype(values.dtype) * values, axis=0)


def _curvature(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Second derivative of a function that acts on each entry alone."""

    def slope(x: Array) -> Any:
        return jax.jvp(f, (x,), (jnp.ones_like(x),))[1]

    return lambda x: jax.jvp(slope, (x,), (jnp.ones_like(x),))[1]


def _series(f: Callable, mean: Array, variance: Array) -> Any:
    second = _curvature(f)
    terms = (f(mean), second(mean), _curvature(second)(mean))
    return jax.tree.map(lambda a, b, c: a + variance / 2 * b + variance**2 / 8 * c, *terms)
