"""How finely the averages of the asymmetric Sherrington-Kirkpatrick theory are computed."""

import functools as ft
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._results import RESULTS
from ..ensembles import AbstractFieldLaw, SherringtonKirkpatrick
from ..numerics import HermiteSeries, Trapezoid

LIMITS = {jnp.dtype("float64"): 1e-9, jnp.dtype("float32"): 1e-5}


class SKRule(eqx.Module):
    """Static sizes of the averages: nodes and series over the normal part of a field, values of its other part.

    The default resolves beta dJ <= 4 and beta dH <= 4. A larger beta dJ = s needs `nodes >= 24 s / 0.27` in the
    series' trapezoid and about 16 s**2 terms; what is too coarse is flagged as `RESULTS.quadrature_too_coarse`.
    `SKRule.resolving(s, B)` chooses for the largest s and the largest beta dH = B of a calculation.

    ```python
    nq.sk.stationary(sk, rule=nq.sk.SKRule.resolving(8.0))
    ```
    """

    series: HermiteSeries = eqx.field(static=True, default=HermiteSeries())
    field_nodes: int = eqx.field(static=True, default=36)

    @classmethod
    def resolving(cls, scale: float, spread: float = 0.0) -> "SKRule":
        """The cheapest rule for normal parts of standard deviation `scale` and uniform parts of half width `spread`.

        Above scale 16 or spread 16 it is the finest one, and results are flagged where that is too coarse: see
        `zero_temperature` there.
        """
        return cls.of_fineness(*(int(_place(limits, x)) for limits, x in ((SCALES, scale), (SPREADS, spread))))

    @classmethod
    @ft.cache
    def of_fineness(cls, scale: int, spread: int) -> "SKRule":
        """The rule in row `scale` of the table of scales and row `spread` of that of spreads."""
        _, nodes, terms = SCALES[scale]
        return cls(HermiteSeries(terms, Trapezoid(nodes, 12.0)), SPREADS[spread][1])

    def check(self, scale: Float[Array, ""], field_error: Float[Array, ""], rest: Float[Array, ""]) -> RESULTS:
        """`quadrature_too_coarse` if an average may be off by more than 1e-9 (1e-5 in single precision).

        `rest` is what a series of K terms leaves of its sum at correlation one: it enters there with power K, so that
        the potential int F is off by at most rest / (K + 1).
        """
        limit = LIMITS[scale.dtype]
        fine = (self.series.rule.error(scale) <= limit) & (field_error <= limit)
        fine = fine & (jnp.abs(rest) / (self.series.terms + 1) <= limit)
        return RESULTS.where(fine, RESULTS.successful, RESULTS.quadrature_too_coarse)


SCALES = (
    (0.5, 65, 32),
    (1.0, 105, 64),
    (2.0, 193, 128),
    (3.0, 273, 256),
    (4.0, 361, 512),
    (8.0, 769, 1024),
    (16.0, 1537, 4096),
)
SPREADS = ((0.0, 1), (1.3, 24), (4.0, 36), (8.0, 72), (16.0, 144))


def _place(table: tuple, x: Any) -> Any:
    """The first row of a table whose limit is not below x; the last one if there is none."""
    return np.asarray(np.minimum(np.searchsorted([row[0] for row in table], x), len(table) - 1))


def fineness_of(
    fields: AbstractFieldLaw, beta: np.ndarray, dJ: np.ndarray, dH: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Rows of both tables that known parameters need: for the normal part of their local fields and for the rest."""
    spread = np.asarray(beta * dH)
    with jax.ensure_compile_time_eval():
        variance = np.asarray(jax.vmap(lambda b: fields.split(b, 1)[2])(jnp.ravel(spread))).reshape(spread.shape)
    scale = np.sqrt((beta * dJ) ** 2 + variance)
    return _place(SCALES, scale), _place(SPREADS, np.where(variance > 0, 0, spread))


def chosen(sk: SherringtonKirkpatrick, rule: SKRule | None) -> SKRule:
    """`rule`, or the cheapest one for parameters that are known when the program is built, else the default.

    A known zero of dH saves the average over fields, whatever the other parameters are.
    """
    if rule is not None:
        return rule
    known = {name: _known(getattr(sk, name)) for name in ("beta", "dJ", "dH")}
    no_fields = known["dH"] == 0
    if None in known.values():
        return SKRule(field_nodes=1) if no_fields else SKRule()
    return SKRule.of_fineness(*(int(row) for row in fineness_of(sk.fields, *(np.asarray(x) for x in known.values()))))


def _known(x: Any) -> float | None:
    return None if isinstance(x, jax.core.Tracer) else float(x)
