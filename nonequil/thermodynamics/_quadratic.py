"""The cross-fitted quadratic estimate and its bound."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.random as jr
import numpy as np
from jaxtyping import Array, Key

from .. import statistics
from .._results import RESULTS, Estimate, Unit
from ..data import Transitions
from ._antisymmetrised import antisymmetrised
from ._base import AbstractEstimator, unit_of
from ._bound import floor_of, is_scarce, lower_bound, too_few
from ._cross import Cross
from ._design import design
from ._function import as_observable
from ._inverse import LISTED, gram_by_conjugate_gradients, gram_by_eigenvalues
from ._lagged_paths import on_paths
from ._observable import AbstractObservable
from ._pairs import Pairs, newest, read_pairs, with_centre
from ._single import Single
from ._surrogates import flipped_sums, resampled_sums, reversal_p_value


class QuadraticBound(AbstractEstimator):
    """Lower bound ln(1 + U) on the entropy production of pairs, cross-fitted over blocks. Unit: nats a pair.

    U = 2 sum_{b != c} S_b^T K^+ S_c / sum_{b != c} n_b n_c,  S_b the sum of observables g over block b of n_b pairs, K
    their covariance over all pairs (pseudo-inverse after scaling to unit diagonal). U estimates 2 <g>^T K^+ <g>
    without its bias 2 d / n; it is no bound, ln(1 + U) is. Blocks are trials where they are declared, else 200
    contiguous ones. The standard error is that of a bootstrap over blocks, u_stderr / (1 + U). On a whole population U
    is 2 <g>^T K^+ <g>.

    - `observable`: `Cross() + Single()`, any sum of observables, or a function g(x, x_next) of a pair of -1/+1 spins
      (its antisymmetric part is used);
    - `spins`: reads the spins of a state, `dynamics.spins` where a state is more than spins;
    - `draws`, `resamples`: number of sign flips of the null and of bootstrap samples;
    - `listed`: number d of observables above which K is applied (conjugate gradients), never formed.

    `floor` is 2 d / n. `details`: `u`, `u_stderr`, `null` with `null_mean` and `null_spread` (whole blocks reversed at
    random), `p_value` (of the same draws, exact: through second moments in place of K, which no reversal changes),
    `rank` of K (-1 where it is not formed), `d`, `n`, `n_blocks`. If 2 d / n > 1/2 the value is NaN, the result
    `too_few_transitions`, and `details["largest_n_units"]` the number of units that would do. The value is infinite
    (NaN on data), the result `not_finite`, if some combination of observables has a mean but no variance.

    Raises ValueError for spins that are not -1/+1 and for fewer than two blocks.
    Source: Hasegawa & Van Vu, PRL 123, 110602 (2019), eq. 8 for the bound ln(1 + U), in many dimensions as in Aguilera,
    Ito & Kolchinsky, PRL 136, 077101 (2026).

    ```python
    estimate = nq.thermodynamics.QuadraticBound()(recording.bin(0.02).transitions())
    estimate.value, estimate.stderr, estimate.details["u"]
    ```
    """

    observable: AbstractObservable = eqx.field(converter=as_observable, default_factory=lambda: Cross() + Single())
    spins: Callable = newest
    draws: int = 200
    resamples: int = 1000
    listed: int = LISTED

    def __call__(self, t: Transitions, *, key: Key[Array, ""] | None = None) -> Estimate:
        """The estimate from these transitions; `key` (default `jax.random.key(0)`) draws flips and resamples."""
        return on_paths(lambda e, t: e._from_pairs(t, jr.key(0) if key is None else key), self, t)

    def _from_pairs(self, t: Transitions, key: Key[Array, ""]) -> Estimate:
        pairs = read_pairs(t, self.spins)
        g = antisymmetrised(self.observable)
        if is_scarce(g, pairs):
            return too_few(g, pairs, unit_of(t))
        with jax.enable_x64(True):
            gram, rank, result = block_gram(g, pairs, self.listed)
        if pairs.population:
            return _population(2 * float(gram[0, 0]), g, pairs, rank, unit_of(t), result)
        return self._sampled(gram, g, pairs, rank, unit_of(t), result, key)

    def _sampled(
        self, gram: np.ndarray, g: Any, pairs: Pairs, rank: int, unit: Unit, result: RESULTS, key: Key[Array, ""]
    ) -> Estimate:
        flips, draws = jr.split(key)
        n_b = pairs.block_weights
        everything = np.ones((1, len(n_b)))
        u = float(resampled_sums(gram, n_b, everything)[0])
        drawn = np.asarray(statistics.multiplicities(len(n_b), key=draws, draws=self.resamples), float)
        u_stderr = np.std(resampled_sums(gram, n_b, drawn), ddof=1)
        signs = np.asarray(jr.rademacher(flips, (self.draws, len(n_b)), np.int8), float)
        null = flipped_sums(gram, n_b, signs)
        details = {
            "u": u,
            "u_stderr": float(u_stderr),
            "null": null,
            "null_mean": float(np.mean(null)),
            "null_spread": float(np.std(null, ddof=1)),
            "p_value": reversal_p_value(gram, n_b, signs),
            "n_blocks": len(n_b),
            **sizes(g, pairs, rank),
        }
        return lower_bound(np.log1p(u), u_stderr / (1 + u), unit, result, floor_of(g, pairs), details)


def block_gram(g: AbstractObservable, pairs: Pairs, listed: int) -> tuple[np.ndarray, int, RESULTS]:
    """`S_b^T K^+ S_c` of all blocks (of the mean, for a population), the rank of K or -1, and how it went."""
    G = design(with_centre(g, pairs), pairs)
    w = pairs.w / pairs.w.sum()
    mean = G.pull(w[:, None])[:, 0]
    sums = mean[None] if pairs.population else G.block_sums(pairs.w, pairs.block)
    if G.size > listed:
        gram, _, converged = gram_by_conjugate_gradients(G, w, mean, sums)
        return gram, -1, RESULTS.successful if converged else RESULTS.max_steps_reached
    K = G.second_moment(pairs.w) / pairs.w.sum() - np.outer(mean, mean)
    gram, rank, inside = gram_by_eigenvalues(K, mean, sums)
    return (gram, rank, RESULTS.successful) if inside else (np.full_like(gram, np.inf), rank, RESULTS.not_finite)


def sizes(g: AbstractObservable, pairs: Pairs, rank: int) -> dict[str, Any]:
    """Number of observables, of pairs, and the rank of their covariance."""
    return {"rank": rank, "d": g.size(pairs.n_units), "n": pairs.n}


def _population(u: float, g: AbstractObservable, pairs: Pairs, rank: int, unit: Unit, result: RESULTS) -> Estimate:
    details = {"u": u, "u_stderr": 0.0, **sizes(g, pairs, rank)}
    return lower_bound(np.log1p(u), 0.0, unit, result, 0.0, details)
