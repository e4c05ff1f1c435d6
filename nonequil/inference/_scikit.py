"""The fit with the manners of scikit-learn."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key, Shaped

from .. import simulation
from ..data import Transitions
from ..dynamics import Parallel
from ._errors import ERRORS
from ._fit import fit
from ._loss import negative_log_likelihood


class KineticIsing:
    """Kinetic Ising model with the methods of a scikit-learn estimator, over `nq.fit`.

    `fit` takes transitions, or spins -1/+1 of one uninterrupted recording, shape (bins, n). Afterwards `J_` (n, n),
    `H_` (n,), `J_stderr_`, `H_stderr_`, `converged_` and the whole `fit_` can be read.

    ```python
    network = nq.KineticIsing(l2=10.0).fit(spins)
    network.J_, network.score(later_spins)
    ```
    """

    def __init__(self, *, l2: float = 0.0, l1: float = 0.0, mask: Any = None, errors: ERRORS = ERRORS.sandwich):
        self.l2 = l2
        self.l1 = l1
        self.mask = mask
        self.errors = errors

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Constructor arguments by name."""
        return {name: getattr(self, name) for name in ("l2", "l1", "mask", "errors")}

    def set_params(self, **params: Any) -> "KineticIsing":
        """Change constructor arguments. Raises ValueError on a name that is none of them."""
        for name, value in params.items():
            if name not in self.get_params():
                raise ValueError(f"{name} is no parameter of KineticIsing: choose among {list(self.get_params())}")
            setattr(self, name, value)
        return self

    def fit(self, X: Transitions | Shaped[Any, "bins n"], y: Any = None) -> "KineticIsing":
        """Fit to transitions, or to spins of one recording; `y` is ignored. Raises as `nq.fit` does."""
        self.fit_ = fit(_transitions(X), l2=self.l2, l1=self.l1, mask=self.mask, errors=self.errors)
        self.model_, self.converged_ = self.fit_.model, self.fit_.converged
        self.J_, self.H_ = self.fit_.model.J, self.fit_.model.H
        self.J_stderr_, self.H_stderr_ = self.fit_.J_stderr, self.fit_.H_stderr
        self.n_features_in_ = self.fit_.model.n
        return self

    def predict(self, X: Transitions | Shaped[Any, "bins n"]) -> Float[Array, "bins n"]:
        """Probability that each spin is +1 one step after each of these states: `sigmoid(2 h)`."""
        states = jnp.asarray(X.x if isinstance(X, Transitions) else X)
        return jax.nn.sigmoid(2 * jax.vmap(self._fitted().field)(states))

    def score(self, X: Transitions | Shaped[Any, "bins n"], y: Any = None) -> float:
        """Mean log-likelihood per transition (nats, summed over units); larger is better."""
        return -float(negative_log_likelihood(Parallel(self._fitted()), _transitions(X)))

    def simulate(
        self, steps: int, *, key: Key[Array, ""], x0: Shaped[Any, "chains n"] | None = None, **options: Any
    ) -> Any:
        """Run the fitted network: `nq.simulate` from `x0` (default: one chain, all spins -1)."""
        model = self._fitted()
        x0 = -jnp.ones((1, model.n), jnp.int8) if x0 is None else jnp.asarray(x0)
        return simulation.simulate(Parallel(model), x0, steps=steps, key=key, **options)

    def _fitted(self) -> Any:
        if not hasattr(self, "model_"):
            raise ValueError("this KineticIsing is not fitted: call fit(transitions) first")
        return self.model_


def _transitions(X: Transitions | Shaped[Any, "bins n"]) -> Transitions:
    return X if isinstance(X, Transitions) else Transitions(X[:-1], X[1:])
