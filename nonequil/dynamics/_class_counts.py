"""Tokens of very many spins, known by how many spins of each class are up."""

from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jax.scipy.special import gammaln
from jaxtyping import Array, Float, Key, Shaped

from .._checks import require
from .._results import Unit
from .._types import Drive, Index
from ..ensembles import AttentionNetwork
from ..models._attention_rule import KEY, QUERY, VALUE, mirrored
from ._base import AbstractDynamics


def _whole(x: Any) -> Float[Array, " classes"]:
    x = jnp.asarray(x, float)
    return require(x, (x >= 1) & (x == jnp.round(x)), "sizes are numbers of spins, at least one in each class: sizes")


class ClassCounts(AbstractDynamics):
    """`Autoregressive` tokens of a self-attention network, exactly, at the cost of its classes whatever its size.

    The spins of a class share their patterns, so that only the number n_c of those that are up matters:
    n_c' ~ Binomial(N_c, sigmoid(2 beta sigma_c . A)), independently, with A read from the window as in `SelfAttention`.
    The state is the window (window, classes) of numbers, oldest first, floating; `sizes` are the N_c, for n spins
    `net.class_sizes(key, n)`. The drive gives the position of each token (`Positions`). Reversal mirrors both. `spins`
    is empty: single spins are not known. Unit of flows: nats/step; a flow is that of the numbers, whose mean over a
    period of the positions in the steady state is that of the spins.

    Raises ValueError (traced: a run-time error) for sizes that are no positive whole numbers; ValueError if there are
    not as many as classes, or in float32, which does not hold numbers above 2**24.
    Source: Poc-Lopez & Aguilera, arXiv 2406.07247 (2024) for the network.

    ```python
    net = nq.attention.standard(beta=1.255)
    clock = nq.attention.ClassCounts(net, net.class_sizes(jax.random.key(0), 30_000_000))
    x0 = clock.first_window()[None]
    nq.simulate(clock, x0, steps=15, key=jax.random.key(1), drive=nq.attention.Positions(net.window))
    ```
    """

    net: AttentionNetwork
    sizes: Float[Array, " classes"] = eqx.field(converter=_whole)
    unit: ClassVar[Unit] = Unit.per_step

    def __check_init__(self) -> None:
        if jnp.shape(self.sizes) != jnp.shape(self.net.weights):
            raise ValueError(f"sizes has shape {jnp.shape(self.sizes)}: the network has {self.net.classes} classes")
        if self.sizes.dtype != jnp.float64:
            raise ValueError(
                f"sizes is {self.sizes.dtype}: numbers of spins need float64; set "
                "jax.config.update('jax_enable_x64', True) before the network is made"
            )

    def step(
        self, x: Float[Array, "window classes"], index: Index, *, key: Key[Array, ""], drive: Drive = None
    ) -> Float[Array, "window classes"]:
        """The window moved on by one token."""
        up = jr.binomial(jr.fold_in(key, index), self.sizes, jax.nn.sigmoid(2 * self.field(x, drive)), dtype=x.dtype)
        return jnp.concatenate([x[1:], up[None]])

    def log_prob(
        self, x: Float[Array, "window classes"], x_next: Float[Array, "window classes"], drive: Drive = None
    ) -> Float[Array, ""]:
        """Log of the binomial probabilities; -inf unless `x_next` is `x` moved on by one token."""
        h, up, down = self.field(x, drive), x_next[-1], self.sizes - x_next[-1]
        ways = gammaln(self.sizes + 1) - gammaln(up + 1) - gammaln(down + 1)
        new = jnp.sum(ways + up * jax.nn.log_sigmoid(2 * h) + down * jax.nn.log_sigmoid(-2 * h))
        return jnp.where(jnp.all(x_next[:-1] == x[1:]), new, -jnp.inf)

    def reverse(
        self, x: Float[Array, "window classes"], x_next: Float[Array, "window classes"], drive: Drive = None
    ) -> tuple[Float[Array, "window classes"], Float[Array, "window classes"], Drive]:
        """Both windows read backwards, the later one first, each token with its position."""
        return x_next[::-1], x[::-1], mirrored(drive)

    def duration(self, x: Float[Array, "window classes"], x_next: Float[Array, "window classes"]) -> Float[Array, ""]:
        """One unit of time."""
        return jnp.ones(())

    def spins(self, x: Float[Array, "window classes"]) -> Shaped[Array, " 0"]:
        """None: the numbers do not say which spins are up."""
        return jnp.ones(0, jnp.int8)

    def field(self, x: Float[Array, "window classes"], drive: Drive = None) -> Float[Array, " classes"]:
        """Half log-odds of +1 of the next token's spins, one for each class."""
        if x.shape != (self.net.window, self.net.classes):
            shape = (self.net.window, self.net.classes)
            raise ValueError(f"x has shape {x.shape}, but the network reads windows of numbers of shape {shape}")
        mu = jax.vmap(self.overlaps)(x)
        return self.net.class_fields(self.net.rule.attention(mu[-1, QUERY], mu[:, KEY], mu[:, VALUE], drive))

    def overlaps(self, up: Float[Array, " classes"]) -> Float[Array, "4 heads features"]:
        """Semantic overlaps mu of a token with `up` spins up in each class."""
        return self.net.overlaps((2 * up - self.sizes) / jnp.sum(self.sizes))

    def first_window(self) -> Float[Array, "window classes"]:
        """A window of the first token, all spins of a class at the sign of sigma's first feature."""
        up = jnp.where(self.net.sigma[:, 0, 0] > 0, self.sizes, 0)
        return jnp.broadcast_to(up, (self.net.window, *up.shape))
