"""The pieces of a fit, each a pure function of transitions that returns plain arrays, numbers and text."""

from typing import Any

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Key

from .. import inference, numerics, simulation, statistics, thermodynamics
from .._results import RESULTS, Estimate
from ..data import Transitions
from ..dynamics import Parallel
from ..models import Ising
from ._dataset import on_host
from ._fit_variables import DRAWS, SUCCESSFUL

LAGS = (1, 2, 4)  # bins
CHAINS, BURN_IN, MOST_STEPS = 64, 200, 4000  # of the simulation that checks the fit
SHUFFLES = 3
TRIALS = 40  # from this number on, errors of couplings are taken between trials
WEAK = 1.0  # ridge of the model's entropy production where some coupling is infinite: a prior of width 1 on J


def penalty(t: Transitions, l2: float | str, l1: float, folds: int) -> dict[str, Any]:
    """The ridge penalty, and how it was chosen."""
    if isinstance(l2, float):
        return {"l2": l2, "l2_how": "as asked"}
    choice = inference.choose_l2(t, folds=folds, l1=l1)
    edge = ", the end of the range that was tried" if choice.at_edge else ""
    return {"l2": choice.l2, "l2_how": f"chosen by {folds}-fold cross-validation over blocks{edge}"}


def validation(t: Transitions, l2: float, l1: float, folds: int) -> dict[str, Any]:
    """Gain over constant rates on blocks that the fit has not seen."""
    held_out = inference.cross_validate(t, l2=l2, l1=l1, folds=folds)
    return {"bits_per_spike_cv": held_out.bits_per_spike, "bits_per_spike_cv_stderr": held_out.bits_stderr}


def couplings(t: Transitions, l2: float, l1: float) -> dict[str, Any]:
    """Couplings with errors, significance and flags; errors between trials where there are enough of them."""
    errors = inference.ERRORS.clustered if _trials(t) >= TRIALS else inference.ERRORS.sandwich
    fit = inference.fit(t, l2=l2, l1=l1, errors=errors)
    free = fit if l2 + l1 == 0 else inference.fit(t, errors=inference.ERRORS.none)
    numbers = ("J_stderr", "H_stderr", "log_likelihood", "log_likelihood_constant_rate", "aic", "bic")
    return {
        "J": fit.model.J,
        "H": fit.model.H,
        **{name: getattr(fit, name) for name in numbers},
        "gradient_max": jnp.max(fit.gradient_max),
        "converged": fit.converged,
        "infinite": free.infinite,
        "result": RESULTS[fit.result] or SUCCESSFUL,
        "errors": errors.name,
        "flags": unit_flags(fit, free),
        **significance(fit),
    }


def _trials(t: Transitions) -> int:
    return 0 if t.block is None else len(np.unique(np.asarray(t.block)))


def significance(fit: inference.Fit) -> dict[str, np.ndarray]:
    """z, p and q of each coupling as matrices, NaN where there is no test."""
    edges = fit.edges()
    found = {}
    for name in ("z", "p", "q"):
        found[name] = np.full(fit.model.J.shape, np.nan)
        found[name][np.asarray(edges.post), np.asarray(edges.pre)] = np.asarray(getattr(edges, name))
    return found


def unit_flags(fit: inference.Fit, free: inference.Fit) -> np.ndarray:
    """What is peculiar about each unit, empty where nothing is; `free` is the fit without a penalty."""
    unbounded = np.asarray(free.infinite).sum(axis=1)
    reasons = {
        "never changes": np.asarray(fit.constant),
        "did not converge": ~np.asarray(fit.converged),
        "every bin is predicted right (separated)": np.asarray(free.separated),
        "its senders are collinear": np.asarray(free.rank < free.n_free) & ~np.asarray(fit.constant),
    }
    flags = []
    for i, number in enumerate(unbounded):
        words = [reason for reason, holds in reasons.items() if holds[i]]
        words += [f"{number} unbounded couplings on it"] if number else []
        flags.append("; ".join(words))
    return np.array(flags, dtype=str)


def recorded(t: Transitions) -> dict[str, Any]:
    """Means and correlations of the recording."""
    return _correlations(statistics.fold(_observers(), statistics.with_blocks(t)))


def predicted(t: Transitions, model: Ising, key: Key[Array, ""]) -> dict[str, Any]:
    """Means and correlations of the fitted network, simulated from recorded states, with about as many bins."""
    key_start, key_run = jr.split(key)
    start = np.asarray(jr.randint(key_start, (CHAINS,), 0, len(t)))
    steps = int(np.clip(-(-len(t) // CHAINS), 200, MOST_STEPS))
    x0 = numerics.spread(jnp.asarray(np.asarray(t.x)[start]))
    _, seen = simulation.simulate(
        Parallel(model), x0, steps=steps, key=key_run, observers=_observers(), burn_in=BURN_IN
    )
    return _correlations(on_host(seen))


def _observers() -> tuple[statistics.AbstractObserver, ...]:
    return statistics.Moments(), statistics.Lagged(LAGS)


def _correlations(seen: tuple[Any, ...]) -> dict[str, Any]:
    moments, lagged = seen
    return {"m": moments.m, "C": moments.C, "D": lagged.C}


def maxent(t: Transitions) -> dict[str, Any]:
    """The maximum-entropy bound."""
    return plain_estimate(thermodynamics.MaxEntBound()(t))


def quadratic(t: Transitions, key: Key[Array, ""]) -> dict[str, Any]:
    """The quadratic estimate U, its bound ln(1 + U) and its null."""
    return plain_estimate(thermodynamics.QuadraticBound(draws=DRAWS)(t, key=key))


def modelled(t: Transitions) -> dict[str, Any]:
    """Entropy production of the fitted network, cross-fitted, with as little penalty as the data allow."""
    free = inference.fitted_entropy_production(t)
    if free.details["infinite"] == 0:
        return {**plain_estimate(free), "l2": 0.0}
    return {**plain_estimate(inference.fitted_entropy_production(t, l2=WEAK)), "l2": WEAK}


def plain_estimate(estimate: Estimate) -> dict[str, Any]:
    """An estimate with the numbers and arrays among its details."""
    plain = {
        "value": float(estimate.value),
        "stderr": float(estimate.stderr),
        "unit": estimate.unit.value,
        "kind": estimate.kind.value,
        "floor": float("nan") if estimate.floor is None else float(estimate.floor),
        "result": RESULTS[estimate.result] or SUCCESSFUL,
    }
    details = estimate.details if isinstance(estimate.details, dict) else {}
    simple = (float, int, str, np.ndarray, np.generic, jax.Array)
    return {**{k: v for k, v in details.items() if isinstance(v, simple)}, **plain}


def control(t: Transitions, key: Key[Array, ""]) -> dict[str, Any]:
    """U after the trials of each unit are permuted on their own, a few times over."""
    bound = thermodynamics.QuadraticBound(draws=2, resamples=2)
    declared = statistics.with_blocks(t)
    shuffled = (statistics.trial_shuffle(declared, key=k) for k in jr.split(key, SHUFFLES))
    how = (
        "trials permuted unit by unit"
        if t.block is not None
        else (f"no trials: {int(np.max(np.asarray(declared.block))) + 1} contiguous stretches permuted unit by unit")
    )
    return {"how": how, "u": np.array([float(_u(bound(s))) for s in shuffled])}


def _u(estimate: Estimate) -> float:
    return estimate.details.get("u", np.nan) if isinstance(estimate.details, dict) else np.nan
