"""Lookup in a trained memory: each state retrieves from patterns that are parameters."""

from typing import Any

import equinox as eqx
import jax.random as jr
from jaxtyping import Array, Bool, Float, Key

from ._association import SCALE, HopfieldAssociation


class HopfieldLookup(eqx.Module):
    """States look up trained patterns, and are answered by these or by trained targets of their own.

    `patterns` (quantity, features) are stored in `association`, a `HopfieldAssociation` with the same options;
    `targets` of the same shape are projected in their place if `separate`. `seen` (states, quantity) leaves patterns
    out. Use jax.vmap for batches. Raises as `HopfieldAssociation`, and if quantity is below one.
    Source: Ramsauer et al., arXiv 2008.02217 (2020), section 3: there it is called HopfieldLayer.

    ```python
    lookup = nq.nn.HopfieldLookup(32, quantity=100, key=jax.random.key(0))
    lookup(states)  # (tokens, 32)
    ```
    """

    patterns: Float[Array, "quantity features"]
    targets: Float[Array, "quantity features"] | None
    association: HopfieldAssociation

    def __init__(
        self, features: int, *, key: Key[Array, ""], quantity: int, separate: bool = False, **options: Any
    ) -> None:
        if quantity < 1:
            raise ValueError(f"quantity = {quantity}: store at least one pattern")
        key_patterns, key_targets, key = jr.split(key, 3)
        self.association = HopfieldAssociation(features, key=key, **options)
        stored: Any = self.association.key
        shape, dtype = (quantity, stored.in_features), stored.weight.dtype
        self.patterns = SCALE * jr.normal(key_patterns, shape, dtype)
        self.targets = SCALE * jr.normal(key_targets, shape, dtype) if separate else None

    def __call__(
        self,
        state: Float[Array, "states features"],
        *,
        seen: Bool[Array, "states quantity"] | None = None,
        key: Key[Array, ""] | None = None,
        inference: bool | None = None,
    ) -> Float[Array, "states out"]:
        """The answer to each state."""
        return self.association(self.patterns, state, self.targets, seen=seen, key=key, inference=inference)
