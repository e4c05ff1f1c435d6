"""Exact dynamics of self-attention networks with infinitely many spins: a map on what the newest token reads."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from ..ensembles import AttentionNetwork
from ..models._attention_rule import KEY, OUT, QUERY, VALUE
from ._base import AbstractClosure


class AttentionState(eqx.Module):
    """What determines the next token: the attention that draws it, the earlier tokens, the clock.

    - `attention` A (heads, features), read by the last token;
    - `keys`, `values` (window - 1, heads, features): overlaps of the last tokens, newest first;
    - `phase`: position of the next token; `earlier`: how many of the earlier tokens are there (the rest is empty).
    """

    attention: Float[Array, "heads features"]
    keys: Float[Array, "earlier heads features"]
    values: Float[Array, "earlier heads features"]
    phase: Int[Array, ""]
    earlier: Int[Array, ""]


class AttentionMeanField(AbstractClosure):
    """The mean field of a self-attention network: exact for infinitely many spins, and for K = n classes of one site.

    mu^a_t = sum_c w_c omega^a_c tanh(beta sigma_c . A_(t-1)), a = out, value, query, key; m^a_t = (1 - eps) mu^a_t +
    eps c^a(p_t);  A_t = sum_d softmax_d(gamma m^query_t . m^key_(t-d)) m^value_(t-d), d = 0, ..., window - 1.
    A function of `AttentionState`; only the newest token is computed anew.

    The first token has all spins of class c at the sign of sigma_c's first feature, and position 0. It stays in the
    context of the second one (`keep_first_token`), as in networks of finite size; or it is dropped once read, and the
    second token takes position 0 again. After one window the two differ by a shift of the clock.
    Needs float64: chaotic trajectories in float32 part from the exact ones within about 150 steps.
    Source: Poc-Lopez & Aguilera, arXiv 2406.07247 (2024).

    ```python
    net, closure = nq.attention.standard(beta=1.27), nq.attention.MeanField()
    state = closure(closure.init(net), net)
    ```
    """

    keep_first_token: bool = eqx.field(static=True, default=True)

    def init(self, model: AttentionNetwork) -> AttentionState:
        """The state after the first token."""
        return self._init(model)

    @eqx.filter_jit
    def _init(self, model: AttentionNetwork) -> AttentionState:
        """`init` as one program."""
        mu = model.overlaps(model.weights * jnp.sign(model.sigma[:, 0, 0]))
        m = model.rule.mixed(mu, model.rule.codes(jnp.zeros((), jnp.int32)))
        empty = jnp.zeros((model.window - 1, *m.shape[1:]), m.dtype)
        state = AttentionState(m[VALUE], empty, empty, *jnp.zeros((2, 1), jnp.int32)[:, 0])
        if not self.keep_first_token:
            return state
        keys, values = (pushed(m[a], empty)[:-1] for a in (KEY, VALUE))
        one = jnp.ones((), jnp.int32)
        return AttentionState(m[VALUE], keys, values, one % model.window, jnp.minimum(one, model.window - 1))

    def __call__(self, q: AttentionState, model: AttentionNetwork) -> AttentionState:
        """The state one token later."""
        return next_token(q, model)[0]


def next_token(state: AttentionState, net: AttentionNetwork) -> tuple[AttentionState, Float[Array, "4 heads features"]]:
    """The state one token later, and the semantic overlaps mu of this token."""
    mu = net.overlaps(net.weights * jnp.tanh(net.class_fields(state.attention)))
    m = net.rule.mixed(mu, net.rule.codes(state.phase))
    keys, values = pushed(m[KEY], state.keys), pushed(m[VALUE], state.values)
    present = jnp.arange(net.window, dtype=state.earlier.dtype) <= state.earlier
    attention = net.rule.read(m[QUERY], keys, values, present)
    phase, earlier = (state.phase + 1) % net.window, jnp.minimum(state.earlier + 1, net.window - 1)
    return AttentionState(attention, keys[:-1], values[:-1], phase, earlier), mu


def pushed(
    newest: Float[Array, "heads features"], others: Float[Array, "earlier heads features"]
) -> Float[Array, "window heads features"]:
    """A window, newest first."""
    return jnp.concatenate([newest[None], others])


def state_of_window(
    net: AttentionNetwork, window: Float[Array, "window heads features"], phase: Int[Array, ""] | int = 0
) -> AttentionState:
    """The state whose last attentions are `window`, newest first, and whose next token has position `phase`.

    A full window of attentions determines the tokens they drew: token t - d was drawn by A_(t - d - 1).
    Raises ValueError if the window does not have the shape of the network's.
    """
    shape = (net.window, *net.sigma.shape[1:])
    if jnp.shape(window) != shape:
        raise ValueError(f"window has shape {jnp.shape(window)}: the network needs {shape}, newest first")
    phase = jnp.asarray(phase).astype(jnp.int32)
    age = jnp.arange(1, net.window, dtype=jnp.int32)

    def token(attention: Array, age: Array) -> Array:
        mu = net.overlaps(net.weights * jnp.tanh(net.class_fields(attention)))
        return net.rule.mixed(mu, net.rule.codes((phase - age) % net.window))

    m = jax.vmap(token)(window[1:], age)
    return AttentionState(window[0], m[:, KEY], m[:, VALUE], phase, jnp.asarray(net.window - 1, jnp.int32))


class AttentionOrbit(eqx.Module):
    """A trajectory of the mean field; the first axis is time, the second runs over features, head by head.

    - `mu`: semantic overlaps of the tokens with the out patterns, without the factor 1 - eps;
    - `attention`: what each of the tokens reads;
    - `state`: the last state, from which another call goes on.
    """

    mu: Float[Array, "steps features"]
    attention: Float[Array, "steps features"]
    state: AttentionState


def attention_trajectory(
    net: AttentionNetwork,
    *,
    steps: int,
    transient: int = 0,
    every: int = 1,
    start: AttentionState | None = None,
    keep_first_token: bool = True,
) -> AttentionOrbit:
    """Overlaps and attention of `steps` tokens after `transient` others, of each `every`-th only if it is above one.

    Without `start` the trajectory begins after the first token, kept or dropped as `AttentionMeanField` says. The
    transient leaves no record: memory grows with `steps` alone (under `jax.grad` also with `transient`). One program
    for each pair of lengths; a sweep is a vmap outside, fastest for some hundred values at a time (`jax.lax.map` with
    `batch_size=512`), which `nq.numerics.maps.bifurcation_diagram` of `nq.attention.map` does by itself.
    Differentiable in the leaves of `net`; derivatives of chaotic trajectories grow without bound.
    Use float64 (`jax_enable_x64`): in float32 a chaotic trajectory is another one after about 150 steps, and small
    exponents are lost. Raises ValueError if `steps` or `transient` is negative or `every` below one.
    Source: Poc-Lopez & Aguilera, arXiv 2406.07247 (2024).

    ```python
    orbit = nq.attention.trajectory(nq.attention.standard(n_bits=2, beta=1.27), steps=1000, transient=100_000)
    orbit.mu[:, 0], orbit.attention[:, 2]
    ```
    """
    if steps < 0 or transient < 0 or every < 1:
        raise ValueError(f"steps = {steps}, transient = {transient}, every = {every}: take at least 0, 0 and 1 of them")
    closure = AttentionMeanField(keep_first_token)
    return _trajectory(net, closure.init(net) if start is None else start, steps, transient, every)


@eqx.filter_jit
def _trajectory(net: AttentionNetwork, start: AttentionState, steps: int, transient: int, every: int) -> AttentionOrbit:
    def record(state: AttentionState, _: None) -> tuple[AttentionState, tuple[Array, Array]]:
        state, mu = next_token(advanced(net, state, every - 1), net)
        return state, (mu[OUT].ravel(), state.attention.ravel())

    state, (mu, attention) = jax.lax.scan(record, advanced(net, start, transient), length=steps)
    return AttentionOrbit(mu, attention, state)


def advanced(net: AttentionNetwork, state: AttentionState, steps: int) -> AttentionState:
    """The state `steps` tokens later."""
    if steps == 0:
        return state
    return jax.lax.scan(lambda state, _: (next_token(state, net)[0], None), state, length=steps)[0]
