"""The network that dissipates most among those of a given overlap."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from .. import numerics
from .._checks import require
from .._results import RESULTS, Estimate
from ..dynamics import AbstractSpinClock, Parallel
from ..ensembles import SherringtonKirkpatrick
from ..meanfield import Averages, SKRule, sk_stationary
from ..meanfield._sk_field import averages, overlap_map
from ..thermodynamics._sk_entropy import rate

LEAST = 1e-2  # beta dJ at which the search begins, in units of its largest value
FURTHEST = 60.0  # pull at which every spin is frozen


class MostDissipative(eqx.Module):
    """Of all networks of one overlap the one that produces most entropy: `ensemble` at beta = 1, `estimate` there.

    `at_bound`: it has the largest disorder that was allowed, and more would dissipate more.
    """

    ensemble: SherringtonKirkpatrick
    estimate: Estimate
    at_bound: Bool[Array, ""]
    result: RESULTS


def maximise_sk_entropy_production(
    q: Float[Array, ""] | float,
    *,
    largest: Float[Array, ""] | float = 4.0,
    clock: type[AbstractSpinClock] = Parallel,
    rule: SKRule | None = None,
) -> MostDissipative:
    """The couplings of greatest entropy production at overlap `q`, without fields, for beta dJ <= `largest`.

    At each beta dJ = s the pull g = beta J0 m follows from F(q; g, s) = q, then m = E tanh(g + s z), beta J0 = g / m
    and sigma = s**2 k (1 - o). Where d sigma / ds, through the implicit derivatives of all of these, changes its sign,
    sigma is greatest; else at the bound. In fact sigma rises with s all along: towards low temperature it grows like
    beta, so that only a bound on the couplings makes a maximum.
    Raises ValueError (traced: a run-time error) unless 0 < q < 1 and `largest` is above zero.

    ```python
    best = nq.sk.maximise_entropy_production(0.6, largest=2.0, clock=nq.Sequential)
    best.ensemble.J0, best.ensemble.dJ, best.estimate.value
    ```
    """
    q, largest = (jnp.asarray(x, float) for x in (q, largest))
    q = require(q, (q > 0) & (q < 1), "q must lie between 0 and 1: q")
    largest = require(largest, largest > 0, "largest, the bound on beta dJ, must be above zero: largest")
    return _best(q, largest, clock, SKRule(field_nodes=1) if rule is None else rule)


@eqx.filter_jit
def _best(q: Array, largest: Array, clock: type[AbstractSpinClock], rule: SKRule) -> MostDissipative:
    def at(s: Array) -> tuple[SherringtonKirkpatrick, Estimate, RESULTS]:
        ensemble = ensemble_of(q, s, rule)
        state = sk_stationary(ensemble, rule=rule)
        return ensemble, rate(state, clock), state.result

    ends = (LEAST * largest, largest)
    inside = numerics.root(lambda s, _: jax.grad(lambda s: at(s)[1].value)(s), ends, throw=False)
    candidates = jnp.stack([*ends, inside.value])
    found = jax.lax.map(at, candidates)
    best = jnp.argmax(jnp.where(jnp.isfinite(found[1].value), found[1].value, -jnp.inf))
    ensemble, estimate, result = jax.tree.map(lambda leaf: leaf[best], found)
    return MostDissipative(ensemble, estimate, candidates[best] == largest, result)


def ensemble_of(q: Float[Array, ""], s: Float[Array, ""], rule: SKRule) -> SherringtonKirkpatrick:
    """The ensemble (beta = 1, no fields) of overlap `q` and beta dJ = `s`."""

    def excess(g: Array, given: tuple) -> Array:
        q, s = given
        return overlap_map(_pulled(g, s, rule).overlaps, jnp.ones_like(s), q) - q

    zero = jnp.zeros_like(q)
    g = numerics.root(excess, (zero, zero + FURTHEST), (q, s), throw=False).value
    return SherringtonKirkpatrick(J0=g / _pulled(g, s, rule).m, dJ=s)


def _pulled(g: Array, s: Array, rule: SKRule) -> Averages:
    """Averages over g + s z."""
    return averages(SherringtonKirkpatrick(J0=jnp.ones_like(s), dJ=s), g, rule)
