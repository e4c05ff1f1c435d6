"""Dense associative memories: binary patterns in energies steeper than quadratic."""

import abc
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Shaped

from .._checks import finite, nonnegative, optional, spins
from .._types import Drive, Index
from ._base import AbstractSpinModel


class AbstractInteraction(eqx.Module):
    """How patterns that overlap with a state by u / n lower its energy, together: minus the potential."""

    @abc.abstractmethod
    def potential(self, u: Float[Array, "p *sites"], n: int) -> Float[Array, "*sites"]:
        """Minus the energy of a state of n spins with u_mu = xi_mu . s."""


class Polynomial(AbstractInteraction):
    """(n / degree) sum_mu (u_mu / n)**degree, of max(u, 0) if `rectified`: degree 2 is Hopfield's network.

    Stores of the order of n**(degree - 1) patterns. Raises ValueError if the degree is below two.
    Source: Krotov & Hopfield, NeurIPS 2016, arXiv 1606.01164.
    """

    degree: int = eqx.field(static=True)
    rectified: bool = eqx.field(static=True, default=False)

    def __check_init__(self) -> None:
        if self.degree < 2:
            raise ValueError(f"degree = {self.degree}: take at least 2, Hopfield's network")

    def potential(self, u: Float[Array, "p *sites"], n: int) -> Float[Array, "*sites"]:
        """The sum of powers."""
        u = jnp.maximum(u, 0) if self.rectified else u
        return n / self.degree * jnp.sum((u / n) ** self.degree, axis=0)


class Exponential(AbstractInteraction):
    """ln sum_mu exp(u_mu): the same order of states as sum_mu exp(u_mu), in numbers that do not overflow.

    Stores exponentially many patterns. Source: Demircigil et al., J. Stat. Phys. 168, 288 (2017), whose energy is
    minus the sum itself: both have the same dynamics at temperature zero.
    """

    def potential(self, u: Float[Array, "p *sites"], n: int) -> Float[Array, "*sites"]:
        """The logarithm of the sum."""
        return jax.nn.logsumexp(u, axis=0)


class DenseMemory(AbstractSpinModel):
    """Associative memory of binary patterns whose energy is -G(xi_1 . s, ..., xi_p . s), G the `interaction`.

    h_i = (beta / 2) [G(u^i + zeta_i) - G(u^i - zeta_i)],  u^i_mu = sum_{j != i} xi_j^mu s_j:  half the log-odds of +1
    when spin i is redrawn; spins on themselves do not enter. `xi` (p, n) are patterns of -1/+1 in rows, beta >= 0 the
    inverse temperature. `zeta` (p, n), xi by default, is what each pattern writes: another one, say the next pattern,
    drives from pattern to pattern, and there is no energy. All fields cost O(p n). A drive (n,) adds to h.

    Raises ValueError (traced: a run-time error) if xi or zeta is not -1/+1, or beta negative or not finite; ValueError
    on mismatched shapes. Source: Krotov & Hopfield, NeurIPS 2016, arXiv 1606.01164, eq. 3.

    ```python
    memory = nq.DenseMemory(xi, nq.memory.Polynomial(3), beta=50.0)
    nq.simulate(nq.Sequential(memory), x0, steps=3 * memory.n, key=jax.random.key(0))
    ```
    """

    xi: Float[Array, "p n"] = eqx.field(converter=lambda xi: spins(finite("xi")(xi), "xi"))
    interaction: AbstractInteraction = Polynomial(2)
    beta: Float[Array, ""] = eqx.field(converter=nonnegative("beta"), default=1.0)
    zeta: Float[Array, "p n"] | None = eqx.field(
        converter=optional(lambda zeta: spins(finite("zeta")(zeta), "zeta")), default=None
    )

    def __check_init__(self) -> None:
        if self.xi.ndim != 2 or 0 in self.xi.shape or self.beta.ndim:
            raise ValueError(f"xi has shape {self.xi.shape}, beta {self.beta.shape}: they must be (p, n) and ()")
        if self.zeta is not None and self.zeta.shape != self.xi.shape:
            raise ValueError(f"zeta has shape {self.zeta.shape}, xi {self.xi.shape}: make them equal")

    @property
    def n(self) -> int:
        """Number of spins."""
        return self.xi.shape[1]

    def energy(self, x: Shaped[Array, " n"]) -> Float[Array, ""]:
        """`-G(xi s)`, beta aside. Raises ValueError if the memory writes other patterns than it reads."""
        if self.zeta is not None:
            raise ValueError("a memory that writes zeta has no energy; leave zeta out")
        return -self.interaction.potential(self.xi @ x.astype(self.xi.dtype), self.n)

    def field(self, x: Shaped[Array, " n"], drive: Drive = None) -> Float[Array, " n"]:
        """Half log-odds of +1 at each site."""
        x = x.astype(self.xi.dtype)
        others = (self.xi @ x)[:, None] - self.xi * x[None]
        h = self._pull(others, self.xi if self.zeta is None else self.zeta)
        return h if drive is None else h + drive

    def site_field(self, x: Shaped[Array, " n"], i: Index, drive: Drive = None) -> Float[Array, ""]:
        """`field(x, drive)[i]`, at the cost of the overlaps."""
        others = self.xi @ x.at[i].set(0).astype(self.xi.dtype)
        h = self._pull(others, (self.xi if self.zeta is None else self.zeta)[:, i])
        return h if drive is None else h + drive[i]

    def _pull(self, others: Any, written: Any) -> Any:
        up, down = (self.interaction.potential(others + sign * written, self.n) for sign in (1, -1))
        return self.beta / 2 * (up - down)
