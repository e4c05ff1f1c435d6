"""What a fit's entropy production would be on other recordings of the fitted network."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Float, Key

from .. import simulation, statistics, thermodynamics
from ..data import Transitions
from ..dynamics import Parallel, random_spins
from ..models import Ising
from ..statistics import Record
from ._entropy import fitted_entropy_production

BURN_IN = 200  # steps before a replicate is recorded


class ParametricBootstrap(eqx.Module):
    """Entropy productions of fits to replicates of a recording. Unit: that of the recording's pairs.

    `values` (draws,) of the fits; `truth`, the production of the network that made the replicates, with its own
    standard error `truth_stderr` (of one draw's mean flow, over root of draws); `stderr`, the spread of the values;
    `bias`, their mean less the truth, with `bias_stderr`.
    """

    values: Float[Array, " draws"]
    truth: Float[Array, ""]
    truth_stderr: Float[Array, ""]
    stderr: Float[Array, ""]
    bias: Float[Array, ""]
    bias_stderr: Float[Array, ""]


def parametric_bootstrap(
    model: Ising,
    transitions: Transitions,
    *,
    key: Key[Array, ""],
    draws: int = 50,
    l2: float = 0.0,
    mask: Any = None,
) -> ParametricBootstrap:
    """Simulates recordings like this one from a fitted network, and takes each through `fitted_entropy_production`.

    A replicate has the same blocks with the same numbers of pairs, each from the steady state of `model` under
    `Parallel`. The spread of the values is a standard error that holds the scatter of the couplings to all orders,
    where `fitted_entropy_production` has it to first order; their mean says how far off the estimate is for a network
    like the fitted one. `l2`, `mask`: as the fit had them. Costs two fits of half the data a draw.
    Raises ValueError for fewer than two draws.
    Source: Efron & Tibshirani, An Introduction to the Bootstrap (1993), section 6.5.

    ```python
    fitted = nq.fit(transitions)
    nq.inference.parametric_bootstrap(fitted.model, transitions, key=jax.random.key(0)).bias
    ```
    """
    if draws < 2:
        raise ValueError(f"draws = {draws}: a spread needs at least two")
    sizes = np.bincount(np.asarray(statistics.blocks(transitions)))
    values, flows = [], []
    for k in jr.split(key, draws):
        replicate = _replicate(model, sizes, k)
        values.append(fitted_entropy_production(replicate, l2=l2, mask=mask).value)
        flow = thermodynamics.MeanFlow(Parallel(model), thermodynamics.stationary_flow)
        flows.append(flow(replicate).value)
    found, true = jnp.stack(values), jnp.stack(flows)
    off = found - true  # a replicate's own noise is in both, and cancels in part
    root = jnp.sqrt(jnp.asarray(draws, off.dtype))
    spread = lambda v: jnp.std(v, ddof=1)  # noqa: E731
    return ParametricBootstrap(
        found, jnp.mean(true), spread(true) / root, spread(found), jnp.mean(off), spread(off) / root
    )


def _replicate(model: Ising, sizes: np.ndarray, key: Key[Array, ""]) -> Transitions:
    """One recording: a chain a block, cut to the block's number of pairs."""
    pairs, steps = _chains(model, key, len(sizes), int(sizes.max())), int(sizes.max())
    kept = np.flatnonzero((np.arange(steps)[None] < sizes[:, None]).reshape(-1))
    block = np.repeat(np.arange(len(sizes)), sizes)
    return Transitions(np.asarray(pairs.x)[kept], np.asarray(pairs.x_next)[kept], block=block)


@eqx.filter_jit
def _chains(model: Ising, key: Key[Array, ""], chains: int, steps: int) -> Transitions:
    start, run = jr.split(key)
    x0 = random_spins(start, (chains, model.n))
    _, (pairs,) = simulation.simulate(Parallel(model), x0, steps=steps, key=run, observers=(Record(),), burn_in=BURN_IN)
    return pairs
