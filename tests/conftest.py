import os

os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("JAX_ENABLE_COMPILATION_CACHE", "false")  # of commands that tests start: the cache is the user's

from jaxtyping import install_import_hook

install_import_hook("nonequil", "beartype.beartype").__enter__()

from pathlib import Path

import jax
import matplotlib
import pytest
import submitit  # noqa: F401  it closes all handlers of logs when read: absl's, later, with pytest's file of captured text

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_numpy_dtype_promotion", "strict")
matplotlib.use("Agg")


@pytest.fixture
def getkey():
    """A fresh key at each call, the same ones in every run."""
    keys = iter(range(10_000))
    return lambda: jax.random.fold_in(jax.random.key(2026), next(keys))


@pytest.fixture(autouse=True, scope="module")
def room_for_programs():
    """Compiled programs are let go before they take all the memory maps that Linux gives a process (65,530)."""
    yield
    maps = Path("/proc/self/maps")
    if maps.exists() and maps.read_bytes().count(b"\n") > 40_000:
        jax.clear_caches()
