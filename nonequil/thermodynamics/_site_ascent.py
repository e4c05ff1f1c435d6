"""Ascent to the bound of one spin's flips: conjugate gradients with a search along each line.

For observables y (half of g) of the flips of one spin, F(phi) = phi . <y> - ln <exp(-phi . y)> - penalty |phi|**2 / 2
is concave. Several columns of weights over the same flips (all of them, and all but those of a fold) rise together, so
that the flips are read once for all; the curvature of the one that is furthest behind preconditions all of them.
Products run in the precision of `y`, one number a flip and column; sums over chunks and everything of the size of phi
in double precision.
"""

import functools as ft
from typing import NamedTuple

import jax
import jax.numpy as jnp
import jax.scipy.linalg
from jaxtyping import Array, Bool, Float, Int

EVERY = 12  # steps after which the curvature is computed anew
TRIALS = 8  # points tried along a line
LOOSE = 0.1  # share of its slope that may be left at the end of a line
FARTHEST = 40.0  # bound on the change of an exponent in one step: no single number overflows
FEW = 5.0  # an effective number of tilted flips below this says that the optimum is not there
OVERFLOW = 500.0  # no probability that can be written down has a larger log-ratio
START_ROWS = 20  # flips a parameter that the first curvature is taken from
STEPS = 50  # of conjugate gradients for one linear problem
TINY = 1e-300

Observables = Float[Array, "chunks flips d"]
Columns = Float[Array, "chunks columns flips"]
PerColumn = Float[Array, " columns"]
Coefficients = Float[Array, "columns d"]


class SiteOptimum(NamedTuple):
    """Where the ascents of one spin ended, a number a column.

    `value` is F without its penalty, `gradient_max` the largest component of its gradient in the units of y, `ess` the
    effective number of tilted flips, `largest` the largest tilted weight.
    """

    phi: Coefficients
    value: PerColumn
    log_z: PerColumn
    gradient_max: PerColumn
    ess: PerColumn
    largest: PerColumn
    steps: Int[Array, ""]
    finite: Bool[Array, " columns"]


class _State(NamedTuple):
    phi: Coefficients
    e: Columns
    p: Columns
    log_z: PerColumn
    gradient: Coefficients
    before: Coefficients  # gradient one step earlier
    direction: Coefficients
    drop: PerColumn  # gradient . preconditioned gradient one step earlier; 0 where no line is to be followed
    behind: Bool[Array, " columns"]  # still rising
    steps: Int[Array, ""]


def ascend(
    y: Observables,
    w: Columns,
    n: PerColumn,
    phi: Coefficients,
    penalty: PerColumn,
    tolerance: PerColumn,
    max_steps: Int[Array, ""],
) -> SiteOptimum:
    """Maximum of F in every column, from `phi`; `n` is the effective number of flips, infinite in a population.

    Ends in a column when no component of the gradient is above `tolerance`, or when F without penalty is above ln n.
    """
    ceiling = jnp.where(penalty > 0, jnp.inf, jnp.minimum(jnp.log(n), OVERFLOW))
    rise = _Rise(y, w, pull(y, w), penalty, ceiling, tolerance)
    few = min(y.shape[0], -(-START_ROWS * y.shape[2] // y.shape[1]))

    def lines(s: _State) -> _State:
        L = rise.preconditioner(s, jnp.where(s.steps == 0, few, y.shape[0]))
        last = jnp.minimum(s.steps + EVERY, max_steps)
        fresh = s._replace(drop=jnp.zeros_like(s.drop))
        return jax.lax.while_loop(lambda s: jnp.any(s.behind) & (s.steps < last), ft.partial(rise.step, L), fresh)

    s = jax.lax.while_loop(lambda s: jnp.any(s.behind) & (s.steps < max_steps), lines, rise.start(phi))
    return rise.optimum(s, n)


def first_steps(y: Observables, w: Columns, n: PerColumn, penalty: PerColumn) -> SiteOptimum:
    """The Newton step from phi = 0 in every column, (Cov(y) + penalty)^-1 2 <y>, by conjugate gradients.

    `gradient_max` is then what is left of the linear equations.
    """
    mean = pull(y, w)
    rise = _Rise(y, w, mean, penalty, jnp.full_like(n, jnp.inf), jnp.zeros_like(n))
    s = rise.start(jnp.zeros_like(mean))
    solve = ft.partial(_solve, rise.preconditioner(s, jnp.asarray(y.shape[0])))

    def step(c: tuple) -> tuple:
        v, residual, direction, rho, k = c
        image = pull(y, w * project(y, direction)) - mean * inner(mean, direction) + penalty[:, None] * direction
        curvature = jnp.sum(direction * image, 1)
        length = jnp.where((curvature > 0) & (rho > target), rho / jnp.where(curvature > 0, curvature, 1), 0)[:, None]
        residual = residual - length * image
        z = solve(residual)
        new = jnp.sum(residual * z, 1)
        return v + length * direction, residual, z + (new / jnp.maximum(rho, TINY))[:, None] * direction, new, k + 1

    z = solve(s.gradient)
    rho = jnp.sum(s.gradient * z, 1)
    target = rho * (10 * float(jnp.finfo(y.dtype).eps)) ** 2
    carry = (jnp.zeros_like(z), s.gradient, z, rho, jnp.zeros((), int))
    phi, residual, *_ = jax.lax.while_loop(lambda c: jnp.any(c[3] > target) & (c[4] < STEPS), step, carry)
    left = jnp.max(jnp.abs(residual), 1)
    return rise.optimum(rise.start(phi), n)._replace(finite=jnp.all(jnp.isfinite(phi), 1), gradient_max=left)


class _Rise(NamedTuple):
    """What stays fixed during an ascent."""

    y: Observables
    w: Columns
    mean: Coefficients
    penalty: PerColumn
    ceiling: PerColumn
    tolerance: PerColumn

    def start(self, phi: Coefficients) -> _State:
        """The state at `phi`."""
        e = project(self.y, phi)
        p, log_z = tilted(e, self.w, jnp.max(jnp.where(self.w > 0, -e, -jnp.inf), (0, 2)))
        none, zero = jnp.zeros_like(phi), jnp.zeros_like(self.penalty)
        return self.looked(_State(phi, e, p, log_z, none, none, none, zero, zero == 0, jnp.zeros((), int)))

    def looked(self, s: _State) -> _State:
        """The gradient at a new point, and which columns are still behind."""
        gradient = self.mean + pull(self.y, s.p) - self.penalty[:, None] * s.phi
        value = self.value(s)
        behind = (jnp.max(jnp.abs(gradient), 1) > self.tolerance) & jnp.isfinite(value) & (value <= self.ceiling)
        return s._replace(gradient=gradient, behind=behind)

    def value(self, s: _State) -> PerColumn:
        """F without its penalty."""
        return jnp.sum(s.phi * self.mean, 1) - s.log_z

    def preconditioner(self, s: _State, chunks: Int[Array, ""]) -> Float[Array, "d d"]:
        """Cholesky factor of the curvature in the column that is furthest behind, from its first chunks."""
        column = jnp.argmax(jnp.where(s.behind, jnp.max(jnp.abs(s.gradient), 1), -1))

        def add(k: Array, sums: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
            y, p = self.y[k], s.p[k, column]
            terms = (y * p[:, None]).T @ y, p @ y, jnp.sum(p)
            return jax.tree.map(lambda a, b: a + b.astype(float), sums, terms)

        d = self.y.shape[2]
        H, m, whole = jax.lax.fori_loop(0, chunks, add, (jnp.zeros((d, d)), jnp.zeros(d), jnp.zeros(())))
        H = H / whole - jnp.outer(m, m) / whole**2
        diagonal = jnp.diag(H) + self.penalty[column]
        diagonal = jnp.where(diagonal > 1e-12, diagonal, 1)  # what never varies, a spin's own column among it
        jitter = 100 * float(jnp.finfo(self.y.dtype).eps)
        L = jnp.linalg.cholesky(H.at[jnp.diag_indices(d)].set(diagonal * (1 + jitter)))
        return jnp.where(jnp.all(jnp.isfinite(L)), L, jnp.diag(jnp.sqrt(diagonal)))

    def step(self, L: Float[Array, "d d"], s: _State) -> _State:
        """One line, conjugate to the last."""
        z = _solve(L, s.gradient)
        new, kept = jnp.sum(s.gradient * z, 1), jnp.sum(s.before * z, 1)
        turn = jnp.where(s.drop > 0, jnp.maximum(new - kept, 0) / jnp.where(s.drop > 0, s.drop, 1), 0)
        along = z + turn[:, None] * s.direction
        rising = jnp.sum(s.gradient * along, 1) > 0.1 * new
        direction = jnp.where(s.behind[:, None], jnp.where(rising[:, None], along, z), 0)
        f = project(self.y, direction)
        t, p, log_z = self.search(s, direction, f)
        t = jnp.where(s.behind, t, 0)
        p, log_z = jnp.where(s.behind[:, None], p, s.p), jnp.where(s.behind, log_z, s.log_z)
        moved = s._replace(phi=s.phi + t[:, None] * direction, e=s.e + _wide(t, f) * f, p=p, log_z=log_z)
        return self.looked(moved)._replace(before=s.gradient, direction=direction, drop=new, steps=s.steps + 1)

    def search(self, s: _State, direction: Coefficients, f: Columns) -> tuple[PerColumn, Columns, PerColumn]:
        """Length along the direction at which the slope is small, with the weights and ln Z there.

        Newton steps within the bracket of the root of a decreasing slope: no product with y.
        """
        stiff = self.penalty * jnp.sum(direction**2, 1)
        steady = jnp.sum(direction * (self.mean - self.penalty[:, None] * s.phi), 1)

        def slope_and_curvature(p: Columns, t: PerColumn) -> tuple[PerColumn, PerColumn]:
            first, second = total(p, f), total(p * f, f)
            return steady + first - stiff * t, jnp.maximum(second - first**2, 0) + stiff

        def trial(c: tuple) -> tuple:
            t, _, low, high, *_, k = c
            p, log_z = tilted(s.e + _wide(t, f) * f, self.w, s.log_z)
            slope, curvature = slope_and_curvature(p, t)
            fine = (jnp.abs(slope) <= LOOSE * start) | ~s.behind | ((t >= longest) & (slope > 0))
            low, high = jnp.where(slope > 0, t, low), jnp.where(slope > 0, high, t)
            newton = t + slope / jnp.maximum(curvature, TINY)
            inside = (newton > low) & (newton < high)
            after = jnp.where(inside, newton, jnp.where(high < jnp.inf, (low + high) / 2, 2 * t))
            return jnp.where(fine, t, jnp.minimum(after, longest)), t, low, high, fine, p, log_z, k + 1

        start, curvature = slope_and_curvature(s.p, jnp.zeros_like(steady))
        longest = FARTHEST / jnp.maximum(jnp.sum(jnp.abs(direction), 1), TINY)  # |y| is at most one
        t = jnp.minimum(start / jnp.maximum(curvature, TINY), longest)
        carry = (t, t, jnp.zeros_like(t), jnp.full_like(t, jnp.inf), t < 0, s.p, s.log_z, jnp.zeros((), int))
        c = jax.lax.while_loop(lambda c: ~jnp.all(c[4]) & (c[7] < TRIALS), trial, carry)
        return c[1], c[5], c[6]

    def optimum(self, s: _State, n: PerColumn) -> SiteOptimum:
        """What is reported of the last state."""
        ess = n / total(s.p, s.p / jnp.where(self.w > 0, self.w, 1))
        value = self.value(s)
        inside = (self.penalty > 0) | ((value <= self.ceiling) & (ess > FEW))
        gradient_max, largest = jnp.max(jnp.abs(s.gradient), 1), jnp.max(s.p, (0, 2)).astype(float)
        return SiteOptimum(s.phi, value, s.log_z, gradient_max, ess, largest, s.steps, jnp.isfinite(value) & inside)


def project(y: Observables, v: Coefficients) -> Columns:
    """V . y of each flip."""
    each = jnp.broadcast_to(v.astype(y.dtype), (y.shape[0], *v.shape))  # one product a chunk: no copy is rearranged
    return jnp.einsum("kcd,krd->kcr", each, y)


def pull(y: Observables, q: Columns) -> Coefficients:
    """sum_k q_k y_k, chunk by chunk."""
    return jnp.sum(jnp.einsum("kcr,krd->kcd", q, y), 0, dtype=float)


def total(a: Columns, b: Columns) -> PerColumn:
    """Sum of the products over the flips, chunk by chunk."""
    return jnp.sum(jnp.einsum("kcr,kcr->kc", a, b), 0, dtype=float)


def tilted(e: Columns, w: Columns, top: PerColumn) -> tuple[Columns, PerColumn]:
    """Weights proportional to w exp(-e), summing to one, and ln sum w exp(-e); `top` is near the latter."""
    q = jnp.where(w > 0, w * jnp.exp(-e - _wide(top, e)), 0)
    z = total(q, jnp.ones_like(q))
    return q / _wide(z, q), jnp.log(z) + top.astype(float)


def inner(a: Coefficients, b: Coefficients) -> Float[Array, "columns 1"]:
    """Scalar product in each column."""
    return jnp.sum(a * b, 1, keepdims=True)


def _solve(L: Float[Array, "d d"], v: Coefficients) -> Coefficients:
    return jax.scipy.linalg.cho_solve((L, True), v.T).T


def _wide(t: PerColumn, like: Columns) -> Float[Array, "1 columns 1"]:
    return t.astype(like.dtype)[None, :, None]
