"""Where the asymmetric Sherrington-Kirkpatrick model orders: critical temperatures, couplings and fields."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Bool, Float

from .. import numerics
from .._checks import finite, nonnegative, require
from .._results import RESULTS
from ..ensembles import AbstractFieldLaw, SherringtonKirkpatrick, UniformFields

NO_LINE = (
    "There is no transition: it takes J0 > 0 and weaker disorder (without fields dJ < J0 sqrt(2 / pi)). Here J0 and the"
)


def critical_beta(sk: SherringtonKirkpatrick, *, throw: bool = True) -> Float[Array, ""]:
    """The inverse temperature above which a magnetisation forms by itself.

    beta_c solves beta J0 k = 1, k = E sech(beta (dH u + dJ z))**2 the mean gain at m = 0, with z standard normal and u
    of the law `sk.fields`: without fields beta J0 int Dz sech(beta dJ z)**2 = 1, for uniform fields
    (J0 / dH) int Dz tanh(beta (dH + dJ z)) = 1. `sk.beta` is not read. Unit: that of 1 / J0. The root is sought in
    the temperature, down to zero, with averages that are right to rounding for every ratio of beta dJ and beta dH.
    Derivatives in J0, dJ and dH come from the implicit function theorem; they grow without bound where the line ends,
    at `critical_dJ`.

    Raises ValueError (traced: a run-time error) if H0 is not zero, because every temperature is then ordered, and if
    there is no transition; `throw=False` returns infinity there. Source: Aguilera, Igarashi & Shimazaki, Nat. Commun.
    14, 3685 (2023).

    ```python
    nq.sk.critical_beta(nq.SherringtonKirkpatrick(J0=1.0, dJ=0.5))  # 1.34849996
    ```
    """
    message = "A transition needs a vanishing common field, H0 = 0. Here H0"
    require(sk.H0, sk.H0 == 0, message)
    J0 = require(sk.J0, sk.H0 == 0, message)

    T, exists = _root(_in_temperature, J0, (sk.dH, sk.dJ), sk.fields, highest=2.0)
    T = _required(T, exists, f"{NO_LINE} disorder dJ, dH", J0, sk.dJ, sk.dH) if throw else T
    return jnp.where(exists, 1 / T, jnp.inf)


def critical_dJ(
    J0: Float[ArrayLike, ""],
    dH: Float[ArrayLike, ""] = 0.0,
    *,
    fields: AbstractFieldLaw = UniformFields(),
    throw: bool = True,
) -> Float[Array, ""]:
    """The disorder of the couplings above which no temperature orders the network: where `critical_beta` diverges.

    J0 k beta = 1 at temperature zero: without fields J0 sqrt(2 / pi); for uniform fields of half width dH
    erf(dH / (sqrt(2) dJ)) = dH / J0; for normal ones of deviation dH dJ**2 + dH**2 = 2 J0**2 / pi. Unit: that of J0.
    Differentiable by the implicit function theorem. Raises ValueError (traced: a run-time error) for dH below zero and
    if there is no such disorder (J0 <= 0, or fields too wide); `throw=False` returns zero there.
    Source: Aguilera, Igarashi & Shimazaki, Nat. Commun. 14, 3685 (2023).

    ```python
    nq.sk.critical_dJ(1.0, 0.5)  # 0.74130111
    ```
    """
    J0, dH = finite("J0")(J0), nonnegative("dH")(dH)
    dJ, exists = _root(_in_couplings, J0, dH, fields, highest=1.0)
    dJ = _required(dJ, exists, f"{NO_LINE} disorder dH", J0, dH) if throw else dJ
    return jnp.where(exists, dJ, 0)


def critical_dH(
    J0: Float[ArrayLike, ""],
    dJ: Float[ArrayLike, ""],
    *,
    fields: AbstractFieldLaw = UniformFields(),
    throw: bool = True,
) -> Float[Array, ""]:
    """The disorder of the fields above which no temperature orders the network.

    The equation of `critical_dJ`, solved for dH: for uniform fields erf(dH / (sqrt(2) dJ)) = dH / J0, which is dH = J0
    without disorder in the couplings. Unit: that of J0. Differentiable by the implicit function theorem. Raises
    ValueError (traced: a run-time error) for dJ below zero and if there is no such disorder (J0 <= 0, or
    dJ >= J0 sqrt(2 / pi)); `throw=False` returns zero there.
    Source: Aguilera, Igarashi & Shimazaki, Nat. Commun. 14, 3685 (2023).

    ```python
    nq.sk.critical_dH(1.0, 0.2)  # 0.9999994
    ```
    """
    J0, dJ = finite("J0")(J0), nonnegative("dJ")(dJ)
    dH, exists = _root(_in_fields, J0, dJ, fields, highest=2.0)
    dH = _required(dH, exists, f"{NO_LINE} disorder dJ", J0, dJ) if throw else dH
    return jnp.where(exists, dH, 0)


def _in_temperature(T: Array, given: Any) -> Array:
    (dH, dJ), fields = given
    return 1 - 1 / fields.bell(dH, dJ, T)


def _in_couplings(dJ: Array, given: Any) -> Array:
    dH, fields = given
    return 1 - 1 / fields.bell(dH, dJ, jnp.zeros_like(dJ))


def _in_fields(dH: Array, given: Any) -> Array:
    dJ, fields = given
    least = jnp.asarray(float(jnp.finfo(dJ.dtype).eps), dJ.dtype)
    return 1 - 1 / fields.bell(dH, jnp.maximum(dJ, least), jnp.zeros_like(dH))


def _root(
    excess: Callable[[Array, Any], Array], J0: Float[Array, ""], given: Any, fields: AbstractFieldLaw, highest: float
) -> tuple[Float[Array, ""], Bool[Array, ""]]:
    """Where `excess` falls through zero, below `highest` J0, and whether it does; all lengths in units of J0.

    Where it does not the value is zero, without a gradient.
    """
    J0, given = jax.tree.map(lambda x: x.astype(x.dtype), (J0, given))  # no weak types, which would be compiled anew
    return _searched(excess, J0, given, fields, highest)


@eqx.filter_jit
def _searched(
    excess: Callable[[Array, Any], Array], J0: Float[Array, ""], given: Any, fields: AbstractFieldLaw, highest: float
) -> tuple[Float[Array, ""], Bool[Array, ""]]:
    lowest = jnp.asarray(float(jnp.finfo(J0.dtype).eps), J0.dtype)
    unit = jnp.where(J0 > 0, J0, 1)
    scaled = jax.tree.map(lambda x: x / unit, given)
    exists = (J0 > 0) & (excess(lowest, (scaled, fields)) > 0)
    scaled = jax.tree.map(lambda x: jnp.where(exists, x, 0.1), scaled)  # any disorder with a root
    ends = (lowest, jnp.asarray(highest, J0.dtype))
    found = numerics.root(excess, ends, (scaled, fields), throw=False)
    exists = exists & (found.result == RESULTS.successful)
    return jnp.where(exists, unit * found.value, 0), exists


def _required(x: Float[Array, ""], exists: Bool[Array, ""], message: str, *given: Array) -> Float[Array, ""]:
    """`x`, refused with the given numbers in the message unless it exists."""
    require(jnp.stack([jnp.asarray(number, x.dtype) for number in given]), exists, message)
    return require(x, exists, message)
