"""From measured order parameters back to the couplings of an infinite random network."""

import dataclasses
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from .._checks import require
from .._results import RESULTS
from ..dynamics import AbstractSpinClock, Parallel
from ..ensembles import SherringtonKirkpatrick
from ..meanfield import AsymmetricSK, SKOrder, SKRule, sk_stationary
from ..numerics._implicit import stopped
from ..thermodynamics._sk_entropy import rate

STEPS = 200


class Recovered(eqx.Module):
    """Couplings found from measurements: `ensemble` has them as J0 and dJ.

    `J0_stderr`, `dJ_stderr`: standard errors that those of the measurements imply; `misfit`: the sum of squared
    deviations, each in units of its error (about 1 for three numbers and two unknowns); `result`: `successful`,
    `unidentified_parameters` (the measurements do not depend on both, as on J0 where m = 0), `max_steps_reached`, or
    what the theory says at the point.
    """

    ensemble: SherringtonKirkpatrick
    J0_stderr: Float[Array, ""]
    dJ_stderr: Float[Array, ""]
    misfit: Float[Array, ""]
    result: RESULTS


def recover_sk(
    m: Float[Array, ""] | float,
    q: Float[Array, ""] | float,
    sigma: Float[Array, ""] | float,
    *,
    stderr: tuple[float, float, float] = (1e-3, 1e-3, 1e-3),
    known: SherringtonKirkpatrick | None = None,
    clock: type[AbstractSpinClock] = Parallel,
    rule: SKRule | None = None,
) -> Recovered:
    """J0 and dJ (for `known=None`: beta J0 and beta dJ) from magnetisation, overlap and entropy production per spin.

    Weighted least squares, sum of ((m, q, sigma of the theory - measured) / stderr)**2, by the method of Levenberg
    and Marquardt on the implicit derivatives of the steady state. It starts where m = E tanh(g + s z) and
    q = F(q; g, s) hold exactly, J0 = g / m. `known` gives beta, H0, dH and the law of the fields (default: beta = 1,
    no fields); `sigma` is that of `clock`, as in `entropy_production_rate`. Carries no gradient.
    Raises ValueError (traced: a run-time error) unless m**2 <= q < 1, sigma >= 0 and all errors are above zero.

    ```python
    found = nq.sk.recover(m=0.7247, q=0.6035, sigma=0.1291)
    found.ensemble.J0, found.ensemble.dJ  # beta J0 = 2, beta dJ = 1
    ```
    """
    known = SherringtonKirkpatrick(J0=jnp.zeros(()), dJ=jnp.ones(())) if known is None else known
    measured = jnp.stack([jnp.asarray(x, known.beta.dtype) for x in (m, q, sigma)])
    errors = jnp.asarray(stderr, measured.dtype)
    measured = require(measured, errors > 0, "stderr must hold three numbers above zero: measurement")
    fine = (measured[0] ** 2 <= measured[1]) & (measured[1] < 1) & (measured[2] >= 0)
    measured = require(measured, fine, "m, q, sigma must obey m**2 <= q < 1 and sigma >= 0: (m, q, sigma)")
    return _recovered(measured, errors, known, clock, SKRule() if rule is None else rule)


@eqx.filter_jit
def _recovered(
    measured: Float[Array, " 3"],
    errors: Float[Array, " 3"],
    known: SherringtonKirkpatrick,
    clock: type[AbstractSpinClock],
    rule: SKRule,
) -> Recovered:
    def deviations(x: Float[Array, " 2"]) -> tuple[Float[Array, " 3"], RESULTS]:
        s = sk_stationary(_with(known, x), rule=rule)
        return (jnp.stack([s.m, s.q, rate(s, clock).value]) - measured) / errors, s.result

    measured, errors, known = stopped((measured, errors, known))
    found, ended = _least_squares(deviations, _consistent(measured, known, rule))
    stderr, identified = _errors(found.slopes.T @ found.slopes)
    result = RESULTS.where(found.result == RESULTS.successful, ended, found.result)
    result = RESULTS.where(identified, result, RESULTS.unidentified_parameters)
    misfit = jnp.sum(found.residual**2)
    return Recovered(_with(known, found.x), stderr[0], stderr[1] * jnp.exp(found.x[1]), misfit, result)


def _errors(information: Float[Array, "2 2"]) -> tuple[Float[Array, " 2"], Bool[Array, ""]]:
    """Standard errors of both unknowns, and whether they are identified: one that nothing depends on has none."""
    eps = float(jnp.finfo(information.dtype).eps)
    alone = jnp.diag(information)
    seen = alone > eps * jnp.max(alone)
    spread, axes = jnp.linalg.eigh(information)
    identified = jnp.all(seen) & (spread[0] > eps * spread[1])
    joint = axes**2 @ (1 / jnp.where(identified, spread, 1))
    variance = jnp.where(identified, joint, jnp.where(seen, 1 / jnp.where(seen, alone, 1), jnp.inf))
    return jnp.sqrt(variance), identified


def _with(known: SherringtonKirkpatrick, x: Float[Array, " 2"]) -> SherringtonKirkpatrick:
    return dataclasses.replace(known, J0=x[0], dJ=jnp.exp(x[1]))


def _consistent(measured: Float[Array, " 3"], known: SherringtonKirkpatrick, rule: SKRule) -> Float[Array, " 2"]:
    """J0 and log dJ at which one step keeps the measured m and q; where m = 0, sigma = (beta dJ)**2 k alone is left."""
    m, q, sigma = measured
    closure = AsymmetricSK(rule)

    def change(x: Float[Array, " 2"]) -> tuple[Float[Array, " 2"], RESULTS]:
        after = closure(SKOrder(m, q), _with(known, x))
        return jnp.stack([after.m - m, after.q - q]), RESULTS.successful

    first = jnp.stack([jnp.arctanh(m) / jnp.where(m == 0, 1, m), jnp.log(jnp.sqrt(sigma / (1 - q)) + 0.1)])
    return _least_squares(change, first)[0].x


class _Linear(eqx.Module):
    """A function at `x`, with its Jacobian and what the theory says there."""

    x: Float[Array, " 2"]
    residual: Float[Array, " numbers"]
    slopes: Float[Array, "numbers 2"]
    result: RESULTS


def _least_squares(f: Any, start: Float[Array, " 2"]) -> tuple[_Linear, RESULTS]:
    """Where the sum of squares of `f` is least, f(x) = (numbers, result), and how the search ended.

    The solver sees f as a linear function at each point, and the two directions are taken one after the other, so
    that f and its derivative enter the program once. What belongs to the last point is carried on along that line.
    """
    import optimistix as optx  # read where it is needed: models and theories answer sooner without

    def linear(x: Float[Array, " 2"], _: None) -> Any:
        here = stopped(x)
        along = jax.lax.map(lambda to: jax.jvp(f, (here,), (to,), has_aux=True), jnp.eye(2, dtype=x.dtype))
        residual, result = jax.tree.map(lambda leaf: leaf[0], (along[0], along[2]))
        at = _Linear(here, residual, along[1].T, result)
        return _moved(at, x).residual, at

    solver: Any = optx.LevenbergMarquardt(rtol=1e-10, atol=1e-12)
    with jax.numpy_dtype_promotion("standard"):
        found: Any = optx.least_squares(linear, solver, start, has_aux=True, max_steps=STEPS, throw=False)
    failed = found.result != optx.RESULTS.successful
    return _moved(found.aux, found.value), RESULTS.where(failed, RESULTS.max_steps_reached, RESULTS.successful)


def _moved(at: _Linear, x: Float[Array, " 2"]) -> _Linear:
    """The same at `x`, on the tangent."""
    return _Linear(x, at.residual + at.slopes @ (x - at.x), at.slopes, at.result)
