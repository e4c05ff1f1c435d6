"""Self-attention networks of any size: the laws of their patterns, read by simulations and mean field alike."""

from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, Key

from .._checks import finite, nonnegative, require, share
from ..models import AttentionRule, SelfAttention
from ..models._attention import check_code
from ._base import AbstractEnsemble


def _shares(x: Any) -> Float[Array, " classes"]:
    w = nonnegative("weights")(x)
    total = jnp.sum(w)
    return w + 0 * require(total, jnp.abs(total - 1) < 1e-5, "weights must sum to one: their sum")


class AttentionNetwork(AbstractEnsemble):
    """A self-attention network as classes of spins that share their patterns.

    Class c holds the share w_c of the spins. Its spins feel beta sigma_c . A, with A the attention, and add
    omega^a_c to the overlaps, a = out, value, query, key:  mu^a = sum_c w_c omega^a_c <s>_c.  `sigma` has shape
    (classes, heads, features), `omega` (4, classes, heads, features), `weights` (classes,), summing to one. omega^out
    is sigma, unless the classes stand for tables of correlations. `beta`, `gamma` (one number or one a head), `eps`,
    `positions` (4, window, heads, features) or None, and `window` are those of `SelfAttention`. No units.

    Most networks are made by `nq.attention.standard`, `from_patterns`, `from_correlations`, `duplicated` and
    `random_segments`. Sweep a leaf by `dataclasses.replace(net, beta=beta)` under vmap.
    Raises ValueError (traced: a run-time error) if beta, gamma or a weight is negative, eps is outside [0, 1], the
    weights do not sum to one, or a value is not finite; ValueError on shapes that do not fit.
    Source: Poc-Lopez & Aguilera, arXiv 2406.07247 (2024).

    ```python
    net = nq.attention.standard(n_bits=2, beta=1.27)
    model = net.sample(jax.random.key(0), 990)
    ```
    """

    sigma: Float[Array, "classes heads features"] = eqx.field(converter=finite("sigma"))
    omega: Float[Array, "4 classes heads features"] = eqx.field(converter=finite("omega"))
    weights: Float[Array, " classes"] = eqx.field(converter=_shares)
    beta: Float[Array, ""] = eqx.field(converter=nonnegative("beta"))
    gamma: Float[Array, "*heads"] = eqx.field(converter=nonnegative("gamma"))
    eps: Float[Array, ""] = eqx.field(converter=share("eps"), default=0.0)
    positions: Float[Array, "4 window heads features"] | None = eqx.field(
        converter=lambda x: None if x is None else finite("positions")(x), default=None
    )
    window: int = eqx.field(static=True, kw_only=True)
    self_coupling: ClassVar[bool] = True

    def __check_init__(self) -> None:
        shape = jnp.shape(self.sigma)
        if len(shape) != 3 or jnp.shape(self.omega) != (4, *shape) or jnp.shape(self.weights) != shape[:1]:
            raise ValueError(
                f"sigma has shape {shape}, omega {jnp.shape(self.omega)}, weights {jnp.shape(self.weights)}: they must "
                "be (classes, heads, features), (4, classes, heads, features) and (classes,)"
            )
        check_code(self.positions, shape[1:], self.gamma, self.window)

    @property
    def classes(self) -> int:
        """Number of classes."""
        return self.sigma.shape[0]

    @property
    def rule(self) -> AttentionRule:
        """How a token attends to its window."""
        return AttentionRule(self.positions, self.gamma, self.eps)

    def class_fields(self, attention: Float[Array, "heads features"]) -> Float[Array, " classes"]:
        """Half log-odds of +1 of the next token's spins, one for each class: beta sigma_c . A."""
        return self.beta * jnp.einsum("khm,hm->k", self.sigma, attention)

    def overlaps(self, weighted: Float[Array, " classes"]) -> Float[Array, "4 heads features"]:
        """Semantic overlaps mu of a token whose classes have magnetisation times weight `weighted`."""
        return jnp.einsum("akhm,k->ahm", self.omega, weighted)

    @eqx.filter_jit
    def class_sizes(self, key: Key[Array, ""], n: int) -> Float[Array, " classes"]:
        """Numbers of spins of the classes in a network of n spins: n w_c, or one of its two neighbouring integers.

        Where n w_c is no integer one random shift, from `key`, rounds all of them, so that their means are n w_c.
        """
        ends = n * jnp.cumsum(self.weights)[:-1]
        upto = jnp.ceil(ends - jr.uniform(key, (), ends.dtype)).clip(0, n)
        return jnp.diff(upto, prepend=jnp.zeros_like(self.weights[:1]), append=jnp.full_like(self.weights[:1], n))

    def sample(self, key: Key[Array, ""], n: int) -> SelfAttention:
        """One network of n spins, class by class: the spins of class c have the patterns sigma_c and omega_c.

        `key` rounds the sizes of the classes, see `class_sizes`.
        """
        upto = jnp.cumsum(self.class_sizes(key, n))
        label = jnp.searchsorted(upto, jnp.arange(n, dtype=upto.dtype), side="right")
        W = jnp.concatenate([self.sigma[None], self.omega[1:]])[:, label]
        return SelfAttention(
            jnp.moveaxis(W, 1, -1), self.beta, self.gamma, self.eps, self.positions, window=self.window
        )
