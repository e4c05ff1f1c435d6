"""Observables of states several steps apart."""

import functools
from collections.abc import Iterator
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Shaped

from ._cross import Cross
from ._function import as_observable
from ._observable import AbstractObservable, Spins
from ._windows import whole

Instants = Shaped[Array, "pairs n"]


class Lagged(AbstractObservable):
    """An observable of states `lag` steps apart, summed along a path: G(path) = sum_t g(x_t, x_(t + lag)).

    A path has `steps` + 1 states x_0, ..., x_steps, t runs from 0 to steps - lag; the reversed path is x_steps, ...,
    x_0. With the default g = `Cross()` it is G_ij = sum_t x_(t+lag),i x_t,j - x_t,i x_(t+lag),j: what spins several
    steps apart tell of the arrow of time, which steps taken alone do not. d is that of g; no unit.

    - `lag`: steps between the two states, one or more;
    - `observable`: any observable of a pair, or a function g(x, x_next). `Cross() + Single()` does not depend on the
      coding of the spins, and keeps products of sparse spikes sparse;
    - `path_steps`: steps of a path, `lag` (the default) or more. In a sum all parts read the longest paths, a plain
      `Cross()` as `Lagged(1, Cross(), steps)`.

    `MaxEntBound`, `OneStepNewton`, `ThermodynamicUncertainty` and `QuadraticBound` then bound KL(paths || reversed
    paths) of `steps` + 1 states, and give it divided by `steps`: nats a step. In the steady state KL is at most steps *
    Sigma, and equal to it where the spins themselves are Markov, so that the value never passes Sigma, and lags add
    nothing to a set that sees all of single steps. It is not the difference of successive KL that `WordCounts` takes,
    which lies closer to Sigma but is not bounded by bounds on its two parts. Longer paths that see nothing new may give
    less: compare sets on the same paths, with `hierarchy`. `n` counts paths; `floor`, 2 d / n, stays undivided, as
    paths that overlap share their noise; `u` of `QuadraticBound` is that of a path.

    Paths are read off pairs that follow one another within a block. Raises ValueError if there is none, if the pairs
    are no recording (shuffled, or enumerated), for a lag below one and for `path_steps` below it.
    Source: Aguilera, Ito & Kolchinsky, PRL 136, 077101 (2026), for paths; Roldan & Parrondo, PRE 85, 031129 (2012).

    ```python
    pairs = nq.thermodynamics.Cross() + nq.thermodynamics.Single()
    nq.thermodynamics.MaxEntBound(pairs + nq.thermodynamics.Lagged(2))(recording.bin(0.02).transitions())
    ```
    """

    lag: int = eqx.field(static=True)
    observable: AbstractObservable = eqx.field(converter=as_observable, default_factory=Cross)
    path_steps: int | None = eqx.field(static=True, default=None)

    def __check_init__(self) -> None:
        if self.lag < 1:
            raise ValueError(f"lag = {self.lag}: states one step apart or more are needed")
        if self.steps < self.lag:
            raise ValueError(f"path_steps = {self.path_steps} is below lag = {self.lag}: a path must hold both states")
        if self.observable.steps > 1:
            raise ValueError(f"observable reads {self.observable.steps} steps: give one of a pair, such as Cross()")

    @property
    def steps(self) -> int:
        """Number of steps of a path."""
        return self.lag if self.path_steps is None else self.path_steps

    @property
    def antisymmetric(self) -> bool:
        """Whether g is."""
        return self.observable.antisymmetric

    @property
    def spans_single(self) -> bool:
        """Whether g does, at this lag."""
        return self.observable.spans_single

    def features(self, x: Spins, x_next: Spins) -> Float[Array, "paths d"]:
        """G of each path."""
        return jnp.sum(jnp.stack([self.observable.features(*pair) for pair in self._pairs(x, x_next)]), axis=0)

    def project(self, theta: Float[Array, " d"], x: Spins, x_next: Spins) -> Float[Array, " paths"]:
        """Theta . G of each path."""
        return jnp.sum(jnp.stack([self.observable.project(theta, *pair) for pair in self._pairs(x, x_next)]), axis=0)

    def pull(self, w: Float[Array, " paths"], x: Spins, x_next: Spins) -> Float[Array, " d"]:
        """Weighted sum of G over the paths."""
        return jnp.sum(jnp.stack([self.observable.pull(w, *pair) for pair in self._pairs(x, x_next)]), axis=0)

    def centred(self, centre: Float[Array, " n"]) -> "Lagged":
        """Products about `centre` where the single-unit terms of this lag are in the set; else the set as it is."""
        g = self.observable.centred(centre) if self.spans_single else self.observable
        return Lagged(self.lag, g, self.steps)

    def restored(self, theta: Float[Array, " d"], n: int) -> tuple[Float[Array, " d"], Float[Array, " n"]]:
        """As g restores it, where `centred` moved it."""
        return self.observable.restored(theta, n) if self.spans_single else (theta, jnp.zeros(n, theta.dtype))

    def _pairs(self, x: Spins, x_next: Spins) -> Iterator[tuple[Instants, Instants]]:
        path = whole(x, x_next, self.steps)
        return ((path[:, t], path[:, t + self.lag]) for t in range(self.steps + 1 - self.lag))


@functools.singledispatch
def along(observable: Any, steps: int) -> Any:
    """The same set, summed along paths of `steps` steps: `Lagged`, or a sum of such, for more than one."""
    return observable if steps == 1 else Lagged(1, observable, steps)


@along.register
def _(observable: Lagged, steps: int) -> Lagged:
    return Lagged(observable.lag, observable.observable, steps)
