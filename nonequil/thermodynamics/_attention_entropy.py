"""Entropy production of self-attention networks of infinitely many spins, along orbits of their mean field."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from .._results import KIND, RESULTS, Estimate, Unit
from ..ensembles import AttentionNetwork
from ..meanfield import AttentionMeanField, AttentionState
from ..models._attention_rule import KEY, QUERY, VALUE

BLOCKS = 20


def attention_entropy_production(
    net: AttentionNetwork, *, steps: int, transient: int = 0, start: AttentionState | None = None
) -> Estimate:
    """Entropy that each spin gives to its surroundings with a token, as the number of spins grows: the mean of `steps`.

    sigma/n = < sum_c w_c [L(h_c(t), m_c(t)) - L(h^r_c(t), m_c(t - window))] >, with L(h, m) = h m - ln 2 cosh h: h_c(t)
    = beta sigma_c . A(t - 1) is the field of class c that draws token t, and m_c(t) = tanh h_c(t). h^r_c(t) is the
    field of the same chain run backwards, whose window holds the tokens t, ..., t - window + 1, the last of them the
    newest, each with the position it had. On average over a cycle this is the production; so it is over a long orbit,
    where `stderr` comes from 20 blocks (NaN below 20 tokens). Unit: nats/step/spin. Exact on a cycle whose length
    divides `steps`. Differentiable in the leaves of `net`, on regular orbits.

    `transient` tokens are left out first, at least one window of them. Raises ValueError if `steps` is below one or
    `transient` negative.
    Source: the rule of Poc-Lopez & Aguilera, arXiv 2406.07247 (2024), for large n; reversal as in `Autoregressive`.

    ```python
    nq.attention.entropy_production(nq.attention.standard(beta=1.4), steps=20_000, transient=20_000)
    ```
    """
    if steps < 1 or transient < 0:
        raise ValueError(
            f"steps = {steps}, transient = {transient}: average at least one token, leave out at least none"
        )
    state = AttentionMeanField().init(net) if start is None else start
    flow = _flows(net, state, steps, transient)
    spread = jnp.std(_block_means(flow), ddof=1) / jnp.sqrt(BLOCKS) if steps >= BLOCKS else jnp.asarray(jnp.nan)
    result = RESULTS.where(jnp.isfinite(flow).all(), RESULTS.successful, RESULTS.not_finite)
    return Estimate(jnp.mean(flow), spread, Unit.per_step_per_spin, KIND.sampled, result)


def _block_means(flow: Float[Array, " steps"]) -> Float[Array, " blocks"]:
    size = len(flow) // BLOCKS
    return jnp.mean(flow[: size * BLOCKS].reshape(BLOCKS, size), axis=1)


@eqx.filter_jit
def _flows(net: AttentionNetwork, state: AttentionState, steps: int, transient: int) -> Float[Array, " steps"]:
    """The flow of each token; the window before the first of them belongs to the transient."""
    closure, window = AttentionMeanField(), net.window
    step = lambda state, _: (closure(state, net), None)  # noqa: E731
    state = jax.lax.scan(step, state, length=max(transient, window))[0]

    def record(state: AttentionState, _: None) -> tuple[AttentionState, tuple[Array, Array]]:
        return closure(state, net), (net.class_fields(state.attention), state.phase)

    _, (h, phase) = jax.lax.scan(record, state, length=steps + window)
    later = jnp.arange(window, window + steps)
    backwards = later[:, None] - jnp.arange(window)[None]
    h_back = jax.vmap(lambda at: _field(net, jnp.tanh(h[at]), phase[at]))(backwards)
    return _log_prob(net, h[window:], h[window:]) - _log_prob(net, h_back, h[:steps])


def _field(net: AttentionNetwork, m: Float[Array, "window classes"], at: Int[Array, " window"]) -> Array:
    """The fields that draw the next token after a window, oldest first, given magnetisations and positions."""
    mu = jax.vmap(net.overlaps)(m * net.weights[None])
    return net.class_fields(net.rule.attention(mu[-1, QUERY], mu[:, KEY], mu[:, VALUE], at))


def _log_prob(net: AttentionNetwork, h: Array, drawn: Array) -> Float[Array, " steps"]:
    """Log probability a spin of tokens whose spins have the means tanh(drawn), under fields h; ln 2 cosh h is even."""
    return jnp.sum(net.weights[None] * (h * jnp.tanh(drawn) - jnp.logaddexp(h, -h)), axis=1)
