"""Entropy given to the surroundings by transitions of a known dynamics."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .. import simulation, statistics
from .._checks import require
from .._results import KIND, RESULTS, Estimate, Unit
from .._types import Drive, State
from ..data import Transitions
from ..dynamics import AbstractDynamics, AbstractFiniteDynamics
from ._base import AbstractEstimator, is_population, per_pair, unit_of


def entropy_flow(dynamics: AbstractDynamics, x: State, x_next: State, drive: Drive = None) -> Float[Array, ""]:
    """Entropy given to the surroundings by one transition. Unit: nats. Its stationary mean is the production.

    phi(x, x') = log P(x' | x) - log P(the same transition backwards).  +inf where only the way back is impossible,
    -inf or NaN where the clock cannot make the pair. Source: Aguilera, Igarashi & Shimazaki (2023) for Ising clocks.
    """
    backward = dynamics.log_prob(*dynamics.reverse(x, x_next, drive))
    return dynamics.log_prob(x, x_next, drive) - backward


def flow_over_outcomes(
    dynamics: AbstractFiniteDynamics, x: State, x_next: State, drive: Drive = None
) -> Float[Array, ""]:
    """`entropy_flow` averaged over all that can follow `x`: the form of least variance. Unit: nats.

    sum_y P(y | x) phi(x, y). For clocks with few outcomes: those that move one spin at a time (n + 1 of them), chains,
    small networks. `x_next` only shows that the pair is possible.
    """
    outcomes, log_p = dynamics.outcomes(x, drive)
    flow = jax.vmap(lambda y: entropy_flow(dynamics, x, y, drive))(outcomes)
    mean = jnp.sum(jnp.where(log_p > -jnp.inf, jnp.exp(log_p) * flow, 0))
    return jnp.where(dynamics.log_prob(x, x_next, drive) > -jnp.inf, mean, -jnp.inf)


def flow_over_sites(dynamics: AbstractDynamics, x: State, x_next: State, drive: Drive = None) -> Float[Array, ""]:
    """`entropy_flow` less its noise at each site: the same mean with a smaller variance. Unit: nats.

    phi - sum_i (phi - E[phi | x, x' except at site i]): each term has mean zero, because x'_i is redrawn from the
    clock's own law given all else. Where phi is linear in x' (the couplings of an Ising network under `Parallel`) this
    puts tanh h_i(x) in the place of x'_i. For states that are arrays of spins; costs n evaluations a pair.
    """
    here, flow = dynamics.log_prob(x, x_next, drive), entropy_flow(dynamics, x, x_next, drive)
    size = x_next.size
    others = jnp.where(jnp.eye(size, dtype=bool), -x_next.ravel(), x_next.ravel()).reshape(size, *x_next.shape)

    def change(y: State) -> Float[Array, ""]:
        log_odds = dynamics.log_prob(x, y, drive) - here
        possible = log_odds > -jnp.inf
        other = entropy_flow(dynamics, x, jnp.where(possible, y, x_next), drive)  # finite, and so are its gradients
        return jnp.where(possible, jax.nn.sigmoid(jnp.where(possible, log_odds, 0)) * (other - flow), 0)

    return flow + jnp.sum(jax.vmap(change)(others))


class MeanFlow(AbstractEstimator):
    """Mean entropy flow of transitions under a model, in the clock's unit: nats per step, attempt or bin.

    value = sum_k w_k phi(x_k, x'_k) / sum_k w_k; the standard error is that between blocks. In the steady state this is
    the entropy production; a model fitted to the same transitions biases it upwards by about 2 d / n.

    - `dynamics`: a model with its clock;
    - `flow`: `entropy_flow`, or a form with less variance: `flow_over_outcomes` for clocks that move one spin,
      `flow_over_sites` for those that redraw all of them.

    Kind: sampled; exact on an enumerated population. Raises ValueError (traced: a run-time error) if the clock cannot
    make a pair of nonzero weight. Source: Roldan & Parrondo, PRE 85, 031129 (2012) for the rate of irreversibility.

    ```python
    nq.thermodynamics.MeanFlow(nq.Parallel(model))(nq.Transitions(spins[:-1], spins[1:]))
    ```
    """

    dynamics: AbstractDynamics
    flow: Callable = eqx.field(static=True, default=entropy_flow)

    def __call__(self, t: Transitions) -> Estimate:
        """The estimate from these transitions."""
        flow = self._flows(t)
        unit = unit_of(t, self.dynamics.unit)
        if is_population(t):
            return population_mean(flow, t, unit, RESULTS.successful)
        columns = flow.reshape(len(t), -1)  # a flow may have parts, one a spin
        means = jax.vmap(lambda column: statistics.block_mean(column, t), in_axes=1)(columns)
        mean, stderr, n_eff = (leaf.reshape(flow.shape[1:]) for leaf in means)
        return Estimate(mean, stderr, unit, KIND.sampled, RESULTS.successful, n_eff=n_eff)

    def _flows(self, t: Transitions) -> Float[Array, "pairs *parts"]:
        """Flow of each pair, zero where the weight is."""
        flow = per_pair(self.flow, self.dynamics, t)
        masked = (statistics.weights(t) == 0).reshape(-1, *[1] * (flow.ndim - 1))
        name = type(self.dynamics).__name__
        flow = require(
            flow,
            (flow > -jnp.inf) | masked,
            f"{name} cannot make one of the transitions (mask it with weight 0, or use another clock): flow",
        )
        return jnp.where(masked, 0, flow)


def population_mean(flow: Float[Array, "pairs *parts"], t: Transitions, unit: Unit, result: RESULTS) -> Estimate:
    """The mean over a whole population: no sampling error."""
    w = statistics.weights(t)
    mean = jnp.tensordot(w, flow, 1) / jnp.sum(w)
    details = None if t.dt is None else {"duration": jnp.sum(w * t.dt) / jnp.sum(w)}
    return Estimate(mean, jnp.zeros_like(mean), unit, KIND.exact, result, details=details)


def exact(dynamics: AbstractFiniteDynamics, drive: Drive = None, *, flow: Callable = entropy_flow) -> Estimate:
    """Entropy production of the steady state by enumeration: `MeanFlow` on all transitions. Unit: the clock's.

    Sigma = sum_ab p(a) P(a, b) log (P(a, b) / P(b, a)), p the stationary law. Differentiable in the couplings. Limits:
    those of `enumerate_states`. `flow_by_site` as the `flow` gives one value a spin. `result` says whether the
    stationary law was found; `details["duration"]` is the mean time that a step takes, for `per_second`.
    Source: Schnakenberg, RMP 48, 571 (1976), eq. 7.6.

    ```python
    nq.thermodynamics.exact(nq.Parallel(nq.SherringtonKirkpatrick(J0=0.0, dJ=1.0).sample(jax.random.key(0), 8)))
    ```
    """
    enumeration = simulation.enumerate_states(dynamics, drive)
    t = enumeration.transitions()
    return population_mean(MeanFlow(dynamics, flow)._flows(t), t, dynamics.unit, enumeration.result)
