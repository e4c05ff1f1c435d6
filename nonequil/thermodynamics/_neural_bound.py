"""A lower bound learned by a network."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from .. import statistics
from .._results import RESULTS, Estimate
from ..data import Transitions
from ._base import AbstractEstimator, is_population, unit_of
from ._bound import lower_bound
from ._neural_training import productions, train
from ._windows import paths, reweighted, windows

FEW = 10.0  # effective samples of <exp(-s)> below which it hangs on a few paths


def neural_gain(s: Float[Array, " paths"], w: Float[Array, " paths"]) -> Float[Array, ""]:
    """<s - exp(-s) + 1>: largest, and equal to the entropy production, where s is the log-ratio of the two paths.

    Source: Kim, Bae, Lee & Jeong, PRL 125, 140604 (2020), eq. 4.
    """
    return jnp.sum(w * (s - jnp.expm1(-s)))


def donsker_varadhan_gain(s: Float[Array, " paths"], w: Float[Array, " paths"]) -> Float[Array, ""]:
    """<s> - ln <exp(-s)>: never below `neural_gain`, and less hurt by rare paths of large -s."""
    return jnp.sum(w * s) - jax.nn.logsumexp(-s, b=w)


def _adam() -> Any:
    import optax  # read where it is needed: models and theories answer sooner without

    return optax.adam(1e-3)


class NeuralBound(AbstractEstimator):
    """Lower bound on entropy production that a network learns from paths (NEEP). Unit: nats a pair.

    A network h(path) gives each path the entropy production s = h(path) - h(path backwards); `gain` of s is maximised
    over the network by stochastic ascent on some blocks of the data, the best moment is chosen on others, and its value
    on the rest is the estimate: a lower bound whatever was learned. The standard error is that of the value's influence
    function, between blocks; it does not hold what another training would give.

    - `net(path) -> number`: `PathMLP`, `PathGRU` or any Equinox module; a path has axes (time, ...);
    - `gain`: `neural_gain`, or `donsker_varadhan_gain`;
    - `optimiser`: of optax; `steps`, `batch`: of the ascent; `evaluations`: how often it is judged;
    - `length`: states of a path, 2 for pairs; for longer ones, which see memory, the value is divided by length - 1;
    - `n_folds`: blocks are cut into this many parts: one for the value, one for the choice, the others for training.

    All coordinates are even under time reversal. `details`: `net` (trained), `history` (values at the choice),
    `in_sample`, `production` (s of each path of the value's part) and `starts` (the pairs where these begin). Result
    `no_finite_optimum` where fewer than 10 effective samples carry <exp(-s)>; `not_finite` where training diverged;
    NaN and `too_few_transitions` where the value's part holds no more than 10 paths (`least_n` paths in all would do).
    On an enumerated population all three parts are the population.
    Raises ValueError if there is no path of that length, if pairs are no recording where length is above 2, for fewer
    blocks than folds, and for fewer than three folds.
    Source: Kim, Bae, Lee & Jeong, PRL 125, 140604 (2020).

    ```python
    net = nq.thermodynamics.PathMLP(size=10, key=jax.random.key(0))
    nq.thermodynamics.NeuralBound(net)(transitions, key=jax.random.key(1))
    ```
    """

    net: Any
    gain: Callable = eqx.field(static=True, default=neural_gain)
    optimiser: Any = eqx.field(static=True, default_factory=_adam)
    steps: int = eqx.field(static=True, default=5000)
    batch: int = eqx.field(static=True, default=1024)
    evaluations: int = eqx.field(static=True, default=50)
    length: int = eqx.field(static=True, default=2)
    n_folds: int = eqx.field(static=True, default=5)

    def __check_init__(self) -> None:
        if self.length < 2:
            raise ValueError(f"length = {self.length}: a path has at least two states")
        if self.n_folds < 3:
            raise ValueError(f"n_folds = {self.n_folds}: training, choice and value need a part each")
        if not 0 < self.evaluations <= self.steps:
            raise ValueError(f"evaluations = {self.evaluations} must be between 1 and steps = {self.steps}")

    def __call__(self, t: Transitions, *, key: Key[Array, ""] | None = None) -> Estimate:
        """The estimate from these transitions; `key` (default `jax.random.key(0)`) draws the minibatches."""
        steps = self.length - 1
        starts = windows(t, steps)
        population = is_population(t)
        fold = np.zeros(len(starts), int) if population else np.asarray(statistics.folds(t, self.n_folds))[starts]
        parts = [fold == 0] * 3 if population else [fold > 1, fold == 1, fold == 0]
        path, w = paths(t, starts, steps), np.asarray(statistics.weights(t))[starts]
        if not population and np.sum(w[parts[2]]) ** 2 <= FEW * np.sum(w[parts[2]] ** 2):
            few = {"n": len(starts), "least_n": int(FEW + 1) * self.n_folds}
            return lower_bound(np.nan, np.nan, unit_of(t), RESULTS.too_few_transitions, None, few)
        train_on, judge_on, value_on = (_part(path, w, part) for part in parts)
        key = jax.random.key(0) if key is None else key
        trained = train(
            self.net, train_on, judge_on, self.gain, self.optimiser, key, self.steps, self.batch, self.evaluations
        )
        s = np.asarray(productions(trained.net, value_on[0]), float)
        value, psi, ess = _judged(self.gain, s, np.asarray(value_on[1], float))
        placed = np.zeros((2, len(t)))
        placed[:, starts[parts[2]]] = psi, value_on[1]
        details = {
            "net": trained.net,
            "history": np.asarray(trained.history) / steps,
            "in_sample": float(self.gain(productions(trained.net, train_on[0]), train_on[1])) / steps,
            "production": s,
            "starts": starts[parts[2]],
        }
        mean = statistics.block_mean(jnp.asarray(placed[0]), reweighted(t, placed[1]))
        stderr, n_eff = (0.0, None) if population else mean[1:]
        result = RESULTS.successful if population or ess > FEW else RESULTS.no_finite_optimum
        result = result if np.isfinite(value) else RESULTS.not_finite
        return lower_bound(value / steps, stderr / steps, unit_of(t), result, None, details, n_eff)


def _part(path: Any, w: np.ndarray, part: np.ndarray) -> tuple[Any, Array]:
    """The paths of a part, and their weights, which sum to one."""
    return jax.tree.map(lambda leaf: jnp.asarray(leaf[part]), path), jnp.asarray(w[part] / w[part].sum(), float)


def _judged(gain: Callable, s: np.ndarray, w: np.ndarray) -> tuple[float, np.ndarray, float]:
    """The gain, the influence of each path on it (mean zero), and the effective number of samples of exp(-s)."""
    value, slope = jax.value_and_grad(gain, argnums=1)(jnp.asarray(s), jnp.asarray(w))
    tilted = w * np.exp(-(s - np.min(s)))
    ess = float(np.sum(tilted) ** 2 / np.sum(tilted**2))
    return float(value), np.asarray(slope - jnp.sum(jnp.asarray(w) * slope)), ess
