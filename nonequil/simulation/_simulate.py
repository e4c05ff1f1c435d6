"""Simulation of many chains, with observers that look while it runs."""

from typing import Any

from jaxtyping import Array, Key

from ..dynamics import AbstractDynamics
from ..statistics import AbstractObserver
from ._advance import complete
from ._state import Chains, start


def simulate(
    dynamics: AbstractDynamics,
    x0: Chains,
    *,
    steps: int,
    key: Key[Array, ""],
    observers: tuple[AbstractObserver, ...] = (),
    burn_in: int = 0,
    every: int | None = None,
    drive: Any = None,
) -> tuple[Chains, tuple[Any, ...]]:
    """Runs every chain for `burn_in + steps` steps: the last states, and what each observer saw after the burn-in.

    - `x0`: first states, leading axis chains (spins: int8 -1/+1, (chains, n));
    - `every`: observers see each `every`-th single-step pair (default: one pair a unit of time, so n attempts for a
      sequential clock and each step otherwise);
    - `drive`: input of each step: arrays with a leading axis of `burn_in + steps` steps, or a function of the step.

    Pure and traceable: jit, vmap over models, grad through an observer's function. Memory does not depend on `steps`.
    A random number is named by (key, chain, step, site), so results depend neither on chunks, nor on the number of
    chains, nor on devices: shard `x0` over its leading axis, a multiple of 64 chains a device. Only a lone chain is run
    differently, by products of a matrix and a vector, many times faster: its law is the same, but it may part from the
    same chain in a batch at a spin that meets its random number to rounding (float32: about one in ten million).
    `Sequential` on `Ising` carries the fields of all chains, 4 bytes a spin (float64: 8), exactly; each chain draws its
    own sites, unless `sharing` says otherwise (a device then holds whole groups).
    Raises ValueError if `x0` does not fit the dynamics or holds values other than -1/+1, if `steps` or `burn_in` is
    negative, if `every` is below one, if `drive` has another number of rows than steps.

    ```python
    x0 = nq.random_spins(jax.random.key(1), (256, 64))
    final, (moments,) = nq.simulate(
        nq.Parallel(model), x0, steps=2000, key=jax.random.key(2), observers=(nq.Moments(),), burn_in=200
    )
    ```
    """
    state = start(dynamics, x0, steps=steps, observers=observers, burn_in=burn_in, every=every, drive=drive)
    return complete(dynamics, state, steps=burn_in + steps, key=key, observers=observers, every=every, drive=drive)
