"""What a machine can do at most, and what others make it do meanwhile."""

import os
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

GEMM = 1536  # side of the matrix product that sets the limit
WORDS = 2**25  # float32 numbers read and written: far beyond any cache


def gemm(side: int = GEMM) -> tuple[Callable[[], Any], float]:
    """A float32 matrix product, -1/+1 times Gaussian, and its operations: never fed back, so nothing decays."""
    rng = np.random.default_rng(0)
    signs = jnp.asarray(rng.choice([-1.0, 1.0], (side, side)), jnp.float32)
    weights = jnp.asarray(rng.standard_normal((side, side)), jnp.float32)
    product = jax.jit(jnp.matmul)
    return lambda: product(signs, weights), 2.0 * side**3


def copy() -> tuple[Callable[[], Any], float]:
    """A pass over memory, and its bytes: each number read once and written once."""
    numbers, add = jnp.ones(WORDS, jnp.float32), jax.jit(lambda x: x + 1)
    return lambda: add(numbers), 8.0 * WORDS


def peak_memory() -> str:
    """The device's peak where it tells, else the peak of the process."""
    statistics = jax.devices()[0].memory_stats() or {}
    if "peak_bytes_in_use" in statistics:
        return f"{statistics['peak_bytes_in_use'] / 2**30:.2f} GiB on the device"
    return f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB in the process"


class OthersLoad:
    """Cores kept busy by other processes, from the kernel's counters (NaN where there are none)."""

    def __init__(self) -> None:
        self.wall, self.own, self.busy = time.perf_counter(), _own(), _busy()

    def read(self) -> float:
        """The mean since this object was made."""
        wall = time.perf_counter() - self.wall
        return max(0.0, (_busy() - self.busy - (_own() - self.own)) / wall)


def others_now(seconds: float = 1.0) -> float:
    """Cores that others keep busy while this process sleeps."""
    load = OthersLoad()
    time.sleep(seconds)
    return load.read()


def _own() -> float:
    """Seconds of CPU of this process and of those it started and waited for."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def _busy() -> float:
    """Seconds of CPU that all processes have used: user, nice, system, interrupts."""
    try:
        ticks = Path("/proc/stat").read_text().splitlines()[0].split()[1:8]
    except OSError:
        return float("nan")
    user, nice, system, _, _, hard, soft = map(int, ticks)
    return (user + nice + system + hard + soft) / os.sysconf("SC_CLK_TCK")
