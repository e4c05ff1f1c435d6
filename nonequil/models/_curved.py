"""Curved networks: Ising networks whose temperature depends on their own energy."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Shaped

from .. import numerics
from .._checks import finite, nonnegative, require
from .._types import Drive, Index
from ._base import AbstractSpinModel

SMALL = 1e-2  # below it atanh(y) / y is its series, right to rounding


def mean_energy(J: Float[Array, "n n"], H: Float[Array, " n"], x: Float[Array, " n"]) -> Float[Array, ""]:
    """Q = (H.x + x.J x / 2) / n, minus the energy per spin."""
    return x @ (H + J @ x / 2) / len(x)


class CurvedIsing(AbstractSpinModel):
    """Maximum-Renyi-entropy network: p(s) ~ [1 + gamma Q(s)]_+^(n beta / gamma),  Q = (H.s + s.J s / 2) / n.

    As gamma goes to 0 it is the Ising network exp(n beta Q). Below zero order raises the inverse temperature beta /
    (1 + gamma Q(s)), which orders the network further: transitions become explosive, with hysteresis; above zero they
    soften. One spin redrawn given the others has the half log-odds of p at its two candidate states,

    h_i = (n beta / gamma) atanh(gamma d_i / (1 + gamma Q_i)),  d_i = (H_i + sum_{j != i} J_ij s_j) / n,

    Q_i the mean of Q over both. This exact law belongs to `nq.Sequential` and `nq.ContinuousTime`, which keep p in
    detailed balance; `nq.Parallel` is another model, whose law is not p. A candidate state with 1 + gamma Q <= 0 is
    impossible, and h_i infinite; in a state that is itself impossible spins move towards larger 1 + gamma Q.

    `J` (n, n) is symmetric, `H` (n,), beta >= 0 and gamma scalars; nothing has a unit. The diagonal of J is a constant
    in Q, which curved networks feel: it must be zero unless `self_coupling`; p with trace J = 2 n c is p without it at
    gamma / (1 + gamma c) and beta / (1 + gamma c). A drive (n,) adds to h.

    Raises ValueError (traced: a run-time error) for values that are not finite, J not symmetric or with a diagonal;
    ValueError on mismatched shapes. Source: Aguilera, Morales, Rosas & Shimazaki, Nat. Commun. 16, 6511 (2025).

    ```python
    network = nq.CurvedIsing(nq.Hopfield(xi).dense().J, jnp.zeros(n), gamma=-1.2, beta=0.9)
    ```
    """

    J: Float[Array, "n n"] = eqx.field(converter=finite("J"))
    H: Float[Array, " n"] = eqx.field(converter=finite("H"))
    gamma: Float[Array, ""] = eqx.field(converter=finite("gamma"))
    beta: Float[Array, ""] = eqx.field(converter=nonnegative("beta"), default=1.0)
    self_coupling: bool = eqx.field(static=True, default=False)

    def __init__(self, J: Any, H: Any, gamma: Any, beta: Any = 1.0, self_coupling: bool = False) -> None:
        J, self.H, self.gamma, self.beta, self.self_coupling = finite("J")(J), H, gamma, beta, self_coupling
        _fit(J, H, gamma, beta)
        J = require(J, jnp.abs(J - J.T) <= 1e-6 * jnp.abs(J), "J must be symmetric (see CurvedField for others): J")
        if not self_coupling:
            J = require(J, (J == 0) | ~jnp.eye(len(J), dtype=bool), "J has a diagonal: set self_coupling=True; J")
        self.J = J

    @property
    def n(self) -> int:
        """Number of spins."""
        return self.H.shape[0]

    def log_weight(self, x: Shaped[Array, " n"]) -> Float[Array, ""]:
        """`ln p(x)` but for a constant: `(n beta / gamma) ln(1 + gamma Q)`, -inf where the state is impossible."""
        Q = mean_energy(self.J, self.H, x.astype(self.J.dtype))
        inside = 1 + self.gamma * Q > 0
        y = jnp.where(inside, self.gamma * Q, 0)
        flat = jnp.abs(self.gamma) < 1e-12
        curved = jnp.log1p(y) / jnp.where(flat, 1, self.gamma)
        return jnp.where(inside, self.n * self.beta * jnp.where(flat, Q, curved), -jnp.inf)

    def inverse_temperature(self, x: Shaped[Array, " n"]) -> Float[Array, ""]:
        """The one that the network gives itself, `beta / (1 + gamma Q)`."""
        return self.beta / (1 + self.gamma * mean_energy(self.J, self.H, x.astype(self.J.dtype)))

    def field(self, x: Shaped[Array, " n"], drive: Drive = None) -> Float[Array, " n"]:
        """Half log-odds of +1 at each site, given the others."""
        s = x.astype(self.J.dtype)
        others = self.H + self.J @ s - jnp.diag(self.J) * s
        h = curved_field(others, s, mean_energy(self.J, self.H, s), self.gamma, self.beta, self.n)
        return h if drive is None else h + drive

    def site_field(self, x: Shaped[Array, " n"], i: Index, drive: Drive = None) -> Float[Array, ""]:
        """`field(x, drive)[i]`, at the cost of Q: all couplings (`simulate` carries them along)."""
        s = x.astype(self.J.dtype)
        others = self.H[i] + numerics.ordered_sum(self.J[i] * s) - self.J[i, i] * s[i]
        h = curved_field(others, s[i], mean_energy(self.J, self.H, s), self.gamma, self.beta, self.n)
        return h if drive is None else h + drive[i]


class CurvedField(AbstractSpinModel):
    """Spins at the inverse temperature that their mean energy gives them: h_i = beta'(s) (H_i + sum_j J_ij s_j).

    beta'(s) = beta / (1 + gamma Q(s)), Q = (H.s + s.J s / 2) / n. `J` (n, n) need not be symmetric, and any clock will
    do: a nonequilibrium relative of `CurvedIsing`, close to it for many spins. Its law is not p(s) ~ [1 + gamma
    Q]^(n beta / gamma), and it dissipates even with symmetric J, because the field of a spin changes with its own
    state. Shapes, units and errors as `CurvedIsing`; states with 1 + gamma Q <= 0 are a run-time error.

    ```python
    nq.thermodynamics.exact(nq.Parallel(nq.CurvedField(J, H, gamma=-0.6, beta=0.9)))
    ```
    """

    J: Float[Array, "n n"] = eqx.field(converter=finite("J"))
    H: Float[Array, " n"] = eqx.field(converter=finite("H"))
    gamma: Float[Array, ""] = eqx.field(converter=finite("gamma"))
    beta: Float[Array, ""] = eqx.field(converter=nonnegative("beta"), default=1.0)

    def __check_init__(self) -> None:
        _fit(self.J, self.H, self.gamma, self.beta)

    @property
    def n(self) -> int:
        """Number of spins."""
        return self.H.shape[0]

    def inverse_temperature(self, x: Shaped[Array, " n"]) -> Float[Array, ""]:
        """`beta / (1 + gamma Q)`."""
        room = 1 + self.gamma * mean_energy(self.J, self.H, x.astype(self.J.dtype))
        return self.beta / require(room, room > 0, "gamma is outside of the network's domain: 1 + gamma Q(s)")

    def field(self, x: Shaped[Array, " n"], drive: Drive = None) -> Float[Array, " n"]:
        """Half log-odds of +1 at each site."""
        h = self.inverse_temperature(x) * (self.H + self.J @ x.astype(self.J.dtype))
        return h if drive is None else h + drive

    def site_field(self, x: Shaped[Array, " n"], i: Index, drive: Drive = None) -> Float[Array, ""]:
        """`field(x, drive)[i]`, at the cost of Q: all couplings."""
        h = self.H[i] + numerics.ordered_sum(self.J[i] * x.astype(self.J.dtype))
        h = self.inverse_temperature(x) * h
        return h if drive is None else h + drive[i]


def curved_field(
    others: Float[Array, "*sites"],
    s: Float[Array, "*sites"],
    Q: Float[Array, ""],
    gamma: Float[Array, ""],
    beta: Float[Array, ""],
    n: int,
) -> Float[Array, "*sites"]:
    """Half log-odds of p between both states of a spin; `others` is H_i + sum_{j != i} J_ij s_j, Q that of state s."""
    middle, half = 1 + gamma * (Q - s * others / n), gamma * others / n
    possible = middle > jnp.abs(half)
    y = jnp.where(possible, half, 0) / jnp.where(possible, middle, 1)
    small = jnp.abs(y) < SMALL
    series = 1 + y**2 * (1 / 3 + y**2 * (1 / 5 + y**2 * (1 / 7 + y**2 / 9)))
    steep = jnp.where(small, series, jnp.arctanh(jnp.where(small, 0.5, y)) / jnp.where(small, 0.5, y))
    towards = jnp.where(half == 0, 0, jnp.sign(half) * jnp.inf)
    return jnp.where(possible, beta * others / jnp.where(possible, middle, 1) * steep, towards)


def _fit(J: Any, H: Any, gamma: Any, beta: Any) -> None:
    shapes = [jnp.shape(x) for x in (J, H, gamma, beta)]
    if len(shapes[1]) != 1 or shapes[0] != 2 * shapes[1] or shapes[2] or shapes[3]:
        found = f"J has shape {shapes[0]}, H {shapes[1]}, gamma {shapes[2]}, beta {shapes[3]}"
        raise ValueError(f"{found}: they must be (n, n), (n,), () and ()")
