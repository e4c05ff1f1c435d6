"""What steps of a simulation are: all chains, moved from one step to a later one."""

import abc

import equinox as eqx
from jaxtyping import Array, Int, PyTree


class AbstractSteps(eqx.Module):
    """Steps of all chains, on whatever is handiest to carry from one to the next."""

    @abc.abstractmethod
    def init(self, x: PyTree) -> PyTree:
        """What is carried, given the states."""

    @abc.abstractmethod
    def states(self, moving: PyTree, like: PyTree) -> PyTree:
        """The states, given what is carried; `like` shows their types."""

    @abc.abstractmethod
    def run(self, moving: PyTree, first: Int[Array, ""], stop: Int[Array, ""]) -> tuple[PyTree, PyTree]:
        """What is carried before the last, and after all, of the steps `first` to `stop` - 1, at least one."""
