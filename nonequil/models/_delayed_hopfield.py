"""Associative memories with couplings of several delays, for steps of all spins."""

from typing import Any

import equinox as eqx
from jaxtyping import Array, Float, Shaped

from .._checks import finite
from .._types import Drive, Index
from ._base import AbstractWindowModel
from ._hopfield import Hopfield


class DelayedHopfield(AbstractWindowModel):
    """A Hopfield network some of whose couplings read the past: sequences whose patterns stay for a while.

    h_i = `memory` field of the newest state + beta sum_mu xi_i^mu sum_nu B[mu, nu] mbar_nu,  mbar = sum_k kernel[k]
    m(t - k): the overlaps k steps ago, k = 0 the newest. `delayed` B (p, p) is mostly a multiple of
    `nq.memory.sequence(p)`. `kernel` (lags,): (0, ..., 0, 1) is a sharp delay, equal entries a box; see also
    `nq.TracedSequential`. Windows have shape (lags, n), oldest first; a drive (n,) adds to the field. No unit.

    Raises ValueError for shapes that do not fit; (traced: a run-time error) for values that are not finite.
    Source: Sompolinsky & Kanter, Phys. Rev. Lett. 57, 2861 (1986); Kleinfeld, PNAS 83, 9469 (1986).

    ```python
    model = nq.DelayedHopfield(nq.Hopfield(xi, beta=5.0), 1.5 * nq.memory.sequence(len(xi)), jnp.eye(8)[-1])
    nq.simulate(nq.Autoregressive(model), x0, steps=100, key=jax.random.key(0))  # x0: (chains, 8, n)
    ```
    """

    memory: Hopfield
    delayed: Float[Array, "p p"] = eqx.field(converter=finite("delayed"))
    kernel: Float[Array, " lags"] = eqx.field(converter=finite("kernel"))

    def __check_init__(self) -> None:
        p = self.memory.p
        if self.delayed.shape != (p, p) or self.kernel.ndim != 1 or len(self.kernel) == 0:
            raise ValueError(
                f"delayed has shape {self.delayed.shape}, kernel {self.kernel.shape}: "
                f"{p} patterns need {(p, p)}, a kernel has one weight a lag"
            )

    @property
    def n(self) -> int:
        """Number of spins."""
        return self.memory.n

    @property
    def lags(self) -> int:
        """Number of states that a field reads."""
        return len(self.kernel)

    def field(self, x: Shaped[Array, "lags n"], drive: Drive = None) -> Float[Array, " n"]:
        """Half log-odds of +1 at each site of the next state."""
        return self.memory.field(x[-1], drive) + self._past(x) @ self.memory.xi

    def site_field(self, x: Shaped[Array, "lags n"], i: Index, drive: Drive = None) -> Float[Array, ""]:
        """`field(x, drive)[i]`."""
        return self.memory.site_field(x[-1], i, drive) + self._past(x) @ self.memory.xi[:, i]

    def reverse_drive(self, drive: Drive) -> Drive:
        """The drive itself: a field of the step."""
        return drive

    def _past(self, x: Any) -> Float[Array, " p"]:
        """`beta B mbar`."""
        trace = self.kernel[::-1] @ x.astype(self.kernel.dtype)
        return self.memory.beta * (self.delayed @ (self.memory.xi @ trace / self.n))
