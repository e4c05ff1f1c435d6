"""Colours of the spins of a sparse network: no spin pulls on another one of its colour."""

import itertools
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from .._checks import require
from ..models import SparseIsing


def greedy_colours(model: SparseIsing) -> Int[np.ndarray, " n"]:
    """A colour 0, 1, ... for each spin, the first that none of its neighbours (either direction) has.

    Spins are taken breadth first (Cuthill & McKee, Proc. 24th ACM Conf. (1969)), so that networks of two colours get
    two; none needs more than the largest number of neighbours plus one.
    Raises ValueError if the lists of neighbours are traced.
    """
    import scipy.sparse.csgraph  # read where a network is coloured

    if isinstance(model.neighbours, jax.core.Tracer):
        raise ValueError(
            "neighbours are traced, so they cannot be coloured here: build the clock outside, or pass colours"
        )
    receivers, senders = couplings(model)
    both = np.concatenate([receivers, senders]), np.concatenate([senders, receivers])
    graph = scipy.sparse.csr_array((np.ones(len(both[0]), np.int8), both), (model.n, model.n))
    order = scipy.sparse.csgraph.reverse_cuthill_mckee(graph, symmetric_mode=True)[::-1]
    colours = np.full(model.n, -1)
    for site in order.tolist():
        taken = set(colours[graph.indices[graph.indptr[site] : graph.indptr[site + 1]]].tolist())
        colours[site] = next(colour for colour in itertools.count() if colour not in taken)
    return colours


def couplings(model: SparseIsing) -> tuple[Int[np.ndarray, " couplings"], Int[np.ndarray, " couplings"]]:
    """Receivers and senders of all couplings between different spins."""
    neighbours = np.asarray(model.neighbours)
    receivers, places = np.nonzero(neighbours >= 0)
    senders = neighbours[receivers, places]
    different = receivers != senders
    return receivers[different], senders[different]


def known_colours(model: SparseIsing, colours: Any) -> Int[np.ndarray, " n"]:
    """`colours` as known integers, one a spin, refused if a spin pulls on another one of its colour.

    Raises ValueError if they are traced or do not fit the model. Neighbours that are traced are left to `apart`.
    """
    if isinstance(colours, jax.core.Tracer):
        raise ValueError(
            "colours are traced, but they shape the program: build the clock outside, and put another model into it "
            "with eqx.tree_at(lambda clock: clock.model, clock, model)"
        )
    colours = np.asarray(colours)
    if colours.shape != (model.n,) or not np.issubdtype(colours.dtype, np.integer):
        raise ValueError(f"colours has shape {colours.shape} and dtype {colours.dtype}: make it {model.n} integers")
    if isinstance(model.neighbours, jax.core.Tracer):
        return colours
    receivers, senders = couplings(model)
    for e in np.flatnonzero(colours[receivers] == colours[senders])[:1]:
        i, j = receivers[e], senders[e]
        raise ValueError(
            f"colours[{i}] = colours[{j}] = {colours[i]}, but spin {j} pulls on spin {i}: "
            "give them different colours, or leave colours out to have them chosen"
        )
    return colours


def apart(model: SparseIsing, colours: Int[Array, " n"]) -> SparseIsing:
    """`model`; a run-time error where neighbours that are traced share a colour (known ones were looked at before)."""
    if not isinstance(model.neighbours, jax.core.Tracer):
        return model
    own = jnp.arange(model.n, dtype=jnp.int32)[:, None]
    same = (colours[model.neighbours] == colours[:, None]) & model.there & (model.neighbours != own)
    checked = require(model.neighbours, ~jnp.any(same), "colours: a spin pulls on another one of its colour")
    return eqx.tree_at(lambda model: model.neighbours, model, checked)
