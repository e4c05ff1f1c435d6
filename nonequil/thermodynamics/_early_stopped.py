"""Coefficients on the way up, where held-out pairs say that the rest of the way is noise."""

import numpy as np

from ._cross_fit import FEW_HELD_OUT, Views, judged
from ._fit import AbstractFit, Fitted
from ._tilt import Optimum, Problem, line_search, log_mean_exp, optimum, spreads, tilted, value_and_slope

SHORT = 0.1  # length of the first step, as a share of the one that gains most along the gradient
ENOUGH = 3 * FEW_HELD_OUT  # effective number of tilted samples that a step must leave, so that other pairs can judge it
GROWTH = 2.0  # of a step over the one before, at most
MOST = 1000  # number of steps


class EarlyStopped(AbstractFit):
    """Coefficients on a path of gradient ascent from zero, where the value on validation pairs is largest.

    Every fold is judged by coefficients that two other sets of pairs made: the next fold picks the step, the remaining
    ones drive the ascent, so that the fold itself chose nothing. Ascent in units of each observable's spread, with
    steps of Barzilai & Borwein that are small at first, at most double, and are halved until they gain.

    - `patience`: number of steps without a better value on the validation pairs after which the ascent stops.

    A value on validation pairs above ln n, or that hangs on fewer than 30 effective samples, is no better value.
    `theta` in `details` is the mean over the folds' paths, `in_sample` its F, `gradient_max` the slope left there;
    `fold_steps` the step picked for each fold (0: the start, theta = 0). Raises ValueError for a population, which has
    no pairs to stop by, for fewer than three folds, and for a `patience` below one.
    Source: Aguilera, Ito & Kolchinsky, PRL 136, 077101 (2026), for the bound; Barzilai & Borwein, IMA J. Numer. Anal.
    8, 141 (1988), for the step; Yao, Rosasco & Caponnetto, Constr. Approx. 26, 289 (2007), for what stopping does.

    ```python
    nq.thermodynamics.MaxEntBound(fit=nq.thermodynamics.EarlyStopped())(transitions)
    ```
    """

    patience: int = 10

    def __check_init__(self) -> None:
        if self.patience < 1:
            raise ValueError(f"patience = {self.patience}: pass the number of steps to wait, at least 1")

    def of_sample(self, views: Views, fold: np.ndarray) -> Fitted:
        """One path for each fold, none of whose pairs it sees."""
        names, w = np.unique(fold).tolist(), views.pairs.w
        if len(names) < 3:
            raise ValueError(
                f"n_folds = {len(names)}: early stopping needs three, to drive, stop and judge: pass n_folds=3 or "
                "more, and pairs of as many blocks"
            )
        paths = [self._path(views, fold, test, stop) for test, stop in zip(names, [*names[1:], names[0]], strict=True)]
        folds = tuple(judged(views, path[0], np.where(fold == f, w, 0)) for f, path in zip(names, paths, strict=True))
        problem, theta = views.problem(w, 0.0), np.mean([path[0] for path in paths], axis=0)
        steps, ended = np.array([path[1] for path in paths]), all(path[2] for path in paths)
        full = optimum(problem, theta, *value_and_slope(problem, theta), int(steps.max()), ended)
        return Fitted(full, folds, {"fold_steps": steps})

    def of_population(self, views: Views) -> Optimum:
        """Nothing: there is no noise to stop before."""
        raise ValueError(
            f"fit = {self}: a population has no validation pairs to stop by, nor noise: leave fit out, or pass Ridge()"
        )

    def _path(self, views: Views, fold: np.ndarray, test: int, stop: int) -> tuple[np.ndarray, int, bool]:
        w = views.pairs.w
        drive, validation = np.where((fold != test) & (fold != stop), w, 0), np.where(fold == stop, w, 0)
        return ascend(views.problem(drive, 0.0), views.problem(validation, 0.0), self.patience)


def ascend(problem: Problem, validation: Problem, patience: int) -> tuple[np.ndarray, int, bool]:
    """The coefficients of the best step, that step, and whether the ascent of `problem` ended by itself."""
    R, scale = problem.backwards, 1 / spreads(problem)
    theta, e, best, best_value, best_step = np.zeros(R.size), np.zeros(len(problem.w)), np.zeros(R.size), 0.0, 0
    rate, before = 0.0, None
    for step in range(1, MOST + 1):
        gradient = scale * (problem.mean - R.pull(tilted(e, problem.w)[:, None])[:, 0])
        rate = _rate(problem, scale, gradient, e, rate, before)
        direction = rate * scale * gradient
        along = R.project(direction[:, None])[:, 0]
        length = line_search(problem, theta, direction, e, along, rate * float(gradient @ gradient))
        if length == 0 or not np.any(direction):
            return best, best_step, True
        rate, before = length * rate, gradient
        theta, e = theta + length * direction, e + length * along
        value = trusted_value(validation, theta, e)
        if value > best_value:
            best, best_value, best_step = theta, value, step
        if step - best_step >= patience:
            return best, best_step, True
    return best, best_step, False


def trusted_value(problem: Problem, theta: np.ndarray, e: np.ndarray) -> float:
    """F, -inf where it is above ln n or hangs on a few pairs."""
    value = float(theta @ problem.mean - log_mean_exp(e, problem.w))
    share = np.divide(tilted(e, problem.w), problem.w, out=np.zeros_like(e), where=problem.w > 0)
    ess = problem.n / float(problem.w @ share**2)
    return value if ess > ENOUGH and value <= problem.ceiling else -np.inf


def _rate(
    problem: Problem, scale: np.ndarray, gradient: np.ndarray, e: np.ndarray, rate: float, before: np.ndarray | None
) -> float:
    """Step length: of Barzilai & Borwein where there was a step before, along the gradient at first."""
    if before is None:
        along = problem.backwards.project((scale * gradient)[:, None])[:, 0]
        spread = float(problem.w @ along**2 - (problem.w @ along) ** 2)
        return SHORT * float(gradient @ gradient) / spread if spread > 0 else 0.0
    change = before - gradient  # = curvature x step: the step before was rate x `before`
    bent = float(before @ change)
    longest = GROWTH * rate
    return min(longest, rate * float(before @ before) / bent) if bent > 0 else longest
