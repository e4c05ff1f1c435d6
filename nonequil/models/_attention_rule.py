"""How a token attends to a window of tokens: the one place of the softmax, for finite networks and mean field."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from .._checks import require
from .._types import Drive

OUT, VALUE, QUERY, KEY = range(4)  # order of the four pattern matrices wherever they are stacked


class AttentionRule(eqx.Module):
    """Overlaps of tokens with the patterns, and what the newest token reads from its window.

    m^a = (1 - eps) mu^a + eps c^a(p): the semantic overlap mu^a of a token and the overlap c^a of its position p, for
    a = out, value, query, key. Head by head, A = sum_d softmax_d(gamma q . k_d) v_d over the tokens d of the window,
    with q = m^query of the newest token, k_d = m^key and v_d = m^value of token d.
    `positions[a, p]` holds c^a(p), shape (4, window, heads, features), or is None; `gamma` is one number or one a head.
    Source: Poc-Lopez & Aguilera, arXiv 2406.07247 (2024).
    """

    positions: Float[Array, "4 window heads features"] | None
    gamma: Float[Array, "*heads"]
    eps: Float[Array, ""]

    def mixed(
        self, mu: Float[Array, "*tokens heads features"], code: Float[Array, "*tokens heads features"] | None
    ) -> Float[Array, "*tokens heads features"]:
        """Overlaps with the part of the position; a network without positions has a code of zero."""
        m = (1 - self.eps) * mu
        return m if code is None else m + self.eps * code

    def codes(self, at: Int[Array, ""]) -> Float[Array, "4 heads features"] | None:
        """Overlaps of one position with all four matrices."""
        return None if self.positions is None else jax.lax.dynamic_index_in_dim(self.positions, at, 1, keepdims=False)

    def read(
        self,
        query: Float[Array, "heads features"],
        keys: Float[Array, "window heads features"],
        values: Float[Array, "window heads features"],
        present: Bool[Array, " window"],
    ) -> Float[Array, "heads features"]:
        """The attention A, given mixed overlaps; slots that are not `present` do not count (at least one must be)."""
        gain = jnp.broadcast_to(self.gamma, query.shape[:1])[:, None]
        z = jnp.einsum("lhm,hm->lh", keys, gain * query)
        z = jnp.where(present[:, None], z, -jnp.inf)
        e = jnp.exp(z - jax.lax.stop_gradient(jnp.max(z, axis=0, keepdims=True)))
        return jnp.einsum("lh,lhm->hm", e, values) / jnp.sum(e, axis=0)[:, None]

    def attention(
        self,
        query: Float[Array, "heads features"],
        keys: Float[Array, "window heads features"],
        values: Float[Array, "window heads features"],
        drive: Drive,
    ) -> Float[Array, "heads features"]:
        """The attention of the newest token of a window, oldest first, given semantic overlaps.

        `drive` (window,): position of each token, -1 where it is still empty. None: a full window without positions.
        """
        at = self._slots(drive, keys.shape[0])
        code: Any = [None] * 4 if self.positions is None else list(self.positions[:, jnp.maximum(at, 0)])
        newest = None if self.positions is None else code[QUERY][-1]
        keys, values = self.mixed(keys, code[KEY]), self.mixed(values, code[VALUE])
        return self.read(self.mixed(query, newest), keys, values, at >= 0)

    def _slots(self, drive: Drive, window: int) -> Int[Array, " window"]:
        if drive is None and self.positions is not None:
            raise ValueError(
                "drive is None, but the network has a positional code: pass the position of each token of the window, "
                "in nq.simulate drive=nq.attention.Positions(window)"
            )
        drive = jnp.zeros(window, jnp.int32) if drive is None else jnp.asarray(drive)
        if drive.shape != (window,) or not jnp.issubdtype(drive.dtype, jnp.integer):
            raise ValueError(
                f"drive has shape {drive.shape} and dtype {drive.dtype}: it must be the position of each of the "
                f"{window} tokens of the window, oldest first, as integers (-1: an empty slot)"
            )
        return drive


class Positions(eqx.Module):
    """The positional code as a protocol: `positions(index)` are the positions of the window's tokens at a step.

    Token t has position t mod `window`; step `index` has token `first + index` newest. Slots before token 0 are empty,
    -1: with `first=0` a simulation starts from one token (the last row of its window) and fills its window; with
    `first=window - 1` or more the window is full from the start.

    Raises ValueError if `window` is below one or `first` negative.

    ```python
    nq.simulate(nq.Autoregressive(model), x0, steps=100, key=key, drive=nq.attention.Positions(model.window))
    ```
    """

    window: int = eqx.field(static=True)
    first: int = eqx.field(static=True, default=0)

    def __check_init__(self) -> None:
        if self.window < 1 or self.first < 0:
            raise ValueError(
                f"window = {self.window}, first = {self.first}: a window holds at least one token, the first is 0"
            )

    def __call__(self, index: Int[Array, ""] | int) -> Int[Array, " window"]:
        """Positions of the tokens of the window, oldest first."""
        slots = jnp.arange(1 - self.window, 1, dtype=jnp.int32) + self.first
        token = slots + jnp.asarray(index).astype(jnp.int32)
        return jnp.where(token >= 0, token % self.window, -1)


def mirrored(drive: Drive) -> Drive:
    """Positions of the window that the reversed step reads: each token keeps its own, and the clock runs backwards.

    The reversed window holds the tokens t + 1, t, ..., t - L + 2, oldest first; token t + 1 has the position of token
    t - L + 1, which it replaces. Raises ValueError (traced: a run-time error) for a window with empty slots, which
    follows another law.
    """
    if drive is None:
        return None
    drive = require(drive, drive >= 0, "only a full window has a reverse (leave the first steps out): position")
    return jnp.concatenate([drive[:1], drive[:0:-1]])
