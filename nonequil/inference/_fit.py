"""Exact maximum likelihood of the kinetic Ising model, all neurons at once."""

from typing import Any

import jax.numpy as jnp
import numpy as np

from .. import statistics
from .._results import RESULTS
from ..data import Transitions
from ..models import Ising
from ._errors import ERRORS, SAMPLED, active, covariance_diagonals
from ._grams import grams, groups
from ._identify import Problem, pose
from ._newton import Solution, maximise, penalised
from ._passes import device, outcome
from ._read import read
from ._result import Fit
from ._rows import CHUNK, Rows

RUNAWAY = 0.3  # log-odds by which a coefficient still moves though the gradient has vanished: no finite optimum
SUSPECT = 1.0  # |J| above which a neuron is looked at for such coefficients


def fit(
    transitions: Transitions,
    *,
    l2: float = 0.0,
    l1: float = 0.0,
    mask: Any = None,
    drive_is_field: bool = False,
    drive_is_weighed: bool = False,
    drive_mask: Any = None,
    errors: ERRORS = ERRORS.sandwich,
    tolerance: float | None = None,
    max_steps: int = 100,
    chunk: int = CHUNK,
) -> Fit:
    """The kinetic Ising model under which these transitions are most likely (parallel clock).

    Minimises, for all neurons i at once, over transitions t of weight w_t,

        sum_t sum_i -w_t log sigmoid(2 x'_ti h_ti) + (l2 / 2) sum_ij J_ij^2 + l1 sum_ij |J_ij|,

    h_ti = H_i + sum_j J_ij x_tj (+ drive). Penalties act on couplings between -1/+1 spins, never on H, and nothing is
    penalised unless asked. Where neurons fire often a few gradients suffice, scaled by one curvature that all neurons
    share; where they fire rarely, and for any neuron left over, Newton's method with its exact Hessian, equal past
    states collapsed. Memory grows with the recording only by its int8 spins.

    - `mask` (n, n): False holds a coupling at zero; diagonal couplings are self-history of one step;
    - `drive_is_field`: `transitions.drive` (pairs, n) is a known addition to the fields;
      `drive_is_weighed`: it holds regressors d (pairs, k), and weights B (n, k) are fitted, h = H + J x + B d, where
      `drive_mask` (n, k) allows;
    - `errors`: which standard errors; from 200,000 evenly spaced transitions, scaled, where there are more rows;
    - `tolerance`: largest gradient per transition (default 1e-9 in float64, 5e-7 in float32);
    - `chunk`: rows on the device in one call.

    Raises ValueError if spins are not -1 or +1, there are fewer transitions than parameters of a neuron, a penalty is
    negative or not finite, or a shape does not fit.
    Source: Roudi & Hertz, Phys. Rev. Lett. 106, 048702 (2011), eq. 4.

    ```python
    fitted = nq.fit(transitions)
    fitted.model.J, fitted.J_stderr, fitted.result
    ```
    """
    check_penalties(l2, l1)
    rows = read(transitions, drive_is_field=drive_is_field, drive_is_weighed=drive_is_weighed, chunk=chunk)
    problem = posed(rows, mask, drive_mask, l2, l1)
    tolerance = default_tolerance() if tolerance is None else tolerance
    solution = maximise(problem, None, tolerance, max_steps)
    block = np.asarray(statistics.blocks(transitions)) if errors is ERRORS.clustered else np.zeros(0, int)
    return summarise(problem, solution, errors, block, tolerance)


def default_tolerance() -> float:
    """Gradient per transition that the default floating type reaches with certainty."""
    return 1e-9 if jnp.result_type(float) == jnp.float64 else 5e-7


def check_penalties(l2: float, l1: float) -> None:
    """Raises ValueError unless both are finite and not negative."""
    for name, value in (("l2", l2), ("l1", l1)):
        if not (np.isfinite(value) and value >= 0):
            raise ValueError(f"{name} = {value} must be finite and not negative: 0 means no penalty")


def posed(rows: Rows, mask: Any, drive_mask: Any, l2: float, l1: float) -> Problem:
    """The problem of a fit, its masks and its size checked."""
    mask = _mask(mask, (rows.n, rows.n), "mask")
    drive_mask = _mask(drive_mask, (rows.n, rows.features - 1 - rows.n), "drive_mask")
    parameters = 1 + sum(
        width if allowed is None else int(allowed.sum(axis=1).max())
        for allowed, width in ((mask, rows.n), (drive_mask, rows.features - 1 - rows.n))
    )
    transitions = int((rows.pair_weight > 0).sum())
    if transitions < parameters and l2 == 0:
        raise ValueError(
            f"transitions = {transitions} are fewer than the {parameters} parameters of a neuron: record longer, pick "
            "fewer units, or ask for a penalty l2"
        )
    return pose(rows, mask, drive_mask, l2, l1)


def _mask(mask: Any, shape: tuple[int, int], name: str) -> np.ndarray | None:
    if mask is None:
        return None
    mask = np.asarray(mask)
    if mask.shape != shape or mask.dtype != bool:
        raise ValueError(f"{name} has shape {mask.shape} and type {mask.dtype}: it must be boolean, {shape}")
    return mask


def summarise(problem: Problem, solution: Solution, errors: ERRORS, block: np.ndarray, tolerance: float) -> Fit:
    """A solution with its errors, likelihoods and flags."""
    rows, theta, n = problem.rows, solution.theta, problem.rows.n
    converged = solution.residual <= tolerance
    loss, exact = outcome(theta, rows)
    separated = exact & problem.free.any(axis=1)
    infinite = (problem.infinite != 0) | _runaway(problem, solution, converged)
    variance, used = np.full_like(theta, np.nan), 0
    if errors is not ERRORS.none:
        variance, used = covariance_diagonals(problem, theta, errors, block)
    stderr = np.sqrt(variance)
    stderr[:, 1 : n + 1][infinite] = np.inf
    stderr[infinite.any(axis=1), 0] = np.inf
    stderr[separated & (problem.l1 + problem.l2 == 0)] = np.inf
    flat = np.zeros(n, int) if problem.null is None else (np.abs(problem.null).max(axis=1) > 0).sum(axis=1)
    n_free = active(problem, theta).sum(axis=1)
    unsure = infinite.any() or problem.constant.any() or separated.any() or flat.any()
    weighed = rows.features > n + 1
    return Fit(
        model=Ising(device(theta[:, 1 : n + 1]), device(theta[:, 0])),
        B=device(theta[:, n + 1 :]) if weighed else None,
        J_stderr=device(stderr[:, 1 : n + 1]),
        H_stderr=device(stderr[:, 0]),
        B_stderr=device(stderr[:, n + 1 :]) if weighed else None,
        log_likelihood=device(-loss.sum()),
        log_likelihood_constant_rate=device(constant_rate(problem)),
        gradient_max=device(solution.residual),
        converged=jnp.asarray(converged),
        infinite=jnp.asarray(infinite),
        constant=jnp.asarray(problem.constant),
        separated=jnp.asarray(separated),
        rank=jnp.asarray(n_free - flat),
        n_free=jnp.asarray(n_free),
        n_transitions=device(rows.weight),
        n_spikes=device((rows.weight * n + problem.up.sum()) / 2),
        n_parameters=jnp.asarray(int((n_free - flat).sum() + (problem.infinite != 0).sum())),
        result=_result(converged, bool(unsure)),
        steps=solution.steps,
        errors=errors,
        errors_from=used,
    )


def _result(converged: np.ndarray, unsure: bool) -> RESULTS:
    if not converged.all():
        return RESULTS.max_steps_reached
    return RESULTS.unidentified_parameters if unsure else RESULTS.successful


def _runaway(problem: Problem, solution: Solution, converged: np.ndarray) -> np.ndarray:
    """Coefficients that Newton's method would still move though the gradient has vanished: (n, n)."""
    n, found = problem.rows.n, np.zeros_like(problem.infinite, bool)
    large = np.abs(solution.theta[:, 1 : n + 1] * problem.free[:, 1 : n + 1]).max(axis=1) > SUSPECT
    if problem.l1 + problem.l2 > 0 or not (large & converged).any():
        return found
    rows, factor = problem.rows.thinned(SAMPLED)
    for group in groups(np.flatnonzero(large & converged), rows.features):
        hessian = penalised(problem, factor * grams(solution.theta, rows, group), group)
        step = 4 * np.abs(np.linalg.solve(hessian, solution.gradient[group, :, None])[:, 1 : n + 1, 0])
        found[group] = (step > RUNAWAY / 3) & (step.max(axis=1) > RUNAWAY)[:, None]
    return found


def constant_rate(problem: Problem) -> float:
    """Largest log-likelihood of neurons that ignore the past, summed over transitions and neurons (nats)."""
    up = np.clip((1 + problem.up / problem.rows.weight) / 2, 0, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        entropy = np.where(up > 0, up * np.log(up), 0) + np.where(up < 1, (1 - up) * np.log1p(-up), 0)
    return float(problem.rows.weight * np.nansum(entropy))
