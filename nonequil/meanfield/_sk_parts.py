"""Functions of a local field x = g + s z, split into parts even and odd in z: half the nodes, and no tanh."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


class TanhParts(eqx.Module):
    """Parts of functions of x at every offset and node z >= 0: `even` and `odd` of tanh x, the even ones of `gain` =
    sech(x)**2 and of `log_partition` = log(2 cosh x).
    """

    even: Float[Array, "fields half"]
    odd: Float[Array, "fields half"]
    gain: Float[Array, "fields half"]
    log_partition: Float[Array, "fields half"]


class Deviations(eqx.Module):
    """Deviations b = s z >= 0 from the offsets, and t = exp(-2 b): what does not change with a magnetisation."""

    b: Float[Array, " half"]
    t: Float[Array, " half"]

    @classmethod
    def of(cls, b: Float[Array, " half"]) -> "Deviations":
        """With t of b."""
        return cls(b, jnp.exp(-2 * b))


def tanh_parts(offsets: Float[Array, " fields"], deviations: Deviations) -> TanhParts:
    """The parts at x = g + b and x = g - b for each offset g and each b = s z >= 0, differentiable in both.

    With a = |g|, C = cosh 2a and c = cosh 2b they are sinh(2a) / (C + c), sinh(2b) / (C + c),
    2 (1 + C c) / (C + c)**2 and log(2 (C + c)) / 2, written in u = exp(-2a) and t = exp(-2b), which do not overflow.
    """
    return _parts(offsets[:, None], deviations.b[None], deviations.t[None])


@jax.custom_jvp
def _parts(g: Float[Array, "fields 1"], b: Float[Array, "1 half"], t: Float[Array, "1 half"]) -> TanhParts:
    a, sign = jnp.abs(g), jnp.where(g >= 0, 1, -1).astype(g.dtype)
    u = jnp.exp(-2 * a)
    rise, wide = 1 + u**2, 1 + t**2
    least = float(jnp.finfo(t.dtype).tiny)  # where both have vanished the weight of the node has too
    inverse = 1 / (rise * t + u * wide + least)
    return TanhParts(
        even=sign * (1 - u**2) * t * inverse,
        odd=u * (1 - t**2) * inverse,
        gain=2 * (u * t * inverse) * ((4 * u * t + rise * wide) * inverse),
        log_partition=a + b - jnp.log(inverse) / 2,
    )


@_parts.defjvp
def _parts_jvp(primals: tuple, tangents: tuple) -> tuple[TanhParts, TanhParts]:
    """A slope in b is that in g of the other parity: tanh' = sech**2 and (sech**2)' = -2 tanh sech**2.

    Products of the parts themselves make derivatives of all orders cheap; t is a function of b.
    """
    at, (dg, db, _) = _parts(*primals), tangents
    gain_odd = -2 * at.even * at.odd
    bend_even, bend_odd = at.even * at.gain + at.odd * gain_odd, at.even * gain_odd + at.odd * at.gain
    return at, TanhParts(
        even=at.gain * dg + gain_odd * db,
        odd=gain_odd * dg + at.gain * db,
        gain=-2 * (bend_even * dg + bend_odd * db),
        log_partition=at.even * dg + at.odd * db,
    )
