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
    a = series.coefficients(jnp.zeros_like(series.nodes), jnp.tanh(series.nodes))  # an odd function
    jnp.polyval((a**2)[::-1], 0.3)  # E tanh(x) tanh(y) at correlation 0.3
    ```
    """

    terms: int = eqx.field(static=True, default=512)
    rule: Trapezoid = eqx.field(static=True, default=Trapezoid(513, 12.0))

    def __check_init__(self) -> None:
        if self.terms < 2:
            raise ValueError(f"terms = {self.terms}: take at least two coefficients")
        if self.rule.nodes % 2 == 0:
            raise ValueError(f"rule.nodes = {self.rule.nodes}: take an odd number, so that the middle is a node")

    @property
    def nodes(self) -> Float[Array, " half"]:
        """The nodes z >= 0 at which the even and odd parts of functions are to be known."""
        return jnp.asarray(self.rule.nodes_and_weights[0][self.rule.nodes // 2 :], float)

    def mean(self, even: Float[Array, "... half"]) -> Float[Array, "..."]:
        """E f(z) from the even part of f, (f(z) + f(-z)) / 2."""
        return even @ jnp.asarray(_tables(self.terms, self.rule)[0], even.dtype)

    def coefficients(self, even: Float[Array, "... half"], odd: Float[Array, "... half"]) -> Float[Array, "... terms"]:
        """a_k = E f(z) He_k(z) / sqrt(k!) for k below `terms`: the even part of f makes the even ones, and so on."""
        _, evens, odds = (jnp.asarray(table, even.dtype) for table in _tables(self.terms, self.rule))
        pairs = jnp.stack([even @ evens, odd @ odds], axis=-1)
        return pairs.reshape(*even.shape[:-1], -1)[..., : self.terms]


@ft.lru_cache(maxsize=32)
def _tables(terms: int, rule: Trapezoid) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weights of even functions at the nodes z >= 0, and w He_k(z) / sqrt(k!) there for even and for odd k.

    The root of the weight is carried along, so that no high order overflows.
    """
    z, w = (values[rule.nodes // 2 :] for values in rule.nodes_and_weights)
    w = w * np.where(z == 0, 1, 2)
    orders = terms + terms % 2
    columns = [np.sqrt(w), z * np.sqrt(w)]
    for k in range(1, orders - 1):
        columns.append((z * columns[k] - np.sqrt(k) * columns[k - 1]) / np.sqrt(k + 1))
    table = np.sqrt(w)[:, None] * np.stack(columns, axis=1)
    return w, table[:, ::2], table[:, 1::2]
