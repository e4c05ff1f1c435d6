"""Observables of a pair of spin states: what a bound on entropy production looks at."""

import abc
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Shaped

Spins = Shaped[Array, "pairs n"]


class AbstractObservable(eqx.Module):
    """A vector g(x, x') of a transition, evaluated for a chunk of pairs (leading axis) of -1/+1 spins.

    A subclass says how to list g, to project on it and to sum it. `project` and `pull` are what iterations use: a set
    with structure does them by matrix products and never lists g.
    """

    @property
    @abc.abstractmethod
    def antisymmetric(self) -> bool:
        """Whether g(x', x) = -g(x, x') for every pair."""

    @property
    @abc.abstractmethod
    def spans_single(self) -> bool:
        """Whether every x'_i - x_i is in the span, so that products may be taken about any centre."""

    @abc.abstractmethod
    def features(self, x: Spins, x_next: Spins) -> Float[Array, "pairs d"]:
        """G of each pair."""

    @abc.abstractmethod
    def project(self, theta: Float[Array, " d"], x: Spins, x_next: Spins) -> Float[Array, " pairs"]:
        """Theta . g of each pair."""

    @abc.abstractmethod
    def pull(self, w: Float[Array, " pairs"], x: Spins, x_next: Spins) -> Float[Array, " d"]:
        """Weighted sum of g over the pairs: the transpose of `project`."""

    @abc.abstractmethod
    def centred(self, centre: Float[Array, " n"]) -> "AbstractObservable":
        """The same set with products of spins taken about `centre`, up to single-unit terms x'_i - x_i."""

    @abc.abstractmethod
    def restored(self, theta: Float[Array, " d"]) -> tuple[Float[Array, " d"], Any]:
        """Coefficients about centre zero of what `theta` means about the centre, and those it adds to x'_i - x_i."""

    def size(self, n: int) -> int:
        """Number d of observables of n spins."""
        pair = jax.ShapeDtypeStruct((1, n), jnp.int8)
        return jax.eval_shape(self.features, pair, pair).shape[-1]

    def __add__(self, other: Any) -> "Observables":
        """Both sets together."""
        return Observables((self, other))


class Cross(AbstractObservable):
    """Products of two spins at successive times, antisymmetrised: g_ij = x'_i x_j - x_i x'_j for i < j.

    d = n (n - 1) / 2, row by row; no unit. `centre` (n,), where given, replaces x_i by (x_i - c_i) / (1 + |c_i|): with
    c = -1 these are products of 0/1 spikes. That spans another set unless `Single` is added: `Cross() + Single()` does
    not depend on the coding of the spins.
    Source: Aguilera, Ito & Kolchinsky, PRL 136, 077101 (2026); Lynn et al., PRL 129, 118101 (2022).
    """

    centre: Float[Array, " n"] | None = None

    antisymmetric = True
    spans_single = False

    def features(self, x: Spins, x_next: Spins) -> Float[Array, "pairs d"]:
        """G of each pair."""
        before, after = self._about_centre(x), self._about_centre(x_next)
        i, j = _upper(x.shape[-1])
        return after[:, i] * before[:, j] - before[:, i] * after[:, j]

    def project(self, theta: Float[Array, " d"], x: Spins, x_next: Spins) -> Float[Array, " pairs"]:
        """x'^T A x with the antisymmetric matrix A that `theta` fills."""
        before, after = self._about_centre(x), self._about_centre(x_next)
        return jnp.sum((after @ _antisymmetric(theta, x.shape[-1])) * before, axis=-1)

    def pull(self, w: Float[Array, " pairs"], x: Spins, x_next: Spins) -> Float[Array, " d"]:
        """Upper triangle of M - M^T, M = sum_k w_k x'_k x_k^T."""
        before, after = self._about_centre(x), self._about_centre(x_next)
        M = (after * w[:, None]).T @ before
        return (M - M.T)[_upper(x.shape[-1])]

    def centred(self, centre: Float[Array, " n"]) -> "Cross":
        """Products about `centre`."""
        return Cross(centre)

    def restored(self, theta: Float[Array, " d"]) -> tuple[Float[Array, " d"], Any]:
        """(x'_i - c_i)(x_j - c_j) - (x_i - c_i)(x'_j - c_j) = g_ij - c_j (x'_i - x_i) + c_i (x'_j - x_j)."""
        if self.centre is None:
            return theta, 0.0
        i, j = _upper(self.centre.shape[0])
        scale = 1 + jnp.abs(self.centre)
        theta = theta / (scale[i] * scale[j])
        return theta, -_antisymmetric(theta, self.centre.shape[0]) @ self.centre

    def _about_centre(self, x: Spins) -> Float[Array, "pairs n"]:
        x = jnp.asarray(x).astype(jnp.result_type(float))
        return x if self.centre is None else (x - self.centre) / (1 + jnp.abs(self.centre))


class Single(AbstractObservable):
    """Change of each spin: g_i = x'_i - x_i. d = n; no unit.

    Its mean vanishes in the steady state; it tightens a bound because it models log p(x) - log p(x').
    Source: Aguilera, Ito & Kolchinsky, PRL 136, 077101 (2026).
    """

    antisymmetric = True
    spans_single = True

    def features(self, x: Spins, x_next: Spins) -> Float[Array, "pairs d"]:
        """G of each pair."""
        dtype = jnp.result_type(float)
        return jnp.asarray(x_next).astype(dtype) - jnp.asarray(x).astype(dtype)

    def project(self, theta: Float[Array, " d"], x: Spins, x_next: Spins) -> Float[Array, " pairs"]:
        """Theta . (x' - x)."""
        return self.features(x, x_next) @ theta

    def pull(self, w: Float[Array, " pairs"], x: Spins, x_next: Spins) -> Float[Array, " d"]:
        """sum_k w_k (x'_k - x_k)."""
        return w @ self.features(x, x_next)

    def centred(self, centre: Float[Array, " n"]) -> "Single":
        """A difference does not depend on the centre."""
        return self

    def restored(self, theta: Float[Array, " d"]) -> tuple[Float[Array, " d"], Any]:
        """A difference does not depend on the centre."""
        return theta, 0.0


class Function(AbstractObservable):
    """Any function of one pair, `g(x, x_next) -> vector`, of -1/+1 spins of shape (n,), antisymmetric or not.

    Estimators take a bare function and wrap it themselves. It is vmapped chunk by chunk; a scalar counts as d = 1.

    ```python
    def spikes(x, x_next):                                          # products of 0/1 spikes
        y, y_next = (x + 1) / 2, (x_next + 1) / 2
        return (jnp.outer(y_next, y) - jnp.outer(y, y_next))[jnp.triu_indices(x.size, 1)]

    nq.thermodynamics.QuadraticBound(spikes)(transitions)
    ```
    """

    function: Callable = eqx.field(static=True)

    antisymmetric = False  # unknown, so the reversed pair is evaluated too
    spans_single = False

    def features(self, x: Spins, x_next: Spins) -> Float[Array, "pairs d"]:
        """G of each pair."""
        dtype = jnp.result_type(float)
        value = jax.vmap(self.function)(jnp.asarray(x).astype(dtype), jnp.asarray(x_next).astype(dtype))
        return jnp.reshape(value, (x.shape[0], -1)).astype(dtype)

    def project(self, theta: Float[Array, " d"], x: Spins, x_next: Spins) -> Float[Array, " pairs"]:
        """Theta . g of each pair."""
        return self.features(x, x_next) @ theta

    def pull(self, w: Float[Array, " pairs"], x: Spins, x_next: Spins) -> Float[Array, " d"]:
        """Weighted sum of g."""
        return w @ self.features(x, x_next)

    def centred(self, centre: Float[Array, " n"]) -> "Function":
        """A function is taken as it is."""
        return self

    def restored(self, theta: Float[Array, " d"]) -> tuple[Float[Array, " d"], Any]:
        """A function is taken as it is."""
        return theta, 0.0


def as_observable(observable: Any) -> AbstractObservable:
    """The observable itself, or a function of a pair made one. Raises ValueError for anything else."""
    if isinstance(observable, AbstractObservable):
        return observable
    if callable(observable):
        return Function(observable)
    raise ValueError(f"observable = {observable!r}: pass Cross(), Single(), a sum of them or a function g(x, x_next)")


def _flattened(parts: Any) -> tuple[AbstractObservable, ...]:
    observables = [as_observable(part) for part in parts]
    return tuple(p for o in observables for p in (o.parts if isinstance(o, Observables) else (o,)))


class Observables(AbstractObservable):
    """Several sets of observables, one after the other: `Cross() + Single()` is `Observables((Cross(), Single()))`."""

    parts: tuple[AbstractObservable, ...] = eqx.field(converter=_flattened)

    @property
    def antisymmetric(self) -> bool:  # type: ignore[override]
        """Whether every part is."""
        return all(part.antisymmetric for part in self.parts)

    @property
    def spans_single(self) -> bool:  # type: ignore[override]
        """Whether some part does."""
        return any(part.spans_single for part in self.parts)

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

    def restored(self, theta: Float[Array, " d"]) -> tuple[Float[Array, " d"], Any]:
        """Coefficients about centre zero, single-unit terms gathered in the first part that spans them."""
        n = next((p.centre.shape[0] for p in self.parts if isinstance(p, Cross) and p.centre is not None), None)
        if n is None:
            return theta, 0.0
        pieces, added = zip(
            *(p.restored(piece) for p, piece in zip(self.parts, self._split(theta, n), strict=True)), strict=True
        )
        first = [p.spans_single for p in self.parts].index(True)
        moved = [piece + sum(added) if k == first else piece for k, piece in enumerate(pieces)]
        return jnp.concatenate(moved), 0.0

    def _split(self, theta: Float[Array, " d"], n: int) -> list[Float[Array, "..."]]:
        ends = [sum(part.size(n) for part in self.parts[:k]) for k in range(1, len(self.parts))]
        return jnp.split(theta, ends)


class Antisymmetrised(AbstractObservable):
    """g(x, x') - g(x', x): the part of an observable that an arrow of time can give a mean."""

    observable: AbstractObservable

    antisymmetric = True

    @property
    def spans_single(self) -> bool:  # type: ignore[override]
        """Whether the observable does."""
        return self.observable.spans_single

    def features(self, x: Spins, x_next: Spins) -> Float[Array, "pairs d"]:
        """G forwards minus g backwards."""
        return self.observable.features(x, x_next) - self.observable.features(x_next, x)

    def project(self, theta: Float[Array, " d"], x: Spins, x_next: Spins) -> Float[Array, " pairs"]:
        """Theta . g forwards minus backwards."""
        return self.observable.project(theta, x, x_next) - self.observable.project(theta, x_next, x)

    def pull(self, w: Float[Array, " pairs"], x: Spins, x_next: Spins) -> Float[Array, " d"]:
        """Weighted sum of both."""
        return self.observable.pull(w, x, x_next) - self.observable.pull(w, x_next, x)

    def centred(self, centre: Float[Array, " n"]) -> "Antisymmetrised":
        """The observable about the centre."""
        return Antisymmetrised(self.observable.centred(centre))

    def restored(self, theta: Float[Array, " d"]) -> tuple[Float[Array, " d"], Any]:
        """As the observable restores it."""
        return self.observable.restored(theta)


def _upper(n: int) -> tuple[Array, Array]:
    return jnp.triu_indices(n, 1)


def _antisymmetric(theta: Float[Array, " d"], n: int) -> Float[Array, "n n"]:
    upper = jnp.zeros((n, n), theta.dtype).at[_upper(n)].set(theta)
    return upper - upper.T
