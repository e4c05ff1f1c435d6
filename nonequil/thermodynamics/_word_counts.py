"""Irreversibility of counted words."""

import bisect
import dataclasses
from collections.abc import Callable

import jax.numpy as jnp
import numpy as np

from .. import statistics
from .._results import RESULTS, Estimate
from ..data import Transitions
from ._base import AbstractEstimator, unit_of
from ._bound import SCARCE, lower_bound
from ._pairs import Pairs, newest, read_pairs
from ._windows import in_a_row, reweighted, windows


class WordCounts(AbstractEstimator):
    """Plug-in estimate from counts of words and of the same words backwards, its leading bias removed. Unit: nats/pair.

    D_m = sum_w p(w) ln (p(w) / p(w backwards)) over words w of m successive states; the estimate is D_(order + 1) -
    D_order, the rate of a Markov process of that order (order = 1: D of pairs). Plug-in values are biased upwards by
    (1 + (u + 1/u) / 2) / n for each pair of words (w, w backwards), u the ratio of their probabilities; that is
    subtracted, with u from counts plus one (successive words count as independent). The standard error is that of the
    influence ln(n_w / n_w') + 1 - n_w' / n_w, between blocks.

    - `order`: memory of the process; above 1 the pairs must follow one another in time within a block;
    - `pseudocount`: added to both directions of every word that was seen in either. 0 leaves a word that was never seen
      backwards infinite (result `not_finite`); above 0 it biases strong driving downwards;
    - `spins`: reads the spins of a state, `dynamics.spins` where a state is more than spins.

    Kind: lower bound, up to its bias; equal to the entropy production of a population in whole states. `floor` is 2 d /
    n, d the number of unordered pairs of different words. `details`: `plug_in` (bias not subtracted), `bias`, `words`
    (distinct ones), `d`, `n`. If 2 d / n > 1/2 the value is NaN, the result `too_few_transitions`, and
    `details["largest_n_units"]` the number of units, the first ones of a state, that would do: some ten at most.
    Raises ValueError for an order below one, for one above one on pairs that are no recording (shuffled, or
    enumerated), and for spins that are not -1/+1.
    Source: Roldan & Parrondo, PRE 85, 031129 (2012).

    ```python
    nq.thermodynamics.WordCounts(order=1)(transitions)
    ```
    """

    order: int = 1
    pseudocount: float = 0.0
    spins: Callable = newest

    def __check_init__(self) -> None:
        if self.order < 1:
            raise ValueError(f"order = {self.order}: words of at least two states are needed, order = 1 or more")
        if not 0 <= self.pseudocount < np.inf:
            raise ValueError(f"pseudocount = {self.pseudocount} must be finite and not negative")

    def __call__(self, t: Transitions) -> Estimate:
        """The estimate from these transitions."""
        pairs = read_pairs(t, self.spins)
        starts, w = windows(t, self.order), np.zeros(len(t))
        w[starts] = pairs.w[starts]
        n = np.inf if pairs.population else float(w.sum() ** 2 / (w @ w))
        words = self._words(pairs, pairs.n_units)
        longer = _counted(words, w, n, self.pseudocount)
        shorter = _counted(words[:, :-1], w, n, self.pseudocount)
        details = {
            "plug_in": longer.plug_in - shorter.plug_in,
            "bias": longer.bias - shorter.bias,
            "words": longer.words,
            "d": longer.d,
            "n": n,
        }
        floor = 2 * longer.d / n
        if floor > SCARCE:
            found = {"d": longer.d, "n": n, "largest_n_units": self._largest_n_units(pairs, w, n)}
            return lower_bound(np.nan, np.nan, unit_of(t), RESULTS.too_few_transitions, floor, found)
        value = details["plug_in"] - details["bias"]
        result = RESULTS.successful if np.isfinite(value) else RESULTS.not_finite
        if pairs.population:
            return lower_bound(value, 0.0, unit_of(t), result, 0.0, details)
        psi = np.zeros(len(t))
        psi[w > 0] = (longer.psi - shorter.psi)[w > 0]
        _, stderr, n_eff = statistics.block_mean(jnp.asarray(psi), reweighted(t, w))
        return lower_bound(value, stderr, unit_of(t), result, floor, details, n_eff)

    def _words(self, pairs: Pairs, units: int) -> np.ndarray:
        """The word of `order` + 1 states of the first units from each pair on."""
        up = np.concatenate([pairs.x[:, :units], pairs.x_next[:, :units]]) > 0
        states = np.unique(np.packbits(up, 1), axis=0, return_inverse=True)[1]
        now, after = np.split(states.reshape(-1), 2)
        return in_a_row(now, after, np.arange(len(now)), self.order)

    def _largest_n_units(self, pairs: Pairs, w: np.ndarray, n: float) -> int:
        """Number of units whose words are few enough: more units tell more words apart, never fewer."""
        distinct = lambda units: _counted(self._words(pairs, units), w, n, self.pseudocount).d  # noqa: E731
        return bisect.bisect(range(1, pairs.n_units), SCARCE * n / 2, key=distinct)


@dataclasses.dataclass(frozen=True)
class _Counted:
    """Irreversibility of words of one length, its leading bias, the influence of each occurrence, and how many."""

    plug_in: float
    bias: float
    psi: np.ndarray
    words: int
    d: int


def _counted(words: np.ndarray, w: np.ndarray, n: float, pseudocount: float) -> _Counted:
    both = np.concatenate([words, words[:, ::-1]])
    place = np.unique(both, axis=0, return_inverse=True)[1].reshape(-1)
    here, back = place[: len(words)], place[len(words) :]
    reverse = np.zeros(place.max() + 1, int)
    reverse[here], reverse[back] = back, here
    counts = np.bincount(here, w, minlength=len(reverse))
    seen = (counts + counts[reverse]) > 0
    changed = seen & (reverse != np.arange(len(reverse)))
    p = counts + np.where(changed, pseudocount, 0)
    p = p / p.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(p > 0, np.log(p / p[reverse]), 0)
        influence = np.where(p > 0, ratio + 1 - p[reverse] / p, 0)
    plug_in = float(np.sum(np.where(p > 0, p * ratio, 0)))
    occurrences = counts * (n / counts.sum() if np.isfinite(n) else 1)
    u = (occurrences + 1) / (occurrences[reverse] + 1)
    d = int(np.sum(changed)) // 2
    bias = float(np.sum(np.where(changed, 1 + (u + 1 / u) / 2, 0)) / 2 / n)
    psi = influence[here] - plug_in if np.isfinite(plug_in) else np.full(len(here), np.nan)
    return _Counted(plug_in, bias, psi, int(np.sum(counts > 0)), d)
