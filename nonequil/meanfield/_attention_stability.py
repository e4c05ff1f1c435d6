"""The small cycle that the positional clock forces on a self-attention network, and where it loses its stability."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from .. import numerics
from .._checks import require
from .._results import RESULTS
from ..ensembles import AttentionNetwork
from ..numerics import maps
from ..numerics._implicit import stopped
from ._attention import AttentionMeanField, AttentionState, advanced, next_token

MARCH = 32  # values of beta through which a cycle is followed from beta = 0
FURTHEST = 256  # steps of the search for a transition, of a sixteenth of the estimate without positions each


def attention_map(net: AttentionNetwork) -> Callable[[AttentionState], AttentionState]:
    """The mean field as a map of a state, for `nq.numerics.maps`; the leaves of `net` are its parameters."""
    return lambda state: next_token(state, net)[0]


def attention_lyapunov(
    net: AttentionNetwork,
    *,
    count: int = 3,
    steps: int,
    transient: int = 0,
    every: int = 1,
    blocks: int = 20,
    start: AttentionState | None = None,
) -> maps.Exponents:
    """The `count` largest Lyapunov exponents of the mean field after `transient` tokens. Unit: nats per token.

    `nq.numerics.maps.lyapunov` of `AttentionMeanField`, from its first token or from `start`; the clock has no tangent
    and adds no exponent of zero. Only the leading exponents, about as many as features, have a meaning: a saturated
    softmax leaves the others to rounding (`resolved`). Errors are those of `maps.lyapunov`, float32 among them.
    A sweep is a vmap outside or, on a CPU faster for many values, `jax.lax.map` in batches that stay in its cache.
    Source: Poc-Lopez & Aguilera, arXiv 2406.07247 (2024).

    ```python
    at = lambda beta: dataclasses.replace(net, beta=beta)
    exponents = lambda beta: nq.attention.lyapunov(at(beta), steps=75_000, transient=100_000).value
    jax.lax.map(exponents, betas, batch_size=128)
    ```
    """
    start = AttentionMeanField().init(net) if start is None else start
    return maps.lyapunov(
        attention_map(net), start, count=count, steps=steps, transient=transient, every=every, blocks=blocks
    )


def attention_cycle(net: AttentionNetwork, *, throw: bool = True) -> maps.PeriodicOrbit:
    """The cycle of one window that the positional clock forces, followed from beta = 0; stable or not.

    `states.attention` (window, heads, features) are the attentions along it, beginning with the one that draws the
    token of position 0; `multipliers` those of one window: log |mu_1| / window is the leading exponent. Without a
    positional code, eps = 0, it is the state without overlaps. Differentiable in the leaves of `net`.
    Result as of `maps.periodic_orbit`; with `throw` every other than `successful` is a run-time error.
    Raises ValueError in float32, which does not resolve a cycle that is as small as eps.

    ```python
    jnp.log(jnp.abs(nq.attention.cycle(nq.attention.standard(beta=1.1)).multipliers[0])) / 4  # -0.0468849
    ```
    """
    _need_float64(net)
    return _cycle(net, throw)


def attention_critical_beta(net: AttentionNetwork, *, throw: bool = True) -> Float[Array, ""]:
    """The inverse temperature beta at which the cycle forced by the positional clock loses its stability.

    Where the largest Floquet multiplier of `attention_cycle`, followed upwards from beta = 0, first has modulus one; of
    the published networks a complex pair passes, and a torus is born. `net.beta` is not read. Without a positional
    code, eps = 0, the multipliers per token solve lambda^L = (beta mu / L)(lambda^(L-1) + ... + 1), L the window and mu
    the eigenvalues of <W^value W^out>. Derivatives in the leaves of `net` come from the implicit function theorem,
    first order.

    Raises ValueError in float32; ValueError (traced: a run-time error) if no transition is found up to 16 times that
    estimate or the cycle ends before; `throw=False` returns NaN there.

    ```python
    nq.attention.critical_beta(nq.attention.standard(n_bits=2))  # 1.2434445
    ```
    """
    _need_float64(net)
    beta, found = _critical_beta(net)
    if not throw:
        return jnp.where(found, beta, jnp.nan)
    return require(beta, found, "the cycle forced by positions has no transition in beta: the search ended at beta")


def _need_float64(net: AttentionNetwork) -> None:
    if net.sigma.dtype != jnp.float64 or net.beta.dtype != jnp.float64:
        raise ValueError(
            f"net is {net.sigma.dtype} with beta {net.beta.dtype}: its stability needs float64; set "
            "jax.config.update('jax_enable_x64', True) before the network is made"
        )


def _at(net: AttentionNetwork, beta: Array) -> AttentionNetwork:
    """The network at another beta, whose value is known to be good."""
    return eqx.tree_at(lambda net: net.beta, net, beta)


def _without_pull(net: AttentionNetwork) -> AttentionState:
    """The cycle at beta = 0, where tokens are noise and two windows forget any start, at position 0."""
    start = AttentionMeanField().init(net)
    return advanced(_at(net, jnp.zeros_like(net.beta)), start, 3 * net.window - 1)


def _near(net: AttentionNetwork, start: AttentionState) -> maps.PeriodicOrbit:
    """The cycle that Newton finds from `start`."""
    return maps.periodic_orbit(attention_map(net), start, net.window, throw=False)


def _first(states: Any) -> AttentionState:
    return jax.tree.map(lambda leaf: leaf[0], states)


@eqx.filter_jit
def _cycle(net: AttentionNetwork, throw: bool) -> maps.PeriodicOrbit:
    held = stopped(net)

    def follow(start: AttentionState, part: Array) -> tuple[AttentionState, None]:
        return _first(_near(_at(held, part * held.beta), start).states), None

    parts = jnp.arange(1, MARCH + 1, dtype=net.beta.dtype) / MARCH
    start, _ = jax.lax.scan(follow, _without_pull(held), parts)
    return maps.periodic_orbit(attention_map(net), start, net.window, throw=throw)


@eqx.filter_jit
def _critical_beta(net: AttentionNetwork) -> tuple[Float[Array, ""], Bool[Array, ""]]:
    """The root, and whether there is one."""
    held = stopped(net)
    start, lower, upper = _bracket(held)
    found = maps.critical_value(
        lambda beta: attention_map(_at(net, beta)), start, (lower, upper), net.window, throw=False
    )
    ok = (found.result == RESULTS.successful) & jnp.isfinite(upper)
    return found.value, ok


def _bracket(net: AttentionNetwork) -> tuple[AttentionState, Array, Array]:
    """The cycle at the last beta of the search at which it is stable, this beta, and the next one."""
    step = _estimate(net) / 16

    def going(carry: tuple) -> Array:
        _, k, growth = carry
        return (growth < 1) & (k < FURTHEST) & jnp.isfinite(step)

    def follow(carry: tuple) -> tuple:
        start, k, _ = carry
        orbit = _near(_at(net, (k + 1) * step), start)
        growth = jnp.where(orbit.result == RESULTS.successful, jnp.abs(orbit.multipliers[0]), jnp.nan)
        on = growth < 1
        start = jax.tree.map(lambda new, old: jnp.where(on, new, old), _first(orbit.states), start)
        return start, jnp.where(on, k + 1, k), growth

    start, k, growth = jax.lax.while_loop(
        going, follow, (_without_pull(net), jnp.zeros_like(step), jnp.zeros_like(step))
    )
    return start, k * step, jnp.where(growth >= 1, (k + 1) * step, jnp.nan)


def _estimate(net: AttentionNetwork) -> Float[Array, ""]:
    """The beta at which one token alone would reproduce the last one: no window makes the transition earlier."""
    size = net.sigma[0].size
    omega, sigma = net.omega[1].reshape(-1, size), net.sigma.reshape(-1, size)
    gain = numerics.spectral_radius((1 - net.eps) * jnp.einsum("k,ka,kb->ab", net.weights, omega, sigma))
    return 1 / gain
