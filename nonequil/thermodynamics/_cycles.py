"""Cycles of a chain: the currents around them and the forces that drive these."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from ..dynamics import JumpProcess, MarkovChain
from ..simulation import stationary_law


class Cycles(eqx.Module):
    """Independent cycles of a stationary chain; production = sum_c currents_c affinities_c.

    - `edges` (edges, 3): channel, state a, state b > a of each edge that can be passed both ways;
    - `members` (cycles, edges): +1 where cycle c passes edge e from a to b, -1 backwards, 0 not at all;
    - `currents` (cycles,): net passages of each cycle's own edge (chord), per step or unit of time;
    - `affinities` (cycles,): ln of the product of forward over backward probabilities (rates) around the cycle, nats.

    The cycles are those that each chord closes with a spanning tree; currents and affinities depend on the tree, their
    products' sum does not. Source: Schnakenberg, Rev. Mod. Phys. 48, 571 (1976), section VIII.
    """

    edges: Int[Array, "edges 3"]
    members: Int[Array, "cycles edges"]
    currents: Float[Array, " cycles"]
    affinities: Float[Array, " cycles"]


def cycles(dynamics: MarkovChain | JumpProcess) -> Cycles:
    """Fundamental cycles of a stationary chain or jump process, their currents and affinities.

    Channels are kept apart: two channels between the same states make a cycle. Which transitions exist must be known,
    so it runs outside jit; differentiable in the probabilities that are not zero.
    Raises ValueError under jit, and for a transition that cannot be reversed (its affinity would be infinite).

    ```python
    around = nq.thermodynamics.cycles(nq.MarkovChain(P))
    jnp.sum(around.currents * around.affinities)            # entropy production, nats/step
    ```
    """
    w = dynamics.P[None] if isinstance(dynamics, MarkovChain) else dynamics.rates
    edges = _edges(w)
    members, chords = fundamental_cycles(edges, w.shape[1])
    return _around(dynamics, w, *(jnp.asarray(known) for known in (edges, members, chords)))


@eqx.filter_jit
def _around(
    dynamics: MarkovChain | JumpProcess,
    w: Float[Array, "channels states states"],
    edges: Int[Array, "edges 3"],
    members: Int[Array, "cycles edges"],
    chords: Int[Array, " cycles"],
) -> Cycles:
    """Currents of the chords, and affinities, of known cycles."""
    r, a, b = edges.T
    p, _ = stationary_law(dynamics)
    current = p[a] * w[r, a, b] - p[b] * w[r, b, a]
    force = jnp.log(w[r, a, b]) - jnp.log(w[r, b, a])
    return Cycles(edges, members, current[chords], members.astype(force.dtype) @ force)


def _edges(w: Float[Array, "channels states states"]) -> np.ndarray:
    """Channel, a, b > a of all edges that can be passed both ways."""
    if isinstance(jax.lax.stop_gradient(w), jax.core.Tracer):
        raise ValueError("cycles needs to know which transitions exist: call it outside jit")
    there = np.asarray(jax.lax.stop_gradient(w)) > 0
    one_way = np.argwhere(there & ~np.swapaxes(there, 1, 2))
    for r, a, b in one_way[:1].tolist():
        raise ValueError(f"the step from {a} to {b} (channel {r}) cannot be reversed: its affinity is infinite")
    edges = np.argwhere(there)
    return edges[edges[:, 1] < edges[:, 2]]


def fundamental_cycles(edges: np.ndarray, states: int) -> tuple[np.ndarray, np.ndarray]:
    """Members (cycles, edges) of the cycles that chords close with a spanning forest, and the chords' places."""
    path = np.zeros((states, len(edges)), np.int8)  # signed edges from the root of a state's tree to the state
    reached = np.zeros(states, bool)
    tree = np.zeros(len(edges), bool)
    for root in range(states):
        queue = [] if reached[root] else [root]
        reached[root] = True
        while queue:
            here = queue.pop(0)
            for e in np.flatnonzero((edges[:, 1] == here) | (edges[:, 2] == here)):
                a, b = edges[e, 1:]
                there = b if a == here else a
                if not reached[there]:
                    reached[there] = tree[e] = True
                    path[there] = path[here]
                    path[there, e] = 1 if a == here else -1
                    queue.append(there)
    chords = np.flatnonzero(~tree)
    members = path[edges[chords, 1]] - path[edges[chords, 2]]
    members[np.arange(len(chords)), chords] += 1
    return members, chords
