"""Self-attention networks of binary tokens."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Shaped

from .._checks import finite, nonnegative, share
from .._types import Drive, Index
from ._attention_rule import KEY, OUT, QUERY, VALUE, AttentionRule, mirrored
from ._base import AbstractWindowModel


class SelfAttention(AbstractWindowModel):
    """One layer of self-attention whose next token of n spins is drawn from what the newest token reads.

    h_i = beta sum_b W^out_bi A_b,  P(s_i' = +1 | window) = sigmoid(2 h_i);  A = sum_d softmax_d(gamma q . k_d) v_d over
    the tokens of the window, with the overlaps v_d = (1 - eps) W^value s_d / n + eps c^value(p_d), likewise k_d (key)
    and q (query, newest token only). `W` stacks the matrices out, value, query, key: (4, heads, features, n), real or
    binary; A and the overlaps are (heads, features), and b runs over both. `positions` (4, window, heads, features) are
    the overlaps c of each position, or None; `beta`, `eps` are numbers, `gamma` one number or one a head. No units.

    The state is a window (window, n) of -1/+1, oldest first. The drive gives the position of each of its tokens
    (`Positions`), -1 for an empty slot; a network without positions may go without. For many steps of large networks
    made of a few kinds of spins use `ClassCounts`.

    Raises ValueError (traced: a run-time error) if beta or gamma is negative, eps is outside [0, 1], or a value is not
    finite; ValueError on shapes that do not fit. Source: Poc-Lopez & Aguilera, arXiv 2406.07247 (2024).

    ```python
    model = nq.attention.standard(n_bits=2, beta=1.27).sample(jax.random.key(0), 990)
    x0, drive = model.first_window()[None], nq.attention.Positions(model.window)
    nq.simulate(nq.Autoregressive(model), x0, steps=100, key=jax.random.key(1), drive=drive)
    ```
    """

    W: Float[Array, "4 heads features n"] = eqx.field(converter=finite("W"))
    beta: Float[Array, ""] = eqx.field(converter=nonnegative("beta"))
    gamma: Float[Array, "*heads"] = eqx.field(converter=nonnegative("gamma"))
    eps: Float[Array, ""] = eqx.field(converter=share("eps"), default=0.0)
    positions: Float[Array, "4 window heads features"] | None = eqx.field(
        converter=lambda x: None if x is None else finite("positions")(x), default=None
    )
    window: int = eqx.field(static=True, kw_only=True)

    def __check_init__(self) -> None:
        if self.W.ndim != 4 or self.W.shape[0] != 4:
            raise ValueError(f"W has shape {self.W.shape}: stack out, value, query, key as (4, heads, features, n)")
        check_code(self.positions, self.W.shape[1:3], self.gamma, self.window)

    @property
    def n(self) -> int:
        """Number of spins of a token."""
        return self.W.shape[-1]

    @property
    def lags(self) -> int:
        """Number of tokens of a window."""
        return self.window

    @property
    def rule(self) -> AttentionRule:
        """How a token attends to its window."""
        return AttentionRule(self.positions, self.gamma, self.eps)

    def field(self, x: Shaped[Array, "window n"], drive: Drive = None) -> Float[Array, " n"]:
        """Half log-odds of +1 at each site of the next token."""
        return self.beta * jnp.einsum("hmn,hm->n", self.W[OUT], self.attention(x, drive))

    def site_field(self, x: Shaped[Array, "window n"], i: Index, drive: Drive = None) -> Float[Array, ""]:
        """`field(x, drive)[i]`; the attention is that of the whole window."""
        return self.beta * jnp.sum(self.W[OUT][:, :, i] * self.attention(x, drive))

    def attention(self, x: Shaped[Array, "window n"], drive: Drive = None) -> Float[Array, "heads features"]:
        """What the newest token reads from the window."""
        if x.shape != (self.window, self.n):
            raise ValueError(f"x has shape {x.shape}, but the network reads windows of shape {(self.window, self.n)}")
        s = x.astype(self.W.dtype)
        keys, values = (jnp.einsum("hmn,ln->lhm", self.W[a], s) / self.n for a in (KEY, VALUE))
        query = jnp.einsum("hmn,n->hm", self.W[QUERY], s[-1]) / self.n
        return self.rule.attention(query, keys, values, drive)

    def first_window(self) -> Int[Array, "window n"]:
        """A window of the first token: the signs of the out patterns' first row, in all slots."""
        token = jnp.where(self.W[OUT, 0, 0] > 0, 1, -1).astype(jnp.int8)
        return jnp.broadcast_to(token, (self.window, self.n))

    def reverse_drive(self, drive: Drive) -> Drive:
        """Positions of the reversed window: each token keeps its own."""
        return mirrored(drive)


def check_code(
    positions: Float[Array, "4 window heads features"] | None,
    features: tuple[int, ...],
    gamma: Float[Array, "*heads"],
    window: int,
) -> None:
    """Refuses a window, a positional code or a gamma that do not fit patterns of shape `features` = (heads, M)."""
    if window < 1:
        raise ValueError(f"window = {window}: a window holds at least one token")
    shape = (4, window, *features)
    if positions is not None and jnp.shape(positions) != shape:
        raise ValueError(
            f"positions has shape {jnp.shape(positions)}: a window of {window} tokens and patterns of (heads, features)"
            f" = {features} need {shape}, one row for each position"
        )
    if jnp.shape(gamma) not in ((), features[:1]):
        raise ValueError(f"gamma has shape {jnp.shape(gamma)}: give one number, or one for each of {features[0]} heads")
