"""Overlaps of spins with their past at temperature zero, in an angle in which they are smooth."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .. import numerics
from .._results import RESULTS
from ..ensembles import SherringtonKirkpatrick
from ._sk_relaxation import _tables


class SharpNoise(eqx.Module):
    """The law of a local field h = deviation (offset_j + z) with probability weight_j, z standard normal.

    Couplings make the part `share` of its variance: fields at two times whose spins overlap by c correlate by
    1 + share (c - 1) = cos(angle). In that angle, unlike in c, the map of overlaps is smooth at c = 1:
    F = 1 - (2 / pi) int_0^angle e(t) dt with e(t) = sum_j weight_j exp(-offset_j**2 / (1 + cos t)).
    """

    offsets: Float[Array, " fields"]
    weights: Float[Array, " fields"]
    deviation: Float[Array, ""]
    share: Float[Array, ""]

    @property
    def m(self) -> Float[Array, ""]:
        """E sign h."""
        return self.weights @ jax.scipy.special.erf(self.offsets / math.sqrt(2))

    @property
    def gain(self) -> Float[Array, ""]:
        """The slope of E sign h in the mean of h: 2 phi(offset) / deviation, phi the standard normal density."""
        return self.weights @ jax.scipy.stats.norm.pdf(self.offsets) * 2 / self.deviation

    def lost(self, angle: Float[Array, ""]) -> Float[Array, ""]:
        """1 - c of the overlap that makes this angle."""
        return 2 * jnp.sin(angle / 2) ** 2 / self.share

    def lost_next(self, angle: Float[Array, ""]) -> Float[Array, ""]:
        """1 - F: Owen's function, at tan(angle / 2) = sqrt((1 - r) / (1 + r))."""
        slope = jnp.full_like(self.offsets, jnp.tan(angle / 2))
        return 8 * self.weights @ numerics.owens_t(self.offsets, slope)

    def slope(self, angle: Float[Array, ""]) -> Float[Array, ""]:
        """dF/dc."""
        return self.share * self.rate(angle) / jnp.sin(angle)

    def rate(self, angle: Float[Array, ""]) -> Float[Array, ""]:
        """-dF / d angle."""
        return 2 / np.pi * self.weights @ jnp.exp(-(self.offsets**2) / (1 + jnp.cos(angle)))


def sharp_noise(sk: SherringtonKirkpatrick, m: Float[Array, ""], field_nodes: int) -> SharpNoise:
    """The law of H_i + sum_j J_ij s_j among infinitely many spins of magnetisation `m`."""
    values, weights, variance = sk.fields.split(sk.dH, field_nodes)
    total = sk.dJ**2 + variance
    deviation = jnp.sqrt(total)
    return SharpNoise((sk.H0 + sk.J0 * m + values) / deviation, weights, deviation, sk.dJ**2 / total)


def resting_angle(noise: SharpNoise) -> tuple[Float[Array, ""], RESULTS]:
    """The angle of the overlap q = F(q) < 1, and how the search ended.

    Divided by the angle the equation has lost its root q = 1; F(c) > c at c = -1/2 bounds it from the other side. At
    offsets where exp(-offset**2) underflows the two roots are one.
    """

    def excess(angle: Array, noise: SharpNoise) -> Array:
        return (noise.lost(angle) - noise.lost_next(angle)) / angle

    least = float(jnp.finfo(noise.share.dtype).tiny) ** 0.125
    widest = 2 * jnp.arcsin(jnp.sqrt(0.75 * noise.share))
    found = numerics.root(excess, (least, widest), noise, tolerance=least, throw=False)
    merged = (found.result == RESULTS.no_bracket) & (found.value <= least)
    return found.value, RESULTS.where(merged, RESULTS.successful, found.result)


def overlap_with_past(noise: SharpNoise, resting: Float[Array, ""]) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """The overlap qtilde = int_0^inf exp(-t) C(t) dt and C'(0).

    C'' = C - F(C), C(0) = 1, C(inf) = q; `resting` is the angle of q. With x = 1 - angle / resting the particle of
    `Relaxation` has the potential V(x) = int (C - F) dC from q, so C' = -sqrt(2 V) and
    qtilde = 1 - int_0^1 exp(-t(x)) (dC/dx) dx. V = x**2 U(x), U smooth and free of cancellation, leaves one logarithm
    in t(x) = int_x^1 g(y) / y dy, g = (dC/dx) / sqrt(2 U), which is taken off; x = u**3 as there.
    """
    nodes, w, integral = _tables()
    integral = np.polynomial.legendre.legvander(2 * nodes - 1, integral.shape[0] - 1) @ integral
    u, weights, from_here = (jnp.asarray(array, resting.dtype) for array in (nodes, w, integral))
    x = jnp.append(u**3, 1)
    slope, kinetic = jax.vmap(lambda x: _motion(noise, resting, x, u, weights))(x)
    g = (slope / jnp.sqrt(kinetic))[:-1]
    at_rest = jnp.sin(resting) / resting / noise.share
    power = jnp.sqrt(at_rest / _pull(noise, resting, resting))
    logarithm = power * jnp.log(x[:-1]) - from_here @ (3 * (g - power) / u)
    qtilde = 1 - resting**2 * jnp.sum(weights * 3 * u**2 * jnp.exp(logarithm) * slope[:-1])
    return qtilde, -(resting**2) * jnp.sqrt(kinetic[-1])


def _pull(noise: SharpNoise, resting: Float[Array, ""], angle: Float[Array, ""]) -> Float[Array, ""]:
    """d(C - F) / dx over resting**2."""
    return (jnp.sin(angle) / noise.share - noise.rate(angle)) / resting


def _motion(
    noise: SharpNoise, resting: Float[Array, ""], x: Float[Array, ""], s: Float[Array, " nodes"], weights: Array
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """dC/dx over resting**2, and 2 U over resting**4: U = int_0^1 (d(C - F)/dx at x s) (C(x) - C(x s)) / x ds."""
    angle = resting * (1 - x)
    before = resting * (1 - x * s)
    half = resting * x * (1 - s) / 2
    gained = jnp.sin((angle + before) / 2) * jnp.sin(half) * 2 / (noise.share * resting**2 * x)
    pull = jax.vmap(lambda angle: _pull(noise, resting, angle))(before)
    return jnp.sin(angle) / resting / noise.share, 2 * jnp.sum(weights * pull * gained)
