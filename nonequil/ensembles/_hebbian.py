"""Memories of random patterns."""

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, Key

from .._checks import finite, nonnegative, optional
from ..models import Hopfield
from ._base import AbstractEnsemble

LISTED = 16  # most patterns whose columns are listed


class Hebbian(AbstractEnsemble):
    """Hopfield networks of p random patterns, each entry -1 or +1 with equal odds: J = beta xi^T A xi / n.

    `p` patterns (static), mixed by `A` (p, p) (None: stored, not mixed), at inverse temperature `beta` >= 0, a scalar.
    While n grows at fixed p their overlaps follow `nq.memory.OverlapMap`, which reads the ensemble; at fixed load p / n
    see `nq.memory.saddle_point`. `self_coupling` keeps the diagonal of J.

    Raises ValueError if p is below one or A has another shape; ValueError (traced: a run-time error) for values that
    are not finite and for beta below zero.
    Source: Amit, Gutfreund & Sompolinsky, Phys. Rev. A 32, 1007 (1985).

    ```python
    memory = nq.Hebbian(3, A=nq.memory.sequence(3), beta=1.5).sample(jax.random.key(0), 1000)
    ```
    """

    p: int = eqx.field(static=True)
    A: Float[Array, "p p"] | None = eqx.field(converter=optional(finite("A")), default=None)
    beta: Float[Array, ""] = eqx.field(converter=nonnegative("beta"), default=1.0)
    self_coupling: bool = eqx.field(static=True, default=False)

    def __check_init__(self) -> None:
        if self.p < 1:
            raise ValueError(f"p = {self.p}: a memory has at least one pattern")
        for name, value, shape in (("A", self.A, (self.p, self.p)), ("beta", self.beta, ())):
            if value is not None and value.shape != shape:
                raise ValueError(f"{name} has shape {value.shape}: p = {self.p} patterns need {shape}")

    def sample(self, key: Key[Array, ""], n: int) -> Hopfield:
        """One network of n spins."""
        return Hopfield(jr.rademacher(key, (self.p, n), self.beta.dtype), self.A, self.beta, None, self.self_coupling)

    def columns(self) -> tuple[Float[Array, "p columns"], Float[Array, " columns"]]:
        """Entries of all patterns at a site, and their odds: half of all 2**p, the others are their mirror images.

        Raises ValueError above p = 16.
        """
        if self.p > LISTED:
            raise ValueError(
                f"p = {self.p} patterns have 2**{self.p} columns, too many to list: the limit is {LISTED}; "
                "sample a network, whose columns are its sites"
            )
        bits = (jnp.arange(2 ** (self.p - 1))[None] >> jnp.arange(self.p)[:, None]) & 1
        return (2 * bits - 1).astype(self.beta.dtype), jnp.full(2 ** (self.p - 1), 0.5 ** (self.p - 1), self.beta.dtype)

    def pull(self, m: Float[Array, " p"]) -> Float[Array, " columns"]:
        """The field at each of `columns()` while the overlaps are m: `beta xi . A m`."""
        return self.beta * ((m if self.A is None else self.A @ m) @ self.columns()[0])
