"""The field of one spin of an infinite random network, and averages over it."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._results import RESULTS
from ..ensembles import SherringtonKirkpatrick
from ..numerics._power_series import power_series
from ._sk_parts import Deviations, TanhParts, tanh_parts
from ._sk_rule import SKRule


class FieldLaw(eqx.Module):
    """The law of a local field: x = offset_j + scale z with probability weight_j, z standard normal.

    `share` is the part of the variance that couplings carry, the rest comes from normal fields: two times whose
    spins overlap by c have fields of correlation 1 + share (c - 1). `constants` are the offsets without the pull of
    the magnetisation.
    """

    offsets: Float[Array, " fields"]
    constants: Float[Array, " fields"]
    weights: Float[Array, " fields"]
    scale: Float[Array, ""]
    share: Float[Array, ""]
    variance: Float[Array, ""]  # of the part that couplings carry
    variance_of_fields: Float[Array, ""]  # of the normal part of the fields

    def parts(self, rule: SKRule) -> TanhParts:
        """Even and odd parts of functions of the field at the nodes of `rule`."""
        return tanh_parts(self.offsets, self.deviations(rule))

    def deviations(self, rule: SKRule) -> Deviations:
        """S z at the nodes of `rule`."""
        return Deviations.of(self.scale * rule.series.nodes.astype(self.scale.dtype))


class FieldMeans(eqx.Module):
    """Averages over the normal part z of a field x = g + s z, at every offset g: `mean` = E tanh x, `gain` =
    E sech(x)**2, `log_partition` = E log(2 cosh x), `coefficients` = E tanh(x) He_k(z) / sqrt(k!).
    """

    mean: Float[Array, " fields"]
    gain: Float[Array, " fields"]
    log_partition: Float[Array, " fields"]
    coefficients: Float[Array, "fields terms"]


class Averages(eqx.Module):
    """Averages over a local field x: what follows from a magnetisation alone.

    - `m` = E tanh x, the magnetisation one step later;
    - `k` = E sech(x)**2, the mean gain;
    - `log_partition` = E log(2 cosh x);
    - `pull` = beta J0 m E tanh x, with m the magnetisation that makes the field;
    - `field_work` = beta E(H tanh x), H the spin's own field;
    - `overlaps`: coefficients b_i of F(c) = E tanh x tanh y = sum_i b_i r**i, r the correlation of the two fields. The
      last one is what the others leave of F(1) = 1 - k.
    """

    m: Float[Array, ""]
    k: Float[Array, ""]
    log_partition: Float[Array, ""]
    pull: Float[Array, ""]
    field_work: Float[Array, ""]
    overlaps: Float[Array, " terms"]


def field_law(sk: SherringtonKirkpatrick, m: Float[Array, ""], rule: SKRule) -> FieldLaw:
    """The law of beta (H_i + sum_j J_ij s_j) among infinitely many spins of magnetisation `m`."""
    values, weights, variance = sk.fields.split(sk.beta * sk.dH, rule.field_nodes)
    couplings = (sk.beta * sk.dJ) ** 2
    total = couplings + variance
    positive = total > 0
    safe = jnp.where(positive, total, 1)
    scale = jnp.where(positive, jnp.sqrt(safe), 0)
    share = jnp.where(positive, couplings / safe, 1)
    constants = sk.beta * sk.H0 + values
    return FieldLaw(constants + sk.beta * sk.J0 * m, constants, weights, scale, share, couplings, variance)


def next_m(sk: SherringtonKirkpatrick, m: Float[Array, ""], rule: SKRule) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """E tanh of the field, and its slope in m, beta J0 E sech**2."""
    law = field_law(sk, m, rule)
    at = law.parts(rule)
    return law.weights @ rule.series.mean(at.even), sk.beta * sk.J0 * (law.weights @ rule.series.mean(at.gain))


def averages(sk: SherringtonKirkpatrick, m: Float[Array, ""], rule: SKRule) -> Averages:
    """All averages at magnetisation `m`."""
    law = field_law(sk, m, rule)
    return combined(sk, m, field_means(law.parts(rule), rule), rule)


def field_means(at: TanhParts, rule: SKRule) -> FieldMeans:
    """Averages over the normal part of the field."""
    mean, gain, log_partition = rule.series.mean(jnp.stack([at.even, at.gain, at.log_partition]))
    return FieldMeans(mean, gain, log_partition, rule.series.coefficients(at.even, at.odd))


def combined(sk: SherringtonKirkpatrick, m: Float[Array, ""], means: FieldMeans, rule: SKRule) -> Averages:
    """All averages at magnetisation `m`, from those over the normal part of the field."""
    law = field_law(sk, m, rule)
    mean, k = law.weights @ means.mean, law.weights @ means.gain
    squares = law.weights @ means.coefficients**2
    return Averages(
        m=mean,
        k=k,
        log_partition=law.weights @ means.log_partition,
        pull=sk.beta * sk.J0 * m * mean,
        field_work=(law.weights * law.constants) @ means.mean + law.variance_of_fields * k,
        overlaps=jnp.append(squares, 1 - k - jnp.sum(squares)),
    )


def correlation_of_fields(share: Float[Array, ""], c: Float[Array, "..."]) -> Float[Array, "..."]:
    """Correlation of the fields at two times whose spins overlap by `c`."""
    return 1 + share * (c - 1)


def overlap_map(
    overlaps: Float[Array, " terms"], share: Float[Array, ""], c: Float[Array, "..."]
) -> Float[Array, "..."]:
    """F(c): the overlap one step later."""
    return power_series(overlaps, correlation_of_fields(share, c))


def resolved(sk: SherringtonKirkpatrick, law: FieldLaw, rest: Float[Array, ""], rule: SKRule) -> RESULTS:
    """Whether the rule is fine enough for the law; `rest` is the last coefficient of a series."""
    return rule.check(law.scale, sk.fields.error(sk.beta * sk.dH, rule.field_nodes), rest)
