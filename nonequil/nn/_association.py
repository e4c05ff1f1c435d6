"""Attention as retrieval: states look up stored patterns in a modern Hopfield network, head by head."""

import functools as ft
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Bool, Float, Key

from .._checks import positive
from ..models import ModernHopfield, retrieve

SCALE = 0.02  # standard deviation of new weights: an untrained layer averages over all patterns


class HopfieldAssociation(eqx.Module):
    """Each state retrieves from the stored patterns, in every head, and is answered by what is projected from there.

    q = W_q R + b_q of the states, k = W_k S + b_k of the stored patterns, v = W_v Y + b_v of the projection, all cut
    into `heads` blocks of `hidden` features. In each head `updates` times q <- softmax(beta q k^T) k, then
    softmax(beta q k^T) v, the heads side by side, W_o (...) + b_o. With `updates` = 0 this is dot-product attention;
    None repeats the update until each state rests, every row by itself, and differentiates the resting point by the
    implicit function theorem. `beta` (heads,) is trainable, hidden**-0.5 at first. Rows of S, R and Y are normalised
    first (`norm`), each with its own scale and shift.

    Call one sample: `layer(stored, state, projection)`, each (tokens, features); the stored patterns stand in for what
    is left out. Use jax.vmap for batches: what a sample gives does not depend on the others, nor on when they rest.
    `seen` (states, stored) is False where a state must not look; a row without any True retrieves nothing: its
    association is zero and its answer b_o. `dropout` leaves out entries of the association, in training (with a `key`).

    Raises ValueError for sizes that do not fit, and where it is made for a beta that is not positive.
    Source: Ramsauer et al., arXiv 2008.02217 (2020), section 3: there the layer is called Hopfield.

    ```python
    layer = nq.nn.HopfieldAssociation(64, heads=4, key=jax.random.key(0))
    jax.vmap(layer)(batch)  # (samples, tokens, 64)
    ```
    """

    norms: tuple[eqx.nn.LayerNorm, ...] | None
    query: eqx.nn.Linear
    key: eqx.nn.Linear
    value: eqx.nn.Linear
    out: eqx.nn.Linear
    beta: Float[Array, " heads"]
    dropout: eqx.nn.Dropout
    heads: int = eqx.field(static=True)
    updates: int | None = eqx.field(static=True)
    tolerance: float | None = eqx.field(static=True)

    def __init__(
        self,
        features: int,
        *,
        key: Key[Array, ""],
        heads: int = 1,
        hidden: int | None = None,
        value_size: int | None = None,
        out_size: int | None = None,
        stored_size: int | None = None,
        projection_size: int | None = None,
        beta: Any = None,
        updates: int | None = 0,
        tolerance: float | None = None,
        norm: bool = True,
        dropout: float = 0.0,
    ) -> None:
        if heads < 1 or (hidden is None and features % heads):
            raise ValueError(f"heads = {heads}, features = {features}: heads must divide features, or give hidden")
        if updates is not None and updates < 0:
            raise ValueError(f"updates = {updates}: take at least 0, or None to go on until each state rests")
        hidden = features // heads if hidden is None else hidden
        value_size = hidden if value_size is None else value_size
        stored_size = features if stored_size is None else stored_size
        projection_size = stored_size if projection_size is None else projection_size
        sizes = {"features": features, "hidden": hidden, "value_size": value_size, "stored_size": stored_size}
        for name, size in sizes.items():
            if size < 1:
                raise ValueError(f"{name} = {size}: must be at least 1")
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout = {dropout}: must be at least 0 and below 1, the share of entries to leave out")
        keys = iter(jr.split(key, 4))
        self.query = _linear(features, heads * hidden, next(keys))
        self.key = _linear(stored_size, heads * hidden, next(keys))
        self.value = _linear(projection_size, heads * value_size, next(keys))
        self.out = _linear(heads * value_size, features if out_size is None else out_size, next(keys))
        self.norms = tuple(map(eqx.nn.LayerNorm, (stored_size, features, projection_size))) if norm else None
        beta = jnp.asarray(hidden**-0.5 if beta is None else beta, self.query.weight.dtype)
        if beta.shape not in ((), (heads,)):
            raise ValueError(f"beta has shape {beta.shape}: one number, or one for each of the {heads} heads")
        self.beta = jnp.broadcast_to(positive("beta")(beta), (heads,))
        self.dropout, self.heads, self.updates, self.tolerance = eqx.nn.Dropout(dropout), heads, updates, tolerance

    def __call__(
        self,
        stored: Float[Array, "stored stored_features"],
        state: Float[Array, "states features"] | None = None,
        projection: Float[Array, "stored projected"] | None = None,
        *,
        seen: Bool[Array, "states stored"] | None = None,
        key: Key[Array, ""] | None = None,
        inference: bool | None = None,
    ) -> Float[Array, "states out"]:
        """The answer to each state."""
        q, k, v, seen = self._heads(stored, state, projection, seen)
        inference = key is None if inference is None else inference
        keys = jr.split(jr.key(0) if key is None else key, self.heads)

        def head(given: Any) -> Array:
            beta, q, k, v, key = given
            return self.dropout(self._attend(beta, q, k, seen), key=key, inference=inference) @ v

        answers = _each(head, (self.beta, q, k, v, keys)).swapaxes(0, 1)
        return _mapped(self.out, answers.reshape(len(answers), -1))

    def associations(
        self,
        stored: Float[Array, "stored stored_features"],
        state: Float[Array, "states features"] | None = None,
        projection: Float[Array, "stored projected"] | None = None,
        *,
        seen: Bool[Array, "states stored"] | None = None,
    ) -> tuple[Float[Array, "heads states stored"], Float[Array, "heads stored values"]]:
        """How much each state attends to each stored pattern, in each head; and what these answer."""
        q, k, v, seen = self._heads(stored, state, projection, seen)
        return jax.vmap(lambda beta, q, k: self._attend(beta, q, k, seen))(self.beta, q, k), v

    def _attend(self, beta: Array, q: Array, k: Array, seen: Array | None) -> Float[Array, "states stored"]:
        """The association of one head."""
        memory = _memory(k, beta)
        return memory.association(self._updated(memory, q, seen), seen)

    def _updated(self, memory: ModernHopfield, x: Array, seen: Array | None) -> Array:
        """States after the updates, the last one aside."""
        if self.updates == 0:
            return x
        if self.updates is not None:
            return retrieve(memory, x, updates=self.updates, seen=seen).x
        rest = lambda x, seen: retrieve(memory, x, tolerance=self.tolerance, seen=seen, throw=False).x  # noqa: E731
        return jax.vmap(rest, in_axes=(0, None if seen is None else 0))(x, seen)  # each row stops by itself

    def _heads(
        self, stored: Array, state: Array | None, projection: Array | None, seen: Array | None
    ) -> tuple[Array, Array, Array, Array | None]:
        """Queries, keys and values, (heads, tokens, size), and what is seen."""
        inputs = [stored, stored if state is None else state, stored if projection is None else projection]
        maps = (self.key, self.query, self.value)
        for name, x, linear in zip(("stored", "state", "projection"), inputs, maps, strict=True):
            if x.ndim != 2 or x.shape[1] != linear.in_features:
                sample = f"one sample is (tokens, {linear.in_features}); use jax.vmap for batches"
                raise ValueError(f"{name} has shape {x.shape}: {sample}")
        if len(inputs[2]) != len(stored):
            raise ValueError(f"projection has {len(inputs[2])} rows, stored {len(stored)}: they must be the same")
        if self.norms is not None:
            inputs = [jax.vmap(norm)(x) for norm, x in zip(self.norms, inputs, strict=True)]
        rows = [_mapped(linear, x) for linear, x in zip(maps, inputs, strict=True)]
        k, q, v = (x.reshape(len(x), self.heads, -1).swapaxes(0, 1) for x in rows)
        shape = (q.shape[1], k.shape[1])
        if seen is not None and seen.shape != shape:
            raise ValueError(f"seen has shape {seen.shape}: one row a state and one column a pattern are {shape}")
        return q, k, v, seen


def _each(head: Callable[[Any], Array], given: Any) -> Array:
    """All heads: side by side; on CPUs one after the other, so that associations stay in the cache."""
    return jax.lax.platform_dependent(
        given, cpu=lambda given: jax.lax.map(jax.checkpoint(head), given), default=lambda given: jax.vmap(head)(given)
    )


def _mapped(linear: Any, rows: Float[Array, "tokens inputs"]) -> Float[Array, "tokens outputs"]:
    """A linear map of all rows by one product, which a vmap over rows would lay out the other way round."""
    return rows @ linear.weight.T + linear.bias[None]


def _memory(patterns: Array, beta: Array) -> ModernHopfield:
    """A network of traced patterns, without checks that they are finite in every pass."""
    return eqx.tree_at(lambda m: (m.patterns, m.beta), _template(), (patterns, beta))


@ft.cache
def _template() -> ModernHopfield:
    with jax.ensure_compile_time_eval():
        return ModernHopfield(jnp.zeros((1, 1)), jnp.ones(()))


def _linear(inputs: int, outputs: int, key: Key[Array, ""]) -> Any:
    """A linear map with small normal weights and no shift."""
    linear: Any = eqx.nn.Linear(inputs, outputs, key=key)
    weight, bias = SCALE * jr.normal(key, linear.weight.shape, linear.weight.dtype), jnp.zeros_like(linear.bias)
    return eqx.tree_at(lambda m: (m.weight, m.bias), linear, (weight, bias))
