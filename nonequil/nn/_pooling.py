"""Pooling by memory: a few trained states ask a sample what it holds."""

from typing import Any

import equinox as eqx
import jax.random as jr
from jaxtyping import Array, Bool, Float, Key

from ._association import SCALE, HopfieldAssociation


class HopfieldPooling(eqx.Module):
    """Trained states look up the rows of a sample: one vector for a set of any size and order.

    `states` (quantity, features) retrieve from `stored` (tokens, features) by `association`, a `HopfieldAssociation`
    with the same options; the answers lie one after the other, (quantity * out,). `seen` (tokens,) is False for rows to
    leave out, such as padding. Use jax.vmap for batches. Raises as `HopfieldAssociation`, and if quantity is below one.
    Source: Ramsauer et al., arXiv 2008.02217 (2020), section 3.

    ```python
    pool = nq.nn.HopfieldPooling(32, quantity=2, key=jax.random.key(0))
    pool(bag)  # (64,)
    ```
    """

    states: Float[Array, "quantity features"]
    association: HopfieldAssociation

    def __init__(self, features: int, *, key: Key[Array, ""], quantity: int = 1, **options: Any) -> None:
        if quantity < 1:
            raise ValueError(f"quantity = {quantity}: pool with at least one state")
        key_states, key = jr.split(key)
        self.association = HopfieldAssociation(features, key=key, **options)
        self.states = SCALE * jr.normal(key_states, (quantity, features), self.association.query.weight.dtype)

    def __call__(
        self,
        stored: Float[Array, "tokens stored_features"],
        projection: Float[Array, "tokens projected"] | None = None,
        *,
        seen: Bool[Array, " tokens"] | None = None,
        key: Key[Array, ""] | None = None,
        inference: bool | None = None,
    ) -> Float[Array, " out"]:
        """The answers to all states, one after the other."""
        rows = None if seen is None else seen[None].repeat(len(self.states), axis=0)
        return self.association(stored, self.states, projection, seen=rows, key=key, inference=inference).ravel()
