"""The theory of infinite random networks as closures: one parallel step of their order parameters."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..ensembles import BlockSherringtonKirkpatrick, SherringtonKirkpatrick
from ._base import AbstractClosure
from ._sk_field import Averages, FieldLaw, averages, field_law, overlap_map
from ._sk_rule import SKRule


class SKOrder(eqx.Module):
    """Order parameters per spin: `m` = <s_i>, `q` = <s_i(t) s_i(t')>; with populations, one of each a population."""

    m: Float[Array, "*populations"]
    q: Float[Array, "*populations"]


class AsymmetricSK(AbstractClosure):
    """One parallel step of m and q of infinitely many spins: m <- E tanh x, q <- F(q; m).

    `solve` with it rests where `stationary` does, which is faster and copes with critical points; it serves where a
    closure is wanted. Source: Aguilera, Igarashi & Shimazaki, Nat. Commun. 14, 3685 (2023).
    """

    rule: SKRule = SKRule()

    def init(self, model: SherringtonKirkpatrick) -> SKOrder:
        """All spins up."""
        return SKOrder(jnp.ones_like(model.beta), jnp.ones_like(model.beta))

    def __call__(self, q: SKOrder, model: SherringtonKirkpatrick) -> SKOrder:
        """Order parameters one step later."""
        at, law = averages(model, q.m, self.rule), field_law(model, q.m, self.rule)
        return SKOrder(at.m, overlap_map(at.overlaps, law.share, q.q))


class Populations(AbstractClosure):
    """One parallel step of the order parameters of infinitely many spins in populations.

    A spin of population a feels beta (H + sum_b J0[a, b] m_b) and a normal field of variance beta**2 sum_b
    dJ[a, b]**2, whose values at two times have covariance beta**2 sum_b dJ[a, b]**2 q_b; m_a and q_a follow as in
    `AsymmetricSK`, to which one population reduces.

    ```python
    solution = nq.meanfield.solve(nq.meanfield.Populations(), pair)
    solution.q.m, solution.q.q, solution.stable
    ```
    """

    rule: SKRule = SKRule()

    def init(self, model: BlockSherringtonKirkpatrick) -> SKOrder:
        """All spins up."""
        return SKOrder(jnp.ones_like(model.H0), jnp.ones_like(model.H0))

    def __call__(self, q: SKOrder, model: BlockSherringtonKirkpatrick) -> SKOrder:
        """Order parameters one step later."""
        at, law = self.averages(q.m, model)
        return SKOrder(at.m, jax.vmap(overlap_map)(at.overlaps, law.share, self.overlap_of_senders(q.q, model)))

    def averages(self, m: Float[Array, " p"], model: BlockSherringtonKirkpatrick) -> tuple[Averages, FieldLaw]:
        """Averages over the local fields of each population at magnetisations `m`, and the laws of these fields."""

        def one(pull: Array, dJ: Array, H0: Array, dH: Array) -> tuple[Averages, FieldLaw]:
            single = SherringtonKirkpatrick(
                J0=jnp.ones_like(pull), dJ=dJ, H0=H0, dH=dH, beta=model.beta, fields=model.fields
            )
            return averages(single, pull, self.rule), field_law(single, pull, self.rule)

        return jax.vmap(one)(model.J0 @ m, _length(model.dJ), model.H0, model.dH)

    def overlap_of_senders(self, q: Float[Array, " p"], model: BlockSherringtonKirkpatrick) -> Float[Array, " p"]:
        """sum_b dJ[a, b]**2 q_b / sum_b dJ[a, b]**2; 0 where nothing random is received."""
        strength = model.dJ**2
        total = jnp.sum(strength, axis=1)
        return jnp.where(total > 0, strength @ q / jnp.where(total > 0, total, 1), 0)


def _length(x: Float[Array, "p p"]) -> Float[Array, " p"]:
    """Root of the sum of squares of each row, with a gradient of zero at zero."""
    square = jnp.sum(x**2, axis=1)
    return jnp.where(square > 0, jnp.sqrt(jnp.where(square > 0, square, 1)), 0)
