"""The law that a finite chain settles into, differentiable in its transition probabilities."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from .. import numerics
from .._results import RESULTS

DIRECT = 512  # states up to which the law is found by elimination
STEPS = 200_000  # most steps of the iteration
ERROR = 1e6  # error of the law, in units of rounding, above which the iteration has not converged


class Edges(eqx.Module):
    """Where the steps of a chain lead: edge k of state a goes to state `next[a, k]`."""

    next: Int[Array, "states k"]
    order: Int[Array, " edges"]
    even: Bool[Array, ""]

    def __init__(self, next: Int[Array, "states k"]) -> None:
        self.next = next
        self.order = jnp.argsort(next.reshape(-1), stable=True)
        arrives = next.reshape(-1)[self.order].reshape(next.shape)
        self.even = jnp.all(
            arrives == jnp.arange(next.shape[0], dtype=next.dtype)[:, None]
        )  # k edges end in each state

    @property
    def dense(self) -> bool:
        """Whether the chain is small or full enough for a matrix."""
        states, k = self.next.shape
        return states <= DIRECT or 4 * k > states

    def matrix(self, probability: Float[Array, "states k"]) -> Float[Array, "states states"]:
        """P(a, b)."""
        states = self.next.shape[0]
        zeros = jnp.zeros((states, states), probability.dtype)
        return zeros.at[jnp.arange(states)[:, None], self.next].add(probability)

    def push(self, law: Float[Array, " states"], probability: Float[Array, "states k"]) -> Float[Array, " states"]:
        """The law one step later, p P: edges sorted by their ends, so that nothing is scattered."""
        flow = (law[:, None] * probability).reshape(-1)
        return jax.lax.cond(
            self.even,
            lambda: jnp.sum(flow[self.order].reshape(self.next.shape), axis=1),
            lambda: jnp.zeros_like(law).at[self.next.reshape(-1)].add(flow),
        )


def stationary(
    next: Int[Array, "states k"], probability: Float[Array, "states k"]
) -> tuple[Float[Array, " states"], RESULTS]:
    """The law p = p P of a chain whose edge k from state a leads to `next[a, k]` with probability `probability[a, k]`.

    Up to 512 states by elimination without subtractions, exact to rounding in each entry however slow the chain
    (Grassmann, Taksar & Heyman, Oper. Res. 33, 1107 (1985)); above, by iteration until the l1 change of a step,
    averaged over two steps (a chain may alternate), is 450 units of rounding (1e-13 in float64).
    Result: `max_steps_reached` where the iteration is too slow for its error, the change divided by the spectral gap,
    to fall below 1e6 units of rounding; `not_finite` where the chain has no single law. Derivatives in `probability`
    by the implicit function theorem.
    """
    edges = Edges(next)
    held = jax.lax.stop_gradient(probability)
    law, result = _eliminate(edges.matrix(held)) if len(next) <= DIRECT else _iterate(edges, held)
    return numerics.implicit(_defect, law, (edges, probability), len(next) <= DIRECT), result


def _defect(law: Float[Array, " states"], inputs: tuple[Edges, Array]) -> Float[Array, " states"]:
    edges, probability = inputs
    pushed = law @ edges.matrix(probability) if edges.dense else edges.push(law, probability)
    return pushed - law + (1 - jnp.sum(law)) / law.size


def _eliminate(P: Float[Array, "states states"]) -> tuple[Float[Array, " states"], RESULTS]:
    place = jnp.arange(P.shape[0])

    def fold_last(P: Array, last: Array) -> tuple[Array, None]:
        """The chain watched outside state `last` and the later ones."""
        row = jnp.where(place < last, P[last], 0)
        column = jnp.where(place < last, P[:, last] / jnp.sum(row), 0)
        return P.at[:, last].set(jnp.where(place < last, column, P[:, last])) + jnp.outer(column, row), None

    def unfold(law: Array, last: Array) -> tuple[Array, None]:
        return law.at[last].set(law @ jnp.where(place < last, P[:, last], 0)), None

    P, _ = jax.lax.scan(fold_last, P, place[:0:-1])
    law, _ = jax.lax.scan(unfold, jnp.zeros_like(P[0]).at[0].set(1), place[1:])
    law = law / jnp.sum(law)
    return law, RESULTS.where(jnp.all(jnp.isfinite(law)), RESULTS.successful, RESULTS.not_finite)


def _iterate(edges: Edges, probability: Float[Array, "states k"]) -> tuple[Float[Array, " states"], RESULTS]:
    states = len(probability)
    P = edges.matrix(probability) if edges.dense else None
    uniform = jnp.full(states, 1 / states, probability.dtype)
    eps = jnp.finfo(probability.dtype).eps

    def push(law: Array) -> Array:
        return edges.push(law, probability) if P is None else law @ P

    def step(carry: tuple) -> tuple:
        before, law, _, steps = carry
        after = push(law)
        return law, after / jnp.sum(after), jnp.sum(jnp.abs(after - before)) / 2, steps + 1

    start = (uniform, push(uniform), jnp.asarray(jnp.inf, uniform.dtype), 0)
    going = lambda carry: (carry[2] > 450 * eps) & (carry[3] < STEPS)  # noqa: E731
    before, law, change, _ = jax.lax.while_loop(going, step, start)
    law = (before + law) / 2

    def lazy(v: Array) -> Array:
        v = v - uniform * jnp.sum(v)
        return (v + push(v)) / 2

    gap = 2 * (1 - numerics.krylov_radius(lazy, law))
    settled = change <= ERROR * eps * gap
    result = RESULTS.where(settled, RESULTS.successful, RESULTS.max_steps_reached)
    return law, RESULTS.where(jnp.isfinite(change), result, RESULTS.not_finite)
