"""The part of an observable that changes sign when time does."""

from jaxtyping import Array, Float

from ._observable import AbstractObservable, Spins


class Antisymmetrised(AbstractObservable):
    """g(x, x') - g(x', x): the part of an observable that an arrow of time can give a mean."""

    observable: AbstractObservable

    antisymmetric = True

    @property
    def spans_single(self) -> bool:
        """Whether the observable does."""
        return self.observable.spans_single

    @property
    def steps(self) -> int:
        """Those of the observable."""
        return self.observable.steps

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

    def restored(self, theta: Float[Array, " d"], n: int) -> tuple[Float[Array, " d"], Float[Array, " n"]]:
        """As the observable restores it."""
        return self.observable.restored(theta, n)


def antisymmetrised(observable: AbstractObservable) -> AbstractObservable:
    """The observable itself where it is antisymmetric, else its antisymmetric part."""
    return observable if observable.antisymmetric else Antisymmetrised(observable)
