"""How averages over a local field change with its offset and its scale, in closed form."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ._sk_field import FieldLaw, FieldMeans, field_means
from ._sk_rule import SKRule


class FieldSlopes(eqx.Module):
    """Averages over the normal part z of a field x = g + s z, and their derivatives: `first` and `second` in the
    offset g, `in_scale` in s.
    """

    means: FieldMeans
    first: FieldMeans
    second: FieldMeans
    in_scale: FieldMeans

    def moved(self, offsets: Float[Array, " fields"], scale: Float[Array, ""]) -> FieldMeans:
        """The change of the averages when offsets and scale change by so much, to first order."""
        along = jax.vmap(lambda means, by: jax.tree.map(lambda x: x * by, means))(self.first, offsets)
        return jax.tree.map(lambda x, y: x + y * scale, along, self.in_scale)

    def at(self, offset: Float[Array, ""]) -> FieldMeans:
        """The averages with all offsets moved by `offset`, to second order."""
        terms = (self.means, self.first, self.second)
        return jax.tree.map(lambda a, b, c: a + offset * b + offset**2 / 2 * c, *terms)


def field_slopes(law: FieldLaw, rule: SKRule) -> FieldSlopes:
    """Averages of derivatives of tanh: t' = 1 - t**2 = sech**2, t'' = -2 t t', t''' = -2 (t'**2 + t t'').

    By parts, d/ds E f(g + s z) = E z f'(g + s z) = s E f''(g + s z); the coefficients keep z f'.
    """
    at, series = law.parts(rule), rule.series
    means, z = field_means(at, rule), series.nodes.astype(law.scale.dtype)
    gain_odd = -2 * at.even * at.odd
    bend, bend_odd = -2 * (at.even * at.gain + at.odd * gain_odd), -2 * (at.even * gain_odd + at.odd * at.gain)
    curl = -2 * (at.gain**2 + gain_odd**2 + at.even * bend + at.odd * bend_odd)
    bent, curled = series.mean(jnp.stack([bend, curl]))
    z_gain, z_gain_odd = (jax.vmap(jnp.multiply, (0, None))(part, z) for part in (at.gain, gain_odd))
    first, second, in_scale = series.coefficients(
        jnp.stack([at.gain, bend, z_gain_odd]), jnp.stack([gain_odd, bend_odd, z_gain])
    )
    return FieldSlopes(
        means=means,
        first=FieldMeans(means.gain, bent, means.mean, first),
        second=FieldMeans(bent, curled, means.gain, second),
        in_scale=FieldMeans(law.scale * bent, law.scale * curled, law.scale * means.gain, in_scale),
    )
