"""One randomly chosen spin at a time."""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key, Shaped

from .. import numerics
from .._results import Unit
from .._types import Drive, Index, State
from ..models import AbstractSpinModel
from ._base import AbstractSpinClock, flips, log_rates


class Sequential(AbstractSpinClock):
    """One spin, drawn uniformly at random, is redrawn (Glauber dynamics). A step is one attempt and lasts 1/n.

    P(F_i x | x) = sigmoid(-2 x_i h_i(x)) / n for the state with spin i flipped, P(x | x) the rest. A site is drawn
    afresh at each attempt: a sweep in fixed or permuted order is another process. Unit of flows: nats/attempt.
    `simulate` makes the same steps of an `Ising` model on fields that it carries along, as whole numbers (no drift): a
    spin can differ from that of `step` only where its field meets its random number to rounding.

    With `sharing` = R above 1, `simulate` lets R consecutive chains at a time redraw the same sites, each from its own
    field and random number. One chain, and chains of different groups together, follow the same law; the chains of one
    group are not independent, so pairs carry their group as block and errors come from groups: have 16 of them or more.
    The mean over chains has 1 + (R - 1) rho times the variance of as many independent chains, rho the correlation of
    two chains of a group. At n >= 128, asymmetric couplings of standard deviation 1 / sqrt(n), it is 0 for a spin, .002
    or less for the product of two spins at one time or at two, but .2 for a spin and itself a sweep later, which
    independent chains find sooner. In exchange the fields of an `Ising` model come from one matrix product
    (`ExactRows`): about a fifth of the time from R = 64 on, a third at R = 16, whatever the share of attempts that
    flip. The last group is filled up to R chains. Raises ValueError if `sharing` is below one.
    Source: Glauber, J. Math. Phys. 4, 294 (1963).
    """

    model: AbstractSpinModel
    sharing: int = eqx.field(static=True, default=1)
    unit: ClassVar[Unit] = Unit.per_attempt

    def __check_init__(self) -> None:
        if self.sharing < 1:
            raise ValueError(f"sharing = {self.sharing}: 1 lets each chain draw its own sites, more share them")

    def step(self, x: State, index: Index, *, key: Key[Array, ""], drive: Drive = None) -> State:
        """One attempt: reads one row of the couplings."""
        return self.attempt(x, index, key=key, sites=key, drive=drive)

    def attempt(
        self, x: State, index: Index, *, key: Key[Array, ""], sites: Key[Array, ""], drive: Drive = None
    ) -> State:
        """One attempt at the site that `step` draws from the key `sites`, the rest from `key`."""
        i = numerics.integers(sites, index, (), x.shape[0])
        return redraw(self.model, x, i, key, index, drive)

    def log_prob(self, x: State, x_next: State, drive: Drive = None) -> Float[Array, ""]:
        """-inf where more than one spin changed."""
        return attempt_log_prob(self.model.field(x, drive), x, x_next)

    def duration(self, x: State, x_next: State) -> Float[Array, ""]:
        """1 / n: each spin attempts once per unit of time on average."""
        return jnp.ones(()) / x.shape[0]

    def outcomes(self, x: State, drive: Drive = None) -> tuple[State, Float[Array, " k"]]:
        """The n states with one spin flipped, then `x` itself."""
        h = self.model.field(x, drive)
        flipped = log_rates(h, x) - jnp.log(x.shape[0])
        stayed = attempt_log_prob(h, x, x)
        return jnp.concatenate([flips(x), x[None]]), jnp.append(flipped, stayed)


def redraw(
    model: AbstractSpinModel, x: Shaped[Array, " n"], i: Index, key: Key[Array, ""], index: Index, drive: Drive
) -> Shaped[Array, " n"]:
    """`x` with spin i redrawn from its field."""
    h = model.site_field(x, i, drive)
    up = numerics.uniforms(key, index, (), h.dtype) < jax.nn.sigmoid(2 * h)
    return x.at[i].set(jnp.where(up, 1, -1).astype(x.dtype))


def attempt_log_prob(h: Float[Array, " n"], x: Shaped[Array, " n"], x_next: Shaped[Array, " n"]) -> Float[Array, ""]:
    """Log probability of a pair in one attempt at a random site, given the fields of `x`."""
    changed = x != x_next
    number = jnp.sum(changed)
    kept = jax.nn.logsumexp(jax.nn.log_sigmoid(2 * x.astype(h.dtype) * h))
    flipped = jnp.sum(jnp.where(changed, log_rates(h, x), 0))
    safe = jnp.where(number == 0, kept, jnp.where(number == 1, flipped, 0))
    return jnp.where(number > 1, -jnp.inf, safe - jnp.log(x.shape[0]))
