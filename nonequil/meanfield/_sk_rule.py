"""How finely the averages of the asymmetric Sherrington-Kirkpatrick theory are computed."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._results import RESULTS
from ..ensembles import SherringtonKirkpatrick
from ..numerics import HermiteSeries, Trapezoid

LIMITS = {jnp.dtype("float64"): 1e-9, jnp.dtype("float32"): 1e-5}


class SKRule(eqx.Module):
    """Static sizes of the averages: nodes and series over the normal part of a field, values of its other part.

    The default resolves beta dJ <= 4 and beta dH <= 4. A larger beta dJ = s needs `nodes >= 24 s / 0.27` in the
    series' trapezoid and about 32 s**2 terms; what is too coarse is flagged as `RESULTS.quadrature_too_coarse`.
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

        Raises ValueError above scale 16 or spread 16: there use `zero_temperature` and its corrections.
        """
        for limit, nodes, terms in SCALES:
            if scale <= limit:
                return cls(HermiteSeries(terms, Trapezoid(nodes, 12.0)), _field_nodes(spread))
        raise ValueError(f"scale = {scale}: above 16 use nq.sk.zero_temperature")

    def check(self, scale: Float[Array, ""], field_error: Float[Array, ""]) -> RESULTS:
        """`quadrature_too_coarse` if an average may be off by more than 1e-9 (1e-5 in single precision)."""
        limit = LIMITS[scale.dtype]
        fine = (self.series.rule.error(scale) <= limit) & (field_error <= limit)
        return RESULTS.where(fine, RESULTS.successful, RESULTS.quadrature_too_coarse)


SCALES = (
    (0.5, 65, 32),
    (1.0, 105, 64),
    (2.0, 193, 128),
    (3.0, 273, 256),
    (4.0, 361, 512),
    (8.0, 769, 1024),
    (16.0, 1537, 2048),
)
SPREADS = ((0.0, 1), (1.3, 24), (4.0, 36), (8.0, 72), (16.0, 144))


def _field_nodes(spread: float) -> int:
    for limit, nodes in SPREADS:
        if spread <= limit:
            return nodes
    raise ValueError(f"spread = {spread}: above 16 use nq.sk.zero_temperature")


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
    variance = float(sk.fields.split(jnp.asarray(known["beta"] * known["dH"]), 1)[2])
    scale, spread = ((known["beta"] * known["dJ"]) ** 2 + variance) ** 0.5, known["beta"] * known["dH"]
    if scale > SCALES[-1][0] or spread > SPREADS[-1][0]:
        return SKRule()  # flagged in the result
    return SKRule.resolving(scale, 0.0 if variance else spread)


def _known(x: Any) -> float | None:
    return None if isinstance(x, jax.core.Tracer) else float(x)

