"""Classical Hopfield networks, kept as their patterns: couplings that are never written out."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Shaped

from .. import numerics
from .._checks import finite, nonnegative, optional, spins
from .._types import Drive, Index
from ._base import AbstractSpinModel
from ._ising import Ising

SMALLEST = 16  # a squared pivot of a Gram matrix below so many rounding errors a pattern counts as zero


def _patterns(xi: Any) -> Any:
    return spins(finite("xi")(xi), "xi")


class Hopfield(AbstractSpinModel):
    """Associative memory of binary patterns: each pattern present in the state drives patterns, itself or others.

    h_i = beta (H_i + sum_mu xi_i^mu sum_nu A[mu, nu] m_nu) without what spin i does to itself,  m_nu = (1/n) sum_j
    xi_j^nu s_j:  an Ising network of couplings beta J, J = xi^T A xi / n, of which only `xi` (p, n), patterns of -1/+1
    in rows, and `A` (p, p) are kept. `A[mu, nu]` is the drive of pattern mu by the presence of nu: None, the identity,
    stores the patterns (Hebb's rule); `nq.memory.sequence` recalls them one after the other; `nq.memory.pseudo_inverse`
    stores correlated ones. J_ij - J_ji comes from A - A^T alone. `beta` >= 0 is the inverse temperature, `H` (n,) a
    field (default: none). `self_coupling` keeps the diagonal of J. Nothing has a unit; a drive (n,) adds to h.

    All fields cost O(p n + p**2), one of them O(p) in `simulate` with `Sequential`, which carries the overlaps along.
    Raises ValueError (traced: a run-time error) if xi is not -1/+1, A, H or beta not finite, or beta negative;
    ValueError on mismatched shapes.
    Source: Hopfield, PNAS 79, 2554 (1982); with A: Sompolinsky & Kanter, Phys. Rev. Lett. 57, 2861 (1986).

    ```python
    xi = nq.random_spins(jax.random.key(0), (5, 1000))
    memory = nq.Hopfield(xi, beta=2.0)
    nq.memory.overlaps(memory, xi[0])
    ```
    """

    xi: Float[Array, "p n"] = eqx.field(converter=_patterns)
    A: Float[Array, "p p"] | None = eqx.field(converter=optional(finite("A")), default=None)
    beta: Float[Array, ""] = eqx.field(converter=nonnegative("beta"), default=1.0)
    H: Float[Array, " n"] | None = eqx.field(converter=optional(finite("H")), default=None)
    self_coupling: bool = eqx.field(static=True, default=False)

    def __check_init__(self) -> None:
        if self.xi.ndim != 2 or 0 in self.xi.shape:
            raise ValueError(f"xi has shape {self.xi.shape}: must be (p, n), one pattern a row")
        p, n = self.xi.shape
        for name, value, shape in (("A", self.A, (p, p)), ("H", self.H, (n,)), ("beta", self.beta, ())):
            if value is not None and value.shape != shape:
                raise ValueError(f"{name} has shape {value.shape}: {p} patterns of {n} spins need {shape}")

    @property
    def n(self) -> int:
        """Number of spins."""
        return self.xi.shape[1]

    @property
    def p(self) -> int:
        """Number of patterns."""
        return self.xi.shape[0]

    def overlaps(self, x: Shaped[Array, " n"]) -> Float[Array, " p"]:
        """`m_mu = (1/n) sum_i xi_i^mu x_i`."""
        return self.xi @ x.astype(self.xi.dtype) / self.n

    def mixed(self, m: Float[Array, "p *states"]) -> Float[Array, "p *states"]:
        """`A m`: how strongly each pattern pulls."""
        return m if self.A is None else self.A @ m

    def columns(self) -> tuple[Float[Array, "p columns"], Float[Array, " columns"]]:
        """The entries of all patterns at a site, and the share of the sites that have them: here, site by site."""
        return self.xi, jnp.full(self.n, 1 / self.n, self.xi.dtype)

    def pull(self, m: Float[Array, " p"]) -> Float[Array, " n"]:
        """The field at each of `columns()` while the overlaps are m, spins on themselves included."""
        h = self.mixed(m) @ self.xi
        return self.beta * (h if self.H is None else h + self.H)

    def field(self, x: Shaped[Array, " n"], drive: Drive = None) -> Float[Array, " n"]:
        """Half log-odds of +1 at each site: `beta (H + xi^T A m - J_ii x_i) (+ drive)`."""
        return self._fields(x, drive)

    def fields(self, x: Shaped[Array, "n states"], drive: Drive = None) -> Float[Array, "n states"]:
        """`field` of many states side by side."""
        return self._fields(x, drive)

    def site_field(self, x: Shaped[Array, " n"], i: Index, drive: Drive = None) -> Float[Array, ""]:
        """`field(x, drive)[i]`, at the cost of the overlaps."""
        return self.site_field_of(self.overlaps(x), x[i], i, drive)

    def site_field_of(
        self, m: Float[Array, " p"], spin: Shaped[Array, ""], i: Index, drive: Drive = None
    ) -> Float[Array, ""]:
        """The field of spin i given the overlaps of the state: O(p), and O(p**2) with A."""
        at = self.xi[:, i]
        m = m if self.self_coupling else m - at * (spin.astype(m.dtype) / self.n)
        h = numerics.ordered_sum(at * self.mixed(m))
        h = self.beta * (h if self.H is None else h + self.H[i])
        return h if drive is None else h + drive[i]

    def dense(self) -> Ising:
        """The same network with its couplings written out, beta folded in: n**2 numbers."""
        J = self.xi.T @ self.mixed(self.xi) / self.n
        J = J if self.self_coupling else J - jnp.diag(jnp.diag(J))
        H = jnp.zeros(self.n, J.dtype) if self.H is None else self.H
        return Ising(self.beta * J, self.beta * H)

    def _fields(self, x: Shaped[Array, "n *states"], drive: Drive) -> Float[Array, "n *states"]:
        x = x.astype(self.xi.dtype)
        along = lambda v: v.reshape(-1, *(1,) * (x.ndim - 1))  # noqa: E731
        h = self.xi.T @ self.mixed(self.xi @ x / self.n)
        h = h if self.self_coupling else h - along(self._diagonal()) * x
        h = self.beta * (h if self.H is None else h + along(self.H))
        return h if drive is None else h + along(drive)

    def _diagonal(self) -> Float[Array, " n"]:
        """`J_ii` of the couplings as the patterns give them, beta aside."""
        if self.A is None:
            return jnp.full(self.n, self.p / self.n, self.xi.dtype)  # entries are -1 or +1
        return jnp.sum(self.xi * self.mixed(self.xi), axis=0) / self.n


def overlaps(memory: Hopfield, x: Shaped[Array, "*chains n"]) -> Float[Array, "*chains p"]:
    """Overlaps of states with the patterns of a memory, `m_mu = (1/n) sum_i xi_i^mu x_i`: 1 where they are equal.

    ```python
    nq.memory.overlaps(nq.Hopfield(xi, beta=2.0), x)
    ```
    """
    if x.shape[-1:] != (memory.n,):
        raise ValueError(f"x has shape {x.shape}: the memory has n = {memory.n} spins, in the last axis")
    return jnp.einsum("...i,mi->...m", x.astype(memory.xi.dtype), memory.xi) / memory.n


def sequence(p: int, cyclic: bool = True) -> Float[Array, "p p"]:
    """Mixing matrix of a sequence of p patterns: each drives the next one, the last the first if `cyclic`.

    A[mu + 1, mu] = 1, else 0. With `jnp.eye(p) + strength * sequence(p)` patterns are kept as well. A cycle of two
    patterns is symmetric: it has an energy. Raises ValueError if p is below one.
    Source: Sompolinsky & Kanter, Phys. Rev. Lett. 57, 2861 (1986).

    ```python
    memory = nq.Hopfield(xi, A=nq.memory.sequence(len(xi)), beta=2.0)
    ```
    """
    if p < 1:
        raise ValueError(f"p = {p}: a sequence has at least one pattern")
    return jnp.eye(p, k=-1) if not cyclic else jnp.roll(jnp.eye(p), 1, axis=0)


def pseudo_inverse(xi: Shaped[Array, "p n"]) -> Float[Array, "p p"]:
    """Mixing matrix that stores correlated patterns exactly: `A = (xi xi^T / n)^-1`, so that `J xi^mu = xi^mu`.

    J = xi^T (xi xi^T)^-1 xi, the diagonal included: without it (`self_coupling=False`) patterns are still fixed points
    at zero temperature while J_ii < 1. Raises ValueError if the patterns depend on each other linearly, and names which
    (traced: a run-time error). Source: Personnaz, Guyon & Dreyfus, J. Physique Lett. 46, L359 (1985).

    ```python
    memory = nq.Hopfield(xi, A=nq.memory.pseudo_inverse(xi), beta=4.0)
    ```
    """
    xi = _patterns(xi)
    gram = xi @ xi.T / xi.shape[1]
    factor = jnp.linalg.cholesky(gram)
    smallest = SMALLEST * len(xi) * jnp.finfo(xi.dtype).eps  # pivots below it are rounding
    singular = ~(jnp.min(jnp.diag(factor)) ** 2 > smallest)
    if isinstance(singular, jax.core.Tracer):
        factor = eqx.error_if(factor, singular, "the patterns xi depend on each other linearly: leave some out")
    elif singular:
        dependent = _dependent(np.asarray(xi, float), float(smallest))
        raise ValueError(f"patterns {dependent} of xi are sums of those before them: leave them out")
    return jax.scipy.linalg.cho_solve((factor, True), jnp.eye(len(xi), dtype=xi.dtype))


def _dependent(xi: Float[np.ndarray, "p n"], smallest: float) -> list[int]:
    """The rows that are sums of those before them."""
    basis, dependent = np.zeros((0, xi.shape[1])), []
    for mu, row in enumerate(xi):
        for _ in range(2):  # the second time for what rounding left
            row = row - basis.T @ (basis @ row)
        if row @ row > smallest * len(row):
            basis = np.vstack([basis, row / np.linalg.norm(row)])
        else:
            dependent.append(mu)
    return dependent
