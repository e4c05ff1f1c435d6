"""Averages of finite networks over freshly drawn ones."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, Int, Key

from .. import numerics, statistics
from .._results import KIND, RESULTS, Estimate, Unit
from ..dynamics import AbstractDynamics, LocalUpdate, Parallel, Sequential, sweep
from ..ensembles import AbstractEnsemble
from ..models import Ising
from ._order_parameters import OrderParameters, order_parameters
from ._stationary_flow import ising, reduced_flow

Advance = Callable[[Array, Array], Array]


class DisorderAverage(eqx.Module):
    """Averages over freshly drawn networks.

    - `order_parameters`: their means and standard errors between networks, `.value.q` and `.stderr.q` for instance;
    - `entropy_production`: its mean per spin and step or sweep, with its error; `n_eff` is the number of networks;
    - `networks`: the order parameters and the entropy production of each network, leading axis networks.
    """

    order_parameters: statistics.Average
    entropy_production: Estimate
    networks: tuple[OrderParameters, Float[Array, " networks"]]


def disorder_average(
    ensemble: AbstractEnsemble,
    n: int,
    clock: type[AbstractDynamics] = Parallel,
    *,
    networks: int = 200,
    chains: int = 1,
    steps: int = 128,
    burn_in: int = 128,
    delay: int | None = None,
    chunk: int = 16,
    key: Key[Array, ""],
) -> DisorderAverage:
    """Order parameters and entropy production of networks of n spins, averaged over fresh draws of the ensemble.

    From each of `networks` draws `chains` chains start with all spins up and run for `burn_in` units of time, then for
    `steps` more that are averaged over; a unit of time is a step of `Parallel` or a sweep, n attempts, of `Sequential`.
    Errors are those between networks, so they hold what differs between draws and the noise of each run. `delay`, in
    units of time, is that of the self-correlation q (default: 1 for `Parallel`, where all delays agree in large
    networks, 16 for `Sequential`). Entropy production is averaged in the form of `stationary_flow`, per spin: unit
    nats/step/spin or nats/sweep/spin, kind sampled.

    One program for all networks, called for `chunk` of them at a time; memory is that of one network, and network k is
    the same, bit for bit, whatever `chunk` and `networks` are.
    Raises ValueError for other clocks, for `Sequential` with `self_coupling`, for counts that make no average.

    ```python
    sk = nq.SherringtonKirkpatrick(J0=1.0, dJ=1.0, beta=1.0)
    average = nq.thermodynamics.disorder_average(sk, 64, nq.Sequential, networks=50, key=jax.random.key(0))
    average.entropy_production.value, average.entropy_production.stderr
    ```
    """
    plan = _plan(ensemble, n, clock, chains, steps, burn_in, delay)
    if networks < 1 or chunk < 1:
        raise ValueError(f"networks = {networks}, chunk = {chunk}: draw at least one network at a time")
    parts = [_chunk(ensemble, plan, first + jnp.arange(chunk), key) for first in range(0, networks, chunk)]
    values = jax.tree.map(lambda *leaf: jnp.concatenate(leaf)[:networks], *parts)
    mean = jax.tree.map(jnp.mean, values)
    stderr = jax.tree.map(lambda v: jnp.std(v, ddof=1) / math.sqrt(networks), values)
    unit = CLOCKS[clock].unit
    production = Estimate(mean[1], stderr[1], unit, KIND.sampled, RESULTS.successful, n_eff=jnp.asarray(networks))
    return DisorderAverage(statistics.Average(mean[0], stderr[0]), production, values)


def extrapolate_in_size(small: Estimate, large: Estimate) -> Estimate:
    """2 large - small: an estimate for the infinite network from sizes n and 2 n, free of the correction in 1/n.

    The standard error is sqrt(4 stderr_large**2 + stderr_small**2): the two are taken as independent. Raises
    ValueError if their units differ.

    ```python
    nq.thermodynamics.extrapolate_in_size(average_256.entropy_production, average_512.entropy_production)
    ```
    """
    if small.unit is not large.unit:
        raise ValueError(f"unit = {small.unit.value} and {large.unit.value}: extrapolate estimates of one unit")
    result = RESULTS.where(small.result == RESULTS.successful, large.result, small.result)
    stderr = jnp.sqrt(4 * large.stderr**2 + small.stderr**2)
    return Estimate(2 * large.value - small.value, stderr, large.unit, large.kind, result)


class _Clock(NamedTuple):
    """How a clock goes through a unit of time: advance(model, keys)(x, u), all chains through unit u."""

    advance: Callable[[Ising, Any], Advance]
    attempts: Callable[[int], int]
    delay: int
    unit: Unit


class _Plan(NamedTuple):
    n: int
    clock: type[AbstractDynamics]
    chains: int
    steps: int
    burn_in: int
    delay: int


def _plan(ensemble: Any, n: int, clock: Any, chains: int, steps: int, burn_in: int, delay: int | None) -> _Plan:
    if clock not in CLOCKS:
        raise ValueError(f"clock = {clock.__name__}: disorder averages take Parallel or Sequential")
    if clock is Sequential and ensemble.self_coupling:
        raise ValueError(
            "self_coupling = True: the entropy production under Sequential is averaged in a form that needs a zero "
            "diagonal; draw networks with self_coupling=False, or average MeanFlow(dynamics, flow_over_outcomes)"
        )
    delay = CLOCKS[clock].delay if delay is None else delay
    for name, number, least in (("n", n, 2), ("chains", chains, 1), ("steps", steps, 1), ("delay", delay, 1)):
        if number < least:
            raise ValueError(f"{name} = {number}: take at least {least}")
    if burn_in < delay:
        raise ValueError(f"burn_in = {burn_in}: at least the delay, {delay} units of time, must pass before averaging")
    return _Plan(n, clock, chains, steps, burn_in, delay)


@eqx.filter_jit
def _chunk(ensemble: AbstractEnsemble, plan: _Plan, numbers: Int[Array, " some"], key: Key[Array, ""]) -> Any:
    """Values of the networks with these numbers, one network after the other."""
    return jax.lax.map(lambda k: _network(ensemble, plan, jr.fold_in(key, k)), numbers)


def _network(ensemble: AbstractEnsemble, plan: _Plan, key: Key[Array, ""]) -> tuple[OrderParameters, Array]:
    """One network drawn, run and averaged over time and chains."""
    key_model, key_chains = jr.split(key)
    model = ising(ensemble.sample(key_model, plan.n))
    advance = CLOCKS[plan.clock].advance(model, numerics.chain_keys(key_chains, plan.chains))
    observe = _observer(model, plan)

    def step(u: Array, carry: tuple) -> tuple:
        x, past, total = carry
        slot = u % plan.delay  # holds the state `delay` units ago
        total = jax.lax.cond(u < plan.burn_in, lambda: total, lambda: total.add(observe(past[slot], x)))
        return advance(x, u), past.at[slot].set(x), total

    x = jnp.ones((plan.chains, plan.n), jnp.int8)
    past = jnp.ones((plan.delay, *x.shape), jnp.int8)
    total = numerics.Total.zeros((len(LEAVES) + 1,), model.J.dtype)
    total = jax.lax.fori_loop(0, plan.burn_in + plan.steps, step, (x, past, total))[2]
    *values, flow = total.value / plan.steps
    return OrderParameters(*values), flow


def _observer(model: Ising, plan: _Plan) -> Callable[[Array, Array], Array]:
    """Order parameters and entropy production per spin and unit of time, averaged over the chains, in one vector."""
    flow = reduced_flow(plan.clock)
    per_spin = CLOCKS[plan.clock].attempts(plan.n) / plan.n

    def one(earlier: Array, x: Array) -> Array:
        found = order_parameters(earlier, x)
        production = per_spin * flow(model, x.astype(model.J.dtype), model.field(x))
        leaves = [getattr(found, name).astype(model.J.dtype) for name in LEAVES]
        return jnp.stack([*leaves, production])

    return lambda earlier, x: jnp.mean(jax.vmap(one)(earlier, x), axis=0)


def _together(model: Ising, keys: Key[Array, " chains"]) -> Advance:
    """All spins of all chains redrawn at once."""
    dynamics = Parallel(model)
    return lambda x, u: jax.vmap(lambda x, key: dynamics.step(x, u, key=key))(x, keys)


def _one_by_one(model: Ising, keys: Key[Array, " chains"]) -> Advance:
    """N attempts in each chain, one chain after the other: its spins and fields then stay in the fastest memory."""
    local, attempts = LocalUpdate(model), jnp.arange(model.n)

    def advance(x: Array, u: Array) -> Array:
        return jax.lax.map(lambda one: sweep(local, one[0], u * model.n + attempts, key=one[1]), (x, keys))

    return advance


LEAVES = ("m", "m_abs", "q", "C", "C_off_diagonal")
CLOCKS: dict[type[AbstractDynamics], _Clock] = {
    Parallel: _Clock(_together, lambda n: 1, 1, Unit.per_step_per_spin),
    Sequential: _Clock(_one_by_one, lambda n: n, 16, Unit.per_sweep_per_spin),
}
