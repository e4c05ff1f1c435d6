"""Kinetic Ising networks in which each spin feels few others."""

import contextlib
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Shaped

from .. import numerics
from .._checks import finite, require
from .._types import Drive, Index
from ._base import AbstractSpinModel
from ._ising import Ising


class SparseIsing(AbstractSpinModel):
    """Kinetic Ising couplings as lists of neighbours: the same laws as `Ising`, at the cost of the couplings there are.

    h_i(x) = H_i + sum_k w_ik x_{j(i, k)},  p(x_i' = +1 | x) = sigmoid(2 h_i).  `neighbours[i, k]` is the spin j(i, k)
    that pulls on spin i (receiver first) with `weights[i, k]`; both have shape (n, degree), `H` (n,). A spin with fewer
    neighbours has -1 in the places left over, whose weights are not read and have no gradient. Weights and H have no
    unit: the inverse temperature is folded in. A drive, shape (n,), adds to the field.

    Couplings may differ in the two directions, lead from a spin to itself, or be listed twice (they add up).
    Raises ValueError (traced: a run-time error) if weights or H are not finite, or if a neighbour is not among -1, 0,
    ..., n - 1; ValueError on mismatched shapes.

    ```python
    model = nq.SparseIsing.from_matrix(scipy.sparse.random_array((1000, 1000), density=0.004), H=np.zeros(1000))
    ```
    """

    neighbours: Int[Array, "n degree"]
    weights: Float[Array, "n degree"] = eqx.field(converter=finite("weights"))
    H: Float[Array, " n"] = eqx.field(converter=finite("H"))

    def __init__(self, neighbours: Any, weights: Any, H: Any) -> None:
        shapes = np.shape(neighbours), np.shape(weights), np.shape(H)
        if len(shapes[0]) != 2 or shapes[0] != shapes[1] or shapes[2] != shapes[0][:1] or shapes[0][1] == 0:
            raise ValueError(
                f"neighbours has shape {shapes[0]}, weights {shapes[1]}, H {shapes[2]}: "
                "they must be (n, degree), (n, degree) with degree at least 1, and (n,)"
            )
        self.neighbours = _spin_numbers(neighbours, len(H))
        self.weights, self.H = weights, H

    @classmethod
    def from_matrix(cls, J: Any, H: Any) -> "SparseIsing":
        """The entries of `J` (n, n), receiver first, that are not zero: a dense array or any `scipy.sparse` one.

        Raises ValueError if `J` is traced: which couplings there are must be known (use `from_edges`).
        """
        import scipy.sparse  # read where a network is built

        if isinstance(J, jax.core.Tracer):
            raise ValueError("J is traced, and so is which of its entries are zero: list the couplings with from_edges")
        if np.shape(J) != np.shape(H) * 2:
            raise ValueError(f"J has shape {np.shape(J)}, H {np.shape(H)}: J must be (n, n) and H (n,)")
        entries = scipy.sparse.coo_array(J if scipy.sparse.issparse(J) else np.asarray(J))
        entries.sum_duplicates()
        entries.eliminate_zeros()
        receivers, senders = entries.coords
        return cls.from_edges(receivers, senders, entries.data, H)

    @classmethod
    def from_edges(
        cls,
        receivers: Any,
        senders: Any,
        weights: Any,
        H: Any,
    ) -> "SparseIsing":
        """A coupling an edge: `senders[e]` pulls on `receivers[e]` with `weights[e]`, the only ones that may be traced.

        Raises ValueError if the lists differ in length or name a spin that is not among 0, ..., n - 1.
        """
        n, shapes = np.shape(H)[0], {np.shape(receivers), np.shape(senders), np.shape(weights)}
        if len(shapes) > 1:
            raise ValueError(f"receivers, senders and weights have shapes {sorted(shapes)}: make them equal")
        receivers, senders = (_existing(x, name, n) for x, name in ((receivers, "receivers"), (senders, "senders")))
        order, counts = np.argsort(receivers, kind="stable"), np.bincount(receivers, minlength=n)
        rank = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
        places, shape = (receivers[order], rank), (n, max(1, counts.max(initial=0)))
        neighbours = np.full(shape, -1, np.int32)
        neighbours[places] = senders[order]
        weights = jnp.asarray(weights, None if hasattr(weights, "dtype") else float)
        return cls(neighbours, jnp.zeros(shape, weights.dtype).at[places].set(weights[order]), H)

    @property
    def n(self) -> int:
        """Number of spins."""
        return self.H.shape[0]

    @property
    def degree(self) -> int:
        """Largest number of neighbours."""
        return self.neighbours.shape[1]

    @property
    def there(self) -> Bool[Array, "n degree"]:
        """Which places of the lists hold a neighbour."""
        return self.neighbours >= 0

    def dense(self) -> Ising:
        """The same network with a full matrix J."""
        rows = jnp.broadcast_to(jnp.arange(self.n)[:, None], self.neighbours.shape)
        weights = jnp.where(self.there, self.weights, 0)
        J = jnp.zeros((self.n, self.n), weights.dtype).at[rows, self.neighbours].add(weights)
        return Ising(J, self.H)

    def field(self, x: Shaped[Array, " n"], drive: Drive = None) -> Float[Array, " n"]:
        """Half log-odds of +1 at each site."""
        h = self.H + self._pull(x, self.neighbours, self.weights)
        return h if drive is None else h + drive

    def site_field(self, x: Shaped[Array, " n"], i: Index, drive: Drive = None) -> Float[Array, ""]:
        """`field(x, drive)[i]`, at the cost of one list."""
        h = self.H[i] + self._pull(x, self.neighbours[i], self.weights[i])
        return h if drive is None else h + drive[i]

    def _pull(
        self, x: Shaped[Array, " n"], neighbours: Int[Array, "*sites degree"], weights: Float[Array, "*sites degree"]
    ) -> Float[Array, "*sites"]:
        if x.shape != self.H.shape:  # a list of neighbours would read a state of any length
            raise ValueError(f"x has shape {x.shape}, but the network has n = {self.n} spins")
        return numerics.ordered_sum(jnp.where(neighbours >= 0, weights * x[neighbours].astype(weights.dtype), 0))


def _spin_numbers(x: Any, n: int) -> Int[Array, "n degree"]:
    """`x` as 32-bit integers, refused unless each is a spin or -1."""
    x = x if hasattr(x, "dtype") else np.asarray(x)
    if not jnp.issubdtype(x.dtype, jnp.integer):
        raise ValueError(f"neighbours has dtype {x.dtype}: make them integers, -1 where there is none")
    with contextlib.nullcontext() if isinstance(x, jax.core.Tracer) else jax.ensure_compile_time_eval():
        x = jnp.asarray(x).astype(jnp.int32)  # known lists stay known, so that they can be coloured
        return require(x, (x >= -1) & (x < n), f"neighbours must be spins 0, ..., {n - 1}, or -1 for none: neighbours")


def _existing(spins: Any, name: str, n: int) -> Int[np.ndarray, " edges"]:
    """`spins` as 32-bit integers, refused unless each exists."""
    spins = np.asarray(spins, int) if np.size(spins) == 0 else np.asarray(spins)
    if not np.issubdtype(spins.dtype, np.integer):
        raise ValueError(f"{name} has dtype {spins.dtype}: make them integers")
    for e in np.flatnonzero((spins < 0) | (spins >= n))[:1]:
        raise ValueError(f"{name}[{e}] = {spins[e]}: spins are 0, ..., {n - 1}")
    return spins.astype(np.int32)
