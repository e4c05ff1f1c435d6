"""Laws of the random part of a network's fields."""

import abc

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Float, Key

from ..numerics import smooth_bell, smooth_step


class AbstractFieldLaw(eqx.Module):
    """A symmetric, unimodal law of the number u in H_i = beta (H0 + dH u_i)."""

    @abc.abstractmethod
    def sample(self, key: Key[Array, ""], n: int, dtype: np.dtype) -> Float[Array, " n"]:
        """Draw u n times, independently."""

    @abc.abstractmethod
    def split(
        self, spread: Float[Array, ""], nodes: int
    ) -> tuple[Float[Array, " nodes"], Float[Array, " nodes"], Float[Array, ""]]:
        """`spread` u as a value and an independent normal part: values, their weights, variance of the normal part.

        Averages over u are weighted sums over the values, with the variance added to that of the other normal parts.
        """

    @abc.abstractmethod
    def error(self, spread: Float[Array, ""], nodes: int) -> Float[Array, ""]:
        """Error of a sum over `nodes` values in place of the average of tanh(g + spread u), to leading order."""

    @abc.abstractmethod
    def bell(self, spread: Float[Array, ""], deviation: Float[Array, ""], width: Float[Array, ""]) -> Float[Array, ""]:
        """E sech((spread u + deviation z) / width)**2 / width for every ratio of the three, z standard normal."""


class UniformFields(AbstractFieldLaw):
    """u uniform on [-1, 1]: `dH` is the half width of the fields."""

    def sample(self, key: Key[Array, ""], n: int, dtype: np.dtype) -> Float[Array, " n"]:
        """Draw u n times, independently."""
        return jr.uniform(key, (n,), dtype, -1, 1)

    def split(
        self, spread: Float[Array, ""], nodes: int
    ) -> tuple[Float[Array, " nodes"], Float[Array, " nodes"], Float[Array, ""]]:
        """Gauss-Legendre nodes; no normal part."""
        u, w = np.polynomial.legendre.leggauss(nodes)
        return spread * jnp.asarray(u, spread.dtype), jnp.asarray(w / 2, spread.dtype), jnp.zeros_like(spread)

    def error(self, spread: Float[Array, ""], nodes: int) -> Float[Array, ""]:
        """4 rho**(-2 nodes), rho the ellipse around [-1, 1] through the poles at i pi / (2 spread).

        Source: Trefethen, Approximation Theory and Approximation Practice (2013), theorem 19.3.
        """
        pole = np.pi / 2 / jnp.where(spread > 0, spread, 1)
        rho = pole + jnp.sqrt(1 + pole**2)
        return jnp.where(spread > 0, 4 * rho ** (-2.0 * nodes), 0)

    def bell(self, spread: Float[Array, ""], deviation: Float[Array, ""], width: Float[Array, ""]) -> Float[Array, ""]:
        """The slope of a step between -spread and spread; for a small spread eight Gauss-Legendre nodes."""
        small = spread < 0.1 * jnp.maximum(deviation, width)
        values, weights, _ = self.split(jnp.where(small, spread, 0), 8)
        near = weights @ jax.vmap(lambda mean: smooth_bell(mean, deviation, width))(values)
        wide = jnp.where(small, 1, spread)
        return jnp.where(small, near, smooth_step(wide, deviation, width) / wide)


class GaussianFields(AbstractFieldLaw):
    """u standard normal: `dH` is the standard deviation of the fields."""

    def sample(self, key: Key[Array, ""], n: int, dtype: np.dtype) -> Float[Array, " n"]:
        """Draw u n times, independently."""
        return jr.normal(key, (n,), dtype)

    def split(
        self, spread: Float[Array, ""], nodes: int
    ) -> tuple[Float[Array, " nodes"], Float[Array, " nodes"], Float[Array, ""]]:
        """The value zero; all of it is normal."""
        return jnp.zeros_like(spread)[None], jnp.ones_like(spread)[None], spread**2

    def error(self, spread: Float[Array, ""], nodes: int) -> Float[Array, ""]:
        """Zero: the split is exact."""
        return jnp.zeros_like(spread)

    def bell(self, spread: Float[Array, ""], deviation: Float[Array, ""], width: Float[Array, ""]) -> Float[Array, ""]:
        """That of one normal variable of both variances."""
        variance = spread**2 + deviation**2
        positive = variance > 0
        both = jnp.where(positive, jnp.sqrt(jnp.where(positive, variance, 1)), 0)
        return smooth_bell(jnp.zeros_like(both), both, width)
