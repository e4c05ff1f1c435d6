"""How infinitely many spins, redrawn all at once, come to their steady state."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._results import RESULTS
from ..ensembles import SherringtonKirkpatrick
from ..numerics._power_series import power_series
from ._sk_field import FieldLaw, averages, correlation_of_fields, field_law, next_m, resolved
from ._sk_parts import TanhParts
from ._sk_rule import SKRule, chosen
from ._sk_stationary import initial_m, starting_at
from ._sk_steps import SKSteps


class SKTransient(eqx.Module):
    """Order parameters of the steps u = 0 (the start), 1, ..., `steps`; the first axis of every array is u.

    - `m[u]` = <s_i,u>; `q[u, v]` = <s_i,u s_i,v>, symmetric, with ones on the diagonal;
    - `k[u]`: mean gain of the update that made step u (NaN at u = 0, which no update made);
    - `log_partition[u]` = E log(2 cosh x), x the field that step u makes;
    - `field_work[u]` = beta E(H <s_i,u>), H the spin's own field;
    - `variance` = (beta dJ)**2; `mean_coupling` = beta J0; `result`: `successful` or `quadrature_too_coarse`.
    """

    m: Float[Array, " times"]
    q: Float[Array, "times times"]
    k: Float[Array, " times"]
    log_partition: Float[Array, " times"]
    field_work: Float[Array, " times"]
    variance: Float[Array, ""]
    mean_coupling: Float[Array, ""]
    result: RESULTS

    @property
    def path(self) -> SKSteps:
        """What the entropies of the steps 1, 2, ... are made of."""
        lag_two = jnp.diagonal(self.q, -2)
        memory = jnp.append(jnp.zeros_like(self.m[:1]), self.k[1:-1] * lag_two)[: self.m.shape[0] - 1]
        return SKSteps(
            partition_before=self.log_partition[:-1],
            partition_after=self.log_partition[1:],
            pull=self.mean_coupling * self.m[1:] * self.m[:-1],
            work_before=self.field_work[:-1],
            work=self.field_work[1:],
            gain=self.variance * self.k[1:],
            memory=self.variance * memory,
            result=self.result,
        )


def sk_transient(
    sk: SherringtonKirkpatrick, m0: Float[Array, ""] | float = 1.0, steps: int = 8, *, rule: SKRule | None = None
) -> SKTransient:
    """Magnetisation and overlaps of infinitely many spins, redrawn all at once, from independent spins of mean `m0`.

    m_u = E tanh(beta (H + J0 m_(u-1)) + beta dJ z);  q_uv = F(q_(u-1,v-1); m_(u-1), m_(v-1)) for u, v >= 1,
    q_u0 = m_u m_0, q_uu = 1, with F the average of two such tanh of correlated fields. The start does not know the
    couplings and fields. Cost: steps**2 series. Differentiable in the ensemble and `m0`.
    Raises ValueError for steps below zero; ValueError (traced: a run-time error) for m0 outside [-1, 1].
    Source: Aguilera, Igarashi & Shimazaki, Nat. Commun. 14, 3685 (2023); Crisanti & Sompolinsky (1988).

    ```python
    nq.sk.transient(nq.SherringtonKirkpatrick(J0=1.0, dJ=0.5, beta=1.5), m0=1.0, steps=8).m
    ```
    """
    if steps < 0:
        raise ValueError(f"steps = {steps}: take at least 0")
    rule, m0 = chosen(sk, rule), initial_m(sk, m0)
    return _transient(starting_at(m0, sk), m0, steps, rule)


@eqx.filter_jit
def _transient(sk: SherringtonKirkpatrick, m0: Float[Array, ""], steps: int, rule: SKRule) -> SKTransient:
    _, later = jax.lax.scan(lambda m, _: (next_m(sk, m, rule)[0],) * 2, m0, length=steps)
    m = jnp.append(m0, later)
    law = field_law(sk, m0, rule)
    at = jax.vmap(lambda m: averages(sk, m, rule))(m)
    parts = jax.vmap(lambda m: field_law(sk, m, rule).parts(rule))(m[:-1])
    q = _triangle(m, parts, law, rule)
    none = jnp.full_like(m[:1], jnp.nan)
    return SKTransient(
        m=m,
        q=q + jnp.tril(q, -1).T,
        k=jnp.concatenate([none, at.k[:-1]]),
        log_partition=at.log_partition,
        field_work=jnp.append(law.weights @ law.constants * m0, at.field_work[:-1]),
        variance=law.variance,
        mean_coupling=sk.beta * sk.J0,
        result=resolved(sk, law, jnp.max(at.overlaps[:, -1]), rule),
    )


def _triangle(m: Float[Array, " times"], parts: TanhParts, law: FieldLaw, rule: SKRule) -> Float[Array, "times times"]:
    """Overlaps of each step with the earlier ones and itself; zero above the diagonal."""
    places = jnp.arange(m.shape[0])
    made = _Made(rule.series.coefficients(parts.even, parts.odd), parts.even, parts.odd)

    def step(row: Array, given: tuple) -> tuple[Array, Array]:
        u, m_now, now = given
        pairs = jax.vmap(lambda then, c: _two_times(now, then, c, law, rule))(made, row[:-1])
        row = jnp.append(m_now * m[0], jnp.where(places[1:] < u, pairs, 0)).at[u].set(1)
        return row, row

    first = jnp.where(places == 0, jnp.ones_like(m), 0)
    _, rows = jax.lax.scan(step, first, (places[1:], m[1:], made))
    return jnp.concatenate([first[None], rows])


class _Made(eqx.Module):
    """The tanh of the fields at one time: as a series, and its even and odd parts."""

    series: Float[Array, "*steps fields terms"]
    even: Float[Array, "*steps fields half"]
    odd: Float[Array, "*steps fields half"]


def _two_times(now: _Made, then: _Made, c: Float[Array, ""], law: FieldLaw, rule: SKRule) -> Float[Array, ""]:
    """E tanh x tanh y at fields x, y of two times whose spins overlap by `c`."""
    products = law.weights @ (now.series * then.series)
    whole = law.weights @ rule.series.mean(now.even * then.even + now.odd * then.odd)
    r = correlation_of_fields(law.share, c)
    return power_series(jnp.append(products, whole - jnp.sum(products)), r)
