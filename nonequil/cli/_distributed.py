"""One run in several processes, on several machines: all compute, the first one writes."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..experiments._base import AbstractExperiment
from ..experiments._stages import RunFailed, Stages
from ._arguments import restricted

COORDINATOR, COUNT, NUMBER = "JAX_COORDINATOR_ADDRESS", "JAX_NUM_PROCESSES", "JAX_PROCESS_ID"
REFUSED, GO = 0, 1

Carry = Callable[[Callable[..., Stages]], int]


def together(carry_out: Carry, experiment: AbstractExperiment, devices: int | None, check: Callable[[], None]) -> int:
    """Let the first process carry out an experiment, the others compute their part of it; the exit code.

    Nothing is kept on the way: a run that is stopped starts over. The others wait until all is written.
    Raises ValueError where the other processes cannot be found, and what the first process raises before it begins.
    """
    import jax

    _join()
    try:
        with restricted(devices):
            code = _lead(carry_out) if jax.process_index() == 0 else _follow(experiment, check)
    except (RunFailed, ValueError, OSError):  # all others too come to an end, which waits for all
        jax.distributed.shutdown()
        raise
    jax.distributed.shutdown()
    return code


def _join() -> None:
    """Find the other processes. Raises ValueError if the environment does not say where they are."""
    import jax

    known: dict[str, Any] = {"num_processes": _number(COUNT), "process_id": _number(NUMBER)}
    jax.config.update("jax_enable_preemption_service", False)  # it would take SIGTERM away from this command
    try:
        jax.distributed.initialize(**known)
    except ValueError as error:
        raise ValueError(
            f"distributed: the other processes are not found ({error}): start this by srun or mpirun, or set "
            f"{COORDINATOR}=HOST:PORT, {COUNT} and, for each process, {NUMBER}"
        ) from None


def _number(name: str) -> int | None:
    text = os.environ.get(name, "")
    if text and not text.isdigit():
        raise ValueError(f"{name} = {text!r} in the environment: give a whole number")
    return int(text) if text else None


def _lead(carry_out: Carry) -> int:
    begun: list[Any] = []

    def begin(folder: Path, **how: Any) -> Stages:
        begun.append(_said(GO))
        return Stages(None, **how)

    try:
        return carry_out(begin)
    finally:
        if not begun:
            _said(REFUSED)


def _follow(experiment: AbstractExperiment, check: Callable[[], None]) -> int:
    """Compute what the first process computes, if it does."""
    import jax

    if _said() == REFUSED:
        return 0
    with jax.enable_x64(experiment.precision == "float64"), Stages(None, check=check) as stages:
        experiment.run(stages)
    return 0


def _said(word: int = REFUSED) -> int:
    """What the first process says, in all of them."""
    import numpy as np
    from jax.experimental import multihost_utils

    return int(multihost_utils.broadcast_one_to_all(np.int32(word)))
