"""Where the magnetisation and the overlap of an infinite random network come to rest."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from .. import numerics
from ..ensembles import SherringtonKirkpatrick
from ..numerics import FixedPoint
from ._sk_field import field_law, next_m, overlap_map
from ._sk_parts import tanh_parts
from ._sk_rule import SKRule


def resting_m(sk: SherringtonKirkpatrick, m0: Float[Array, ""], rule: SKRule) -> FixedPoint:
    """The magnetisation that m -> E tanh(field) reaches from `m0`; for J0 < 0 its only resting point.

    E tanh is concave for fields above zero and convex below (sech**2 smoothed by symmetric unimodal laws is unimodal),
    so that the guarded steps stay on the branch. Without constant fields and with a gain of at most one, m = 0.
    """
    zero, law = jnp.zeros_like(m0), field_law(sk, jnp.zeros_like(m0), rule)
    disordered = (sk.H0 == 0) & (next_m(sk, zero, rule)[1] <= 1)

    def step(m: Array, given: tuple) -> Array:
        law, noise, pull = given
        return law.weights @ rule.series.mean(tanh_parts(law.constants + pull * m, noise).even)

    start, given = jnp.where(disordered, zero, m0), (law, law.deviations(rule), sk.beta * sk.J0)
    return numerics.scalar_fixed_point(step, start, given, bracket=(-1, 1), rising=sk.J0 >= 0, throw=False)


def resting_overlap(overlaps: Float[Array, " terms"], share: Float[Array, ""], m: Float[Array, ""]) -> FixedPoint:
    """The overlap that q -> F(q) reaches from m**2, its least possible value; F rises and is convex."""
    return numerics.scalar_fixed_point(
        lambda q, given: overlap_map(given[0], given[1], q), m**2, (overlaps, share), bracket=(m**2, 1), throw=False
    )
