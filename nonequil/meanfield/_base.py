"""What a closure is: a theory as a map on order parameters."""

import abc
from typing import Any

import equinox as eqx
from jaxtyping import Array, Float, PyTree


class AbstractClosure(eqx.Module):
    """A theory that closes on a few order parameters `q`: q at the next step is `closure(q, model)`."""

    @abc.abstractmethod
    def init(self, model: Any) -> PyTree[Float[Array, "..."]]:
        """Order parameters to start from where none are given."""

    @abc.abstractmethod
    def __call__(self, q: PyTree[Float[Array, "..."]], model: Any) -> PyTree[Float[Array, "..."]]:
        """Order parameters one step later."""
