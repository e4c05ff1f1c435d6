"""Likelihood on blocks that were left out, and penalties chosen by it."""

import math
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from .. import statistics
from .._results import RESULTS
from ..data import Transitions
from ._fit import check_penalties, posed
from ._halves import Part, without
from ._identify import CERTAIN
from ._newton import maximise
from ._passes import device, pair_log_likelihood
from ._read import read
from ._rows import Rows

TOLERANCE = 1e-7  # gradient per transition of a fit that is only scored
GRID = 10.0 ** np.arange(4, -1.25, -0.5)


class CrossValidation(eqx.Module):
    """How well a fit predicts blocks it has not seen.

    `log_likelihood` and `log_likelihood_constant_rate` per transition (nats, summed over neurons), the latter of
    neurons with the constant rates of the same training folds; `bits_per_spike` = their difference over the number of
    spikes times ln 2, a spike being a +1 among later spins. `stderr`, `bits_stderr`: between blocks. `converged`:
    whether every neuron of every fold did.
    """

    log_likelihood: Float[Array, ""]
    stderr: Float[Array, ""]
    log_likelihood_constant_rate: Float[Array, ""]
    bits_per_spike: Float[Array, ""]
    bits_stderr: Float[Array, ""]
    converged: Bool[Array, ""]

    @property
    def result(self) -> RESULTS:
        """`successful` if every fold converged."""
        return RESULTS.where(self.converged, RESULTS.successful, RESULTS.max_steps_reached)


class Choice(eqx.Module):
    """The penalty `l2` of largest held-out likelihood, with the table it was chosen from (one row a tried value).

    `at_edge` tells that the best value is the largest or smallest tried.
    """

    l2: float
    tried: Float[Array, " tried"]
    log_likelihood: Float[Array, " tried"]
    stderr: Float[Array, " tried"]
    bits_per_spike: Float[Array, " tried"]
    at_edge: bool


def cross_validate(
    transitions: Transitions, *, l2: float = 0.0, l1: float = 0.0, folds: int = 5, mask: Any = None
) -> CrossValidation:
    """Held-out log-likelihood and bits per spike of the fit with these penalties, over folds made of whole blocks.

    Blocks are the declared ones, else 200 contiguous stretches, dealt to the folds. Raises as `fit` does, and if there
    are fewer blocks than folds.
    """
    check_penalties(l2, l1)
    rows = read(transitions)
    problem = posed(rows, mask, None, l2, l1)
    start = maximise(problem, None, TOLERANCE, 100).theta
    return _Folds(transitions, rows, mask, folds, start).score(l2, l1)


def choose_l2(
    transitions: Transitions, grid: Any = None, *, folds: int = 5, l1: float = 0.0, mask: Any = None
) -> Choice:
    """The l2 penalty whose fits predict held-out blocks best, from a grid (default 0.1 to 10^4, half a decade apart).

    `1 / l2` is the variance of a Gaussian prior on each coupling. Raises as `cross_validate` does, and if a penalty
    of the grid is negative or not finite.
    """
    tried = np.sort(np.asarray(GRID if grid is None else grid, dtype=float))[::-1]
    for value in tried:
        check_penalties(float(value), l1)
    rows = read(transitions)
    problem = posed(rows, mask, None, float(tried[0]), l1)
    start = maximise(problem, None, TOLERANCE, 100).theta
    parts = _Folds(transitions, rows, mask, folds, start)
    scores = [parts.score(float(value), l1) for value in tried]
    best = int(np.argmax([float(s.log_likelihood) for s in scores]))
    edge = len(tried) > 1 and best in (0, len(tried) - 1)
    return Choice(
        l2=float(tried[best]),
        tried=device(tried),
        log_likelihood=jnp.stack([score.log_likelihood for score in scores]),
        stderr=jnp.stack([score.stderr for score in scores]),
        bits_per_spike=jnp.stack([score.bits_per_spike for score in scores]),
        at_edge=edge,
    )


class _Folds:
    """The folds of one list of transitions, kept warm between penalties."""

    def __init__(self, t: Transitions, rows: Rows, mask: Any, folds: int, start: np.ndarray):
        if folds < 2:
            raise ValueError(f"folds = {folds} must be at least 2: one to score, the others to fit")
        self.fold = np.asarray(statistics.folds(t, folds))
        self.block = np.asarray(statistics.blocks(t))
        self.weight, self.spikes = rows.pair_weight, rows.pair_weight * (rows.pairs().a > 0).sum(axis=1)
        self.places = [np.flatnonzero(self.fold == k) for k in range(folds)]
        self.held_out = [rows.pairs(at) for at in self.places]
        self.parts: list[Part] = without(rows, self.fold, None if mask is None else np.asarray(mask), start)
        self.constant = self._score([_constant_rates(part.rows) for part in self.parts])

    def _score(self, thetas: list[np.ndarray]) -> np.ndarray:
        """Weighted log-likelihood of each pair under the parameters of the fold that left it out."""
        value = np.zeros(len(self.fold))
        for at, pairs, theta in zip(self.places, self.held_out, thetas, strict=True):
            value[at] = pair_log_likelihood(theta, pairs)
        return value

    def score(self, l2: float, l1: float) -> CrossValidation:
        """Held-out values of the fits with these penalties."""
        solved = [part.solve(l2, l1, TOLERANCE)[1] for part in self.parts]
        value = self._score([solution.theta for solution in solved])
        mean, stderr = self._ratio(value, self.weight)
        gain, gain_stderr = self._ratio(value - self.constant, self.spikes * math.log(2))
        numbers = (mean, stderr, self.constant.sum() / self.weight.sum(), gain, gain_stderr)
        converged = all((solution.residual <= TOLERANCE).all() for solution in solved)
        return CrossValidation(*(device(number) for number in numbers), converged=jnp.asarray(converged))

    def _ratio(self, above: np.ndarray, below: np.ndarray) -> tuple[float, float]:
        """Ratio of two sums over pairs and its standard error between blocks, linearised."""
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = above.sum() / below.sum()
            sums = np.bincount(self.block, above - ratio * below)
            return ratio, np.sqrt(len(sums) / (len(sums) - 1) * (sums**2).sum()) / below.sum()


def _constant_rates(rows: Rows) -> np.ndarray:
    """Parameters (n, 1 + n) of neurons that fire at their mean rate; one that never changes gets log-odds of 14."""
    theta = np.zeros((rows.n, 1 + rows.n))
    mean = rows.w @ rows.a / rows.weight
    with np.errstate(divide="ignore"):
        theta[:, 0] = np.clip(np.arctanh(np.clip(mean, -1, 1)), -CERTAIN, CERTAIN)
    return theta
