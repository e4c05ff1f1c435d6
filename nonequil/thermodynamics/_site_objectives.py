"""What is maximised over the coefficients of one spin's flips: F itself, or its expansion about zero.

For observables y_j = -x_i x_j (half of g) of the flips of spin i, and s = x_i where it flips and 0 elsewhere, the
current of a flip is phi . y = -s u with the field u = phi . x, so both read the states through u alone. Several columns
of coefficients stand side by side.
"""

import abc
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

Signs = Float[Array, "_ rows"]
PerColumn = Float[Array, " columns"]
Coefficients = Float[Array, "columns d"]


class Look(NamedTuple):
    """Value and gradient at some coefficients, and ln Z there (0 where there is none)."""

    value: PerColumn
    gradient: Coefficients
    log_z: PerColumn


class AbstractSiteObjective(abc.ABC):
    """A concave function of phi, from sums over flips of x with weights that depend on s and u."""

    @abc.abstractmethod
    def tilt(self, s: Signs, u: Signs, top: PerColumn) -> Signs:
        """Weight of a flip in the curvature."""

    @abc.abstractmethod
    def pull(self, s: Signs, u: Signs, top: PerColumn) -> Signs:
        """Weight of x in the sums; `top` is near ln Z."""

    @abc.abstractmethod
    def look(
        self, sums: Coefficients, site: Int[Array, " columns"], mean: Coefficients, phi: Coefficients, top: PerColumn
    ) -> Look:
        """Value and gradient from the sums over flips, whose weights sum to one, and the mean of y."""


class LogMean(AbstractSiteObjective):
    """F = phi . <y> - ln <exp(-phi . y)>."""

    def tilt(self, s: Signs, u: Signs, top: PerColumn) -> Signs:
        """exp(-phi . y) / Z."""
        return jnp.where(s == 0, 0, jnp.exp(s * u - top[:, None]))

    def pull(self, s: Signs, u: Signs, top: PerColumn) -> Signs:
        """The same, with the sign of the spin."""
        return s * self.tilt(s, u, top)

    def look(
        self, sums: Coefficients, site: Int[Array, " columns"], mean: Coefficients, phi: Coefficients, top: PerColumn
    ) -> Look:
        """The spin's own column of the sums is Z: its sign squared is one."""
        z = jnp.take_along_axis(sums, site[:, None], 1)
        log_z = jnp.log(z[:, 0]) + top
        return Look(jnp.sum(phi * mean, 1) - log_z, mean - sums / z, log_z)


class Parabola(AbstractSiteObjective):
    """2 phi . <y> - phi . Cov(y) phi / 2: F to second order at zero, where its Newton step ends."""

    def tilt(self, s: Signs, u: Signs, top: PerColumn) -> Signs:
        """Every flip counts alike."""
        return s * s

    def pull(self, s: Signs, u: Signs, top: PerColumn) -> Signs:
        """The field itself."""
        return s * s * u

    def look(
        self, sums: Coefficients, site: Int[Array, " columns"], mean: Coefficients, phi: Coefficients, top: PerColumn
    ) -> Look:
        """The sums are <y y> phi."""
        gradient = 2 * mean - sums + mean * jnp.sum(mean * phi, 1, keepdims=True)
        return Look(jnp.sum(phi * (2 * mean + gradient), 1) / 2, gradient, jnp.zeros_like(top))
