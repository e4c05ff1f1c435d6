"""What a model is: the fields of spins, or the drift of a continuous state; nothing else."""

import abc

import equinox as eqx
from jaxtyping import Array, Float, PyTree, Shaped

from .._types import Drive, Index


class AbstractSpinModel(eqx.Module):
    """What pulls on each spin: a pure function of one state, without a batch axis.

    A field is half the log-odds of +1: `p(+1) = sigmoid(2 field)`. It has no unit (kT, beta folded in).
    """

    @property
    @abc.abstractmethod
    def n(self) -> int:
        """Number of spins."""

    @abc.abstractmethod
    def field(self, x: Shaped[Array, "..."], drive: Drive = None) -> Float[Array, " n"]:
        """Half log-odds of +1 at each site."""

    @abc.abstractmethod
    def site_field(self, x: Shaped[Array, "..."], i: Index, drive: Drive = None) -> Float[Array, ""]:
        """`field(x, drive)[i]`, at the cost of one row."""


class AbstractWindowModel(AbstractSpinModel):
    """What pulls on each spin of the next state, given a window (lags, n) of the last ones, oldest first."""

    @property
    @abc.abstractmethod
    def lags(self) -> int:
        """Number of states in a window."""

    @abc.abstractmethod
    def reverse_drive(self, drive: Drive) -> Drive:
        """The drive of the same step seen backwards, an involution: a protocol that belongs to the states mirrors."""


class AbstractForce(eqx.Module):
    """What pulls on a continuous state: a pure function of one state, without a batch axis.

    Clocks that move spins take an `AbstractSpinModel`, clocks that integrate an equation of motion take a force.
    """

    @abc.abstractmethod
    def drift(self, x: PyTree[Float[Array, "..."]], drive: Drive = None) -> PyTree[Float[Array, "..."]]:
        """Velocity of the state, per unit of time."""
