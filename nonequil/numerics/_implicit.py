"""Gradients of a solved equation by the implicit function theorem, in both modes and to any order."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import lineax as lx
from jaxtyping import Array, Float

DENSE_LIMIT = 512  # unknowns up to which a Jacobian is formed; above, only its products with vectors


def stopped(tree: Any) -> Any:
    """The same pytree; its floating arrays carry no gradient."""
    return jax.tree.map(lambda leaf: jax.lax.stop_gradient(leaf) if eqx.is_inexact_array(leaf) else leaf, tree)


def solve_jacobian(
    residual: Callable[[Array], Array], x: Float[Array, " n"], b: Float[Array, " n"], dense: bool
) -> Float[Array, " n"]:
    """Solution v of (d residual / dx) v = b: by division, a dense factorisation, or GMRES on its products.

    Not finite where the Jacobian is singular; nothing raises.
    """
    if x.size == 1:
        return b / jax.jvp(residual, (x,), (jax.numpy.ones_like(x),))[1]
    if dense:
        operator, solver = lx.MatrixLinearOperator(jax.jacfwd(residual)(x)), lx.AutoLinearSolver(well_posed=True)
        return lx.linear_solve(operator, b, solver, throw=False).value
    _, slope = jax.linearize(residual, x)
    return jax.lax.custom_linear_solve(slope, b, _gmres, transpose_solve=_gmres)


def _gmres(product: Callable[[Array], Array], b: Float[Array, " n"]) -> Float[Array, " n"]:
    """Solution of product(v) = b, to where rounding stops the iteration; the transpose is solved like this too."""
    small = 1000 * float(jax.numpy.finfo(b.dtype).eps)
    gmres = lx.GMRES(rtol=small, atol=0.0, restart=min(100, b.size), stagnation_iters=100)
    operator = lx.FunctionLinearOperator(product, jax.eval_shape(lambda: b))
    return lx.linear_solve(operator, b, gmres, throw=False).value


@eqx.filter_custom_jvp
def implicit(residual: Callable, x: Float[Array, " n"], inputs: Any, dense: bool) -> Float[Array, " n"]:
    """`x`, a root of `residual(x, inputs) = 0`, with the derivative of that root in `inputs`.

    dx = -(d residual / dx)^-1 (d residual / d inputs) d inputs. What `residual` closes over is held fixed, so every
    array it needs goes through `inputs`; `x` itself carries no gradient.
    """
    return x


@implicit.def_jvp
def _implicit_jvp(primals: tuple, tangents: tuple) -> tuple[Array, Array]:
    residual, x, inputs, dense = primals
    x = implicit(residual, x, inputs, dense)  # again, so that second derivatives follow the root too
    _, change = eqx.filter_jvp(lambda given: residual(x, given), (inputs,), (tangents[2],))
    if change is None:  # the inputs that move do not enter
        return x, jax.numpy.zeros_like(x)
    return x, -solve_jacobian(lambda y: residual(y, inputs), x, change, dense)
