"""Sums of observables."""

from itertools import accumulate, groupby
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from ._function import as_observable
from ._lagged import Lagged, along
from ._observable import AbstractObservable, Spins


def _together(parts: Any) -> tuple[AbstractObservable, ...]:
    """The parts, none of them a sum; on paths all read the longest, and neighbours of one lag are taken together."""
    observables = [as_observable(part) for part in parts]
    flat = [p for o in observables for p in (o.parts if isinstance(o, Observables) else (o,))]
    steps = max((part.steps for part in flat), default=1)
    if steps == 1:
        return tuple(flat)
    by_lag = groupby((along(part, steps) for part in flat), lambda part: part.lag)
    return tuple(Lagged(lag, _sum([part.observable for part in some]), steps) for lag, some in by_lag)


def _sum(parts: list[AbstractObservable]) -> AbstractObservable:
    return parts[0] if len(parts) == 1 else Observables(tuple(parts))


class Observables(AbstractObservable):
    """Several sets of observables, one after the other: `Cross() + Single()` is `Observables((Cross(), Single()))`.

    d is the sum of their sizes. Raises ValueError for a part that is neither an observable nor a function of a pair.
    """

    parts: tuple[AbstractObservable, ...] = eqx.field(converter=_together)

    @property
    def antisymmetric(self) -> bool:
        """Whether every part is."""
        return all(part.antisymmetric for part in self.parts)

    @property
    def spans_single(self) -> bool:
        """Whether some part does."""
        return any(part.spans_single for part in self.parts)

    @property
    def steps(self) -> int:
        """That of every part."""
        return max(part.steps for part in self.parts)

    def features(self, x: Spins, x_next: Spins) -> Float[Array, "pairs d"]:
        """G of each pair, part by part."""
        return jnp.concatenate([part.features(x, x_next) for part in self.parts], axis=-1)

    def project(self, theta: Float[Array, " d"], x: Spins, x_next: Spins) -> Float[Array, " pairs"]:
        """Theta . g, summed over the parts."""
        pieces = zip(self.parts, self._split(theta, x.shape[-1]), strict=True)
        return sum((part.project(piece, x, x_next) for part, piece in pieces), jnp.zeros(x.shape[0]))

    def pull(self, w: Float[Array, " pairs"], x: Spins, x_next: Spins) -> Float[Array, " d"]:
        """Weighted sums of all parts."""
        return jnp.concatenate([part.pull(w, x, x_next) for part in self.parts])

    def centred(self, centre: Float[Array, " n"]) -> "Observables":
        """Products about `centre` where single-unit terms are in the set; else the set as it is."""
        return Observables(tuple(p.centred(centre) for p in self.parts)) if self.spans_single else self

    def restored(self, theta: Float[Array, " d"], n: int) -> tuple[Float[Array, " d"], Float[Array, " n"]]:
        """Coefficients about centre zero, those of single-unit terms gathered in the first part that holds them."""
        pairs = zip(self.parts, self._split(theta, n), strict=True)
        pieces, singles = zip(*(part.restored(piece, n) for part, piece in pairs), strict=True)
        added = sum(singles[1:], singles[0])
        alone = [k for k, part in enumerate(self.parts) if part.spans_single and part.size(n) == n]
        if not alone:  # parts that hold products and single-unit terms of their own lag have none to give away
            return jnp.concatenate(pieces), added
        moved = [piece + added if k == alone[0] else piece for k, piece in enumerate(pieces)]
        return jnp.concatenate(moved), jnp.zeros_like(added)

    def _split(self, theta: Float[Array, " d"], n: int) -> list[Float[Array, "..."]]:
        return jnp.split(theta, list(accumulate(part.size(n) for part in self.parts))[:-1])


@along.register
def _(observable: Observables, steps: int) -> Observables:
    return Observables(tuple(along(part, steps) for part in observable.parts))
