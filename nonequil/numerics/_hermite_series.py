"""Averages of products over two correlated normal variables, as a power series in their correlation."""

import functools as ft

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ._trapezoid import Trapezoid


class HermiteSeries(eqx.Module):
    """E f(x) h(y) = sum_k a_k b_k c**k for standard normal x, y of correlation c, a_k = E f(z) He_k(z) / sqrt(k!).

    The series (Mehler's formula) holds for -1 <= c <= 1 and square-integrable f, h; all its derivatives in c exist at
    c = 0, and it takes one matrix product. `terms` coefficients are kept; the rule that averages needs a width of
    12, because He_k exp(-z**2 / 2) / sqrt(k!) falls only like exp(-z**2 / 4).
    Source: Mehler, J. reine angew. Math. 66, 161 (1866).

    ```python
    series = nq.numerics.HermiteSeries(64)
    a = series.coefficients(jnp.tanh(series.nodes))
    jnp.polyval((a**2)[::-1], 0.3)  # E tanh(x) tanh(y) at correlation 0.3
    ```
    """

    terms: int = eqx.field(static=True, default=512)
    rule: Trapezoid = eqx.field(static=True, default=Trapezoid(513, 12.0))

    def __check_init__(self) -> None:
        if self.terms < 1:
            raise ValueError(f"terms = {self.terms}: take at least one coefficient")

    @property
    def nodes(self) -> Float[Array, " nodes"]:
        """Nodes z at which functions are to be known."""
        return jnp.asarray(self.rule.nodes_and_weights[0], float)

    def mean(self, values: Float[Array, "... nodes"]) -> Float[Array, "..."]:
        """E f(z) from the values of f at the nodes."""
        return values @ jnp.asarray(self.rule.nodes_and_weights[1], values.dtype)

    def coefficients(self, values: Float[Array, "... nodes"]) -> Float[Array, "... terms"]:
        """a_k = E f(z) He_k(z) / sqrt(k!) for k below `terms`, from the values of f at the nodes."""
        return values @ jnp.asarray(_table(self.terms, self.rule), values.dtype)


@ft.lru_cache(maxsize=32)
def _table(terms: int, rule: Trapezoid) -> Float[np.ndarray, "nodes terms"]:
    """W He_k(z) / sqrt(k!) at each node; the root of the weight is carried along, so that no high order overflows."""
    z, w = rule.nodes_and_weights
    columns = [np.sqrt(w), z * np.sqrt(w)]
    for k in range(1, terms - 1):
        columns.append((z * columns[k] - np.sqrt(k) * columns[k - 1]) / np.sqrt(k + 1))
    return np.sqrt(w)[:, None] * np.stack(columns[:terms], axis=1)
