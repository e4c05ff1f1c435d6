"""Phase diagrams of the asymmetric Sherrington-Kirkpatrick model: many parameters at once."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from .._checks import finite, nonnegative
from .._results import RESULTS
from ..dynamics import Sequential
from ..ensembles import SherringtonKirkpatrick
from ..meanfield import SKRule, sk_stationary
from ..meanfield._sk_rule import fineness_of
from ._sk_entropy import entropies, rate

BLOCK = 256  # points that are computed together: their averages stay in the processor's cache
BLOCKS = 64  # of one call
FEW = 1024  # points that are not worth a program of their own
NAMES = ("J0", "dJ", "H0", "dH", "beta")


class PhaseDiagram(eqx.Module):
    """Steady states on a grid, per spin; every array has the grid's shape.

    `m`, `q`, `k`: order parameters and mean gain; `S`, `S_reverse`: forward and reverse entropy of a parallel step;
    `sigma` = S_reverse - S: entropy production in nats/step/spin; `sigma_sequential`: that of the random sequential
    clock in nats/sweep/spin, None unless asked for. Mask points whose `result` is not `successful` (or `marginal`,
    where values are right and derivatives one-sided) instead of averaging them; `alternating` concerns the parallel
    clock alone.
    """

    m: Float[Array, "*grid"]
    q: Float[Array, "*grid"]
    k: Float[Array, "*grid"]
    S: Float[Array, "*grid"]
    S_reverse: Float[Array, "*grid"]
    sigma: Float[Array, "*grid"]
    sigma_sequential: Float[Array, "*grid"] | None
    result: RESULTS


def sk_phase_diagram(
    sk: SherringtonKirkpatrick,
    *,
    J0: Any = None,
    dJ: Any = None,
    H0: Any = None,
    dH: Any = None,
    beta: Any = None,
    m0: float = 1.0,
    sequential: bool = False,
    rule: SKRule | None = None,
) -> PhaseDiagram:
    """Steady states of `sk` with some of its parameters replaced by arrays, which broadcast to the grid.

    Points are sorted by the fineness that their beta dJ and beta dH need, and each group (of 1024 points or more where
    there are as many) is one compiled program, the same for grids of all shapes, that takes 256 points at a time.
    Nothing raises for a single point: see its `result`. `m0`, `rule` as in `stationary`.
    Raises ValueError for parameters out of range; the arrays must be known (vmap `stationary` under a trace).
    Source: Aguilera, Igarashi & Shimazaki, Nat. Commun. 14, 3685 (2023).

    ```python
    beta, dJ = jnp.linspace(0, 4, 200), jnp.linspace(0, 1, 200)
    grid = nq.sk.phase_diagram(nq.SherringtonKirkpatrick(J0=1.0, dJ=0.5), beta=beta[None, :], dJ=dJ[:, None])
    ```
    """
    given = dict(zip(NAMES, (J0, dJ, H0, dH, beta), strict=True))
    arrays = [getattr(sk, name) if value is None else value for name, value in given.items()]
    shape = np.broadcast_shapes(*(np.shape(a) for a in arrays))
    checks = {name: finite if name in ("J0", "H0") else nonnegative for name in NAMES}
    arrays = [checks[name](name)(a) for name, a in zip(NAMES, arrays, strict=True)]
    points = np.stack([np.broadcast_to(np.asarray(a), shape).ravel() for a in arrays], axis=1)
    groups = [(rule, np.arange(len(points)))] if rule is not None else _groups(sk, points)
    parts = [_solve(sk, points[places], m0, rule, sequential) for rule, places in groups]
    order = np.argsort(np.concatenate([places for _, places in groups]))
    return jax.tree.map(lambda *leaves: jnp.asarray(np.concatenate(leaves)[order].reshape(shape)), *parts)


def _groups(sk: SherringtonKirkpatrick, points: Float[np.ndarray, "points 5"]) -> list[tuple[SKRule, np.ndarray]]:
    """The cheapest rules, each with the places of the points that need it; a few points join those of a finer rule."""
    _, dJ, _, dH, beta = points.T
    fineness = np.stack(fineness_of(sk.fields, beta, dJ, dH))
    kinds, which = np.unique(fineness, axis=1, return_inverse=True)
    groups: list[tuple[np.ndarray, np.ndarray]] = []
    for k, kind in enumerate(kinds.T):
        places = np.flatnonzero(which.ravel() == k)
        if groups and min(len(groups[-1][1]), len(places)) < FEW:
            coarser, others = groups.pop()
            kind, places = np.maximum(kind, coarser), np.concatenate([others, places])
        groups.append((kind, places))
    return [(SKRule.of_fineness(*kind.tolist()), places) for kind, places in groups]


def _solve(
    sk: SherringtonKirkpatrick, points: Float[np.ndarray, "points 5"], m0: float, rule: SKRule, sequential: bool
) -> PhaseDiagram:
    """Points that share a rule, in calls of one shape, padded by repeating the last one."""
    missing = -len(points) % (BLOCKS * BLOCK)
    padded = np.pad(points, [(0, missing), (0, 0)], mode="edge").reshape(-1, BLOCKS, BLOCK, len(NAMES))
    todo = np.clip(-(-len(points) // BLOCK) - BLOCKS * np.arange(len(padded)), 0, BLOCKS)
    parts = [
        _blocks(sk, jnp.asarray(blocks, sk.beta.dtype), jnp.asarray(count), m0, rule, sequential)
        for blocks, count in zip(padded, todo, strict=True)
    ]
    return jax.tree.map(lambda *leaves: np.concatenate([np.ravel(leaf) for leaf in leaves])[: len(points)], *parts)


@eqx.filter_jit
def _blocks(
    sk: SherringtonKirkpatrick,
    blocks: Float[Array, "blocks size 5"],
    count: Int[Array, ""],
    m0: float,
    rule: SKRule,
    sequential: bool,
) -> PhaseDiagram:
    """The first `count` blocks; the others stay zero."""

    def one(point: Float[Array, " 5"]) -> PhaseDiagram:
        here = eqx.tree_at(lambda sk: [getattr(sk, name) for name in NAMES], sk, list(point))  # checked before
        s = sk_stationary(here, m0, rule=rule)
        step = entropies(s.path)
        slow = rate(s, Sequential).value if sequential else None
        return PhaseDiagram(s.m, s.q, s.k, step.forward, step.reverse, step.flow, slow, step.result)

    def fill(k: Array, solved: PhaseDiagram) -> PhaseDiagram:
        return jax.tree.map(lambda all, here: all.at[k].set(here), solved, jax.vmap(one)(blocks[k]))

    like = eqx.filter_eval_shape(jax.vmap(jax.vmap(one)), blocks)
    empty = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), like)
    return jax.lax.fori_loop(0, count, fill, empty)
