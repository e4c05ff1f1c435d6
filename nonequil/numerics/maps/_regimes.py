"""Regimes of an orbit by the signs of its exponents, with the doubt that their errors leave."""

from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from ._exponents import Exponents

THRESHOLD = 1e-4  # nats per step


class REGIMES(eqx.Enumeration):
    """What an orbit is. `REGIMES[regime]` is the sentence; compare with `regime == REGIMES.chaotic`."""

    periodic: Any = "Nearby orbits come together: a cycle."
    quasi_periodic: Any = "One exponent is zero: a torus."
    doubly_quasi_periodic: Any = "Two exponents are zero: a torus with one dimension more."
    chaotic: Any = "One exponent is positive."
    hyperchaotic: Any = "Two exponents or more are positive."
    undecided: Any = "An exponent is too near to a threshold for its error, or its blocks drift: run longer."


def classify(exponents: Exponents, threshold: Float[Array, ""] | float = THRESHOLD) -> REGIMES:
    """The regime of an orbit, from its two leading exponents; undecided where their errors leave a doubt.

    An exponent is positive (negative) if it is above `threshold` (below -`threshold`) by more than two standard errors,
    zero if it lies between by as much. Then: lambda_1 and lambda_2 positive, hyperchaotic; lambda_1 alone, chaotic;
    both zero, doubly quasi-periodic; lambda_1 zero and lambda_2 negative, quasi-periodic; lambda_1 negative, periodic.
    All else, and exponents whose blocks drift or that are not finite, is undecided. Unit of `threshold`: nats per step.
    A map of one number has no second exponent: it counts as negative. For larger maps ask `lyapunov` for two.

    ```python
    regime = nq.numerics.maps.classify(nq.numerics.maps.lyapunov(f, x0, count=2, steps=20_000))
    ```
    """
    return _classify(exponents.value, exponents.stderr, exponents.drifting, threshold)


@eqx.filter_jit
def _classify(value: Array, stderr: Array, drifting: Array, threshold: Any) -> REGIMES:
    first, second = (_Signs.of(value[j : j + 1], stderr[j : j + 1], drifting[j : j + 1], threshold) for j in (0, 1))
    regime = REGIMES.where(first.negative, REGIMES.periodic, REGIMES.undecided)
    regime = REGIMES.where(first.zero & second.negative, REGIMES.quasi_periodic, regime)
    regime = REGIMES.where(first.zero & second.zero, REGIMES.doubly_quasi_periodic, regime)
    regime = REGIMES.where(first.positive & (second.negative | second.zero), REGIMES.chaotic, regime)
    return REGIMES.where(first.positive & second.positive, REGIMES.hyperchaotic, regime)


class _Signs(NamedTuple):
    """What an exponent surely is; none of the three in doubt."""

    positive: Bool[Array, ""]
    zero: Bool[Array, ""]
    negative: Bool[Array, ""]

    @classmethod
    def of(cls, value: Array, stderr: Array, drifting: Array, threshold: Any) -> "_Signs":
        """Of one exponent; an exponent that is not there, of size zero, is negative."""
        doubt = jnp.where(jnp.isneginf(value), 0, 2 * stderr)
        positive = ~drifting & (value - doubt > threshold)
        zero = ~drifting & (jnp.abs(value) + doubt < threshold)
        negative = ~drifting & (value + doubt < -threshold)
        return cls(jnp.any(positive), jnp.any(zero), jnp.all(negative))
