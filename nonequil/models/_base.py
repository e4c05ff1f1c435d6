"""What a spin model is: fields, nothing else."""

import abc

import equinox as eqx
from jaxtyping import Array, Float, Shaped

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
