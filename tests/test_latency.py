"""What a user waits for: nothing heavy is read before it is needed, and no second call compiles anything."""

import os
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest

import nonequil as nq

sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))
import latency

HEAVY = (
    "matplotlib",
    "sklearn",
    "xarray",
    "pydantic",
    "tyro",
    "h5py",
    "scipy.optimize",
    "pandas",
    "optax",
    "optimistix",
)
VERBS = (
    "simulate, Sequential",
    "thermodynamics.exact",
    "fit",
    "QuadraticBound",
    "meanfield.solve, TAP",
    "sk.entropy_production_rate, Sequential",
    "sk.transient",
    "sk.critical_beta",
)
COMPILED = []


def compiles(event, seconds, **_):
    if event.endswith("backend_compile_duration"):
        COMPILED.append(seconds)


jax.monitoring.register_event_duration_secs_listener(compiles)


def loaded(code):
    """Modules of a fresh process after `code`."""
    print_them = "; import sys; print(*sys.modules)"
    command = [sys.executable, "-c", code + print_them]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ)
    return set(done.stdout.split())


def test_import_reads_no_jax():
    assert not loaded("import nonequil") & {"jax", "numpy", *HEAVY}


def test_models_theory_and_fits_read_nothing_heavy():
    modules = loaded("import nonequil as nq; nq.Ising, nq.fit, nq.sk.stationary")
    assert "jax" in modules
    heavy = modules & set(HEAVY)
    assert not heavy


@pytest.mark.parametrize("verb", VERBS)
def test_second_call_compiles_nothing(verb):
    call = latency.calls()[verb]()
    latency.ready(call(1))
    COMPILED.clear()
    latency.ready(call(2))
    assert not COMPILED


def test_the_counter_counts():
    COMPILED.clear()
    jax.jit(lambda x: x + 1)(jnp.zeros(3))
    assert COMPILED


def test_grids_of_all_shapes_are_one_program():
    sk = nq.SherringtonKirkpatrick(J0=1.0, dJ=0.1)
    nq.sk.phase_diagram(sk, beta=jnp.linspace(0.0, 0.4, 3), dJ=jnp.linspace(0.0, 1.0, 3))
    COMPILED.clear()
    grid = nq.sk.phase_diagram(sk, beta=jnp.array([[0.1, 0.2, 0.3, 0.4]]), dJ=jnp.full((300, 1), 0.5))
    assert grid.q.shape == (300, 4)
    assert len([seconds for seconds in COMPILED if seconds > 0.2]) == 0
