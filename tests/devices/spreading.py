"""Runs and fits spread over devices; a script: `spreading.py FILE DEVICES [RANK PROCESSES PORT]` saves what it saw."""

import os
import sys
import tempfile
from pathlib import Path

DEVICES = int(sys.argv[2]) if __name__ == "__main__" else 1
if __name__ == "__main__":
    os.environ["XLA_FLAGS"] = f"--xla_force_host_platform_device_count={DEVICES}"

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np

import nonequil as nq
from nonequil.experiments._collect import collect
from nonequil.experiments._sweep import Plan
from nonequil.experiments._sweep_create import create_sweep
from nonequil.experiments._sweep_task import run_task

LARGE, HUGE, CHAINS = 20_000, 100_000, 64


def run() -> dict[str, np.ndarray]:
    """Last states and statistics with chains or rows of the couplings spread, and fits in both precisions."""
    seen = {"devices": np.array(len(jax.devices()))}
    for name, (dynamics, x0) in runs().items():
        out = nq.simulate(dynamics, x0, steps=100, burn_in=7, key=jr.key(2), observers=(nq.Moments(),))
        seen |= {f"{name} {k}": leaf for k, leaf in enumerate(map(on_host, jax.tree.leaves(out)))}
    seen |= swept() if jax.process_count() == 1 else {}
    for bits in (32, 64):
        with jax.enable_x64(bits == 64):
            fitted = nq.inference.fit(pairs())
            errors = {"J_stderr": fitted.J_stderr, "H_stderr": fitted.H_stderr}
            leaves = {"J": fitted.model.J, "H": fitted.model.H, **errors}
            seen |= {f"fit{bits} {name}": on_host(leaf) for name, leaf in leaves.items()}
    return seen


def swept() -> dict[str, np.ndarray]:
    """A sweep of more points than one device takes at once."""
    axes = {"model.beta": {"start": 0.5, "stop": 1.5, "points": 20}}
    base = {"experiment": "simulate", "chains": 4, "steps": 20, "model": {"ensemble": "SherringtonKirkpatrick", "n": 6}}
    with tempfile.TemporaryDirectory() as name:
        made = create_sweep(Plan.read(base | {"sweep": axes}, "devices"), Path(name) / "sweep", width=16)
        run_task(made.path, 0, lambda: None)
        found = collect(made).load()
    return {f"sweep {name}": found[name].values for name in ("m", "entropy_production", "rms_correlation")}


def runs() -> dict[str, tuple[nq.Parallel | nq.Sequential, jax.Array]]:
    """Clocks and first states; the numbers of chains fill neither devices nor batches."""
    small, large = model(10), model(256)
    few, many = nq.random_spins(jr.key(1), (102, 10)), nq.random_spins(jr.key(1), (70, 256))
    return {
        "chains": (nq.Parallel(large), nq.spread(many)),
        "rows": (nq.Parallel(nq.spread(large)), many),
        "own sites": (nq.Sequential(small), nq.spread(few)),
        "shared sites": (nq.Sequential(small, sharing=16), nq.spread(few)),
    }


def model(n: int) -> nq.Ising:
    """Independent Gaussian couplings and fields."""
    draw = np.random.default_rng(n).normal
    return nq.Ising(jnp.asarray(draw(size=(n, n)) / np.sqrt(n)), jnp.asarray(draw(size=n)))


def on_host(leaf: jax.Array) -> np.ndarray:
    return nq.numerics.gathered(leaf)


def pairs() -> nq.Transitions:
    """A small recording, on the host: some spins follow their neighbours."""
    rng = np.random.default_rng(3)
    x, noise = rng.choice(np.array([-1, 1], dtype=np.int8), size=(2, 3200, 12))
    x_next = np.where(rng.random(x.shape) < 0.4, np.roll(x, 1, axis=1), noise)
    return nq.Transitions(x, x_next)


def step(model: nq.Ising, x: jax.Array, key: jax.Array) -> jax.Array:
    """A parallel step of all chains."""
    return jax.vmap(lambda x, key: nq.Parallel(model).step(x, 0, key=key))(x, jr.split(key, CHAINS))


def gradient(model: nq.Ising, x: jax.Array, x_next: jax.Array) -> tuple[jax.Array, nq.Ising]:
    """The log-likelihood of pairs and its gradient."""
    likelihood = lambda model: jnp.sum(jax.vmap(nq.Parallel(model).log_prob)(x, x_next))  # noqa: E731
    return jax.value_and_grad(likelihood)(model)


def lowered(n: int) -> dict[str, jax.stages.Lowered]:
    """Step and gradient for couplings of n spins whose rows are spread, from shapes alone."""
    rows, whole = (jax.NamedSharding(nq.numerics.mesh(), spec) for spec in (jax.P("devices"), jax.P()))
    J, H = (jax.ShapeDtypeStruct(shape, jnp.float32, sharding=rows) for shape in ((n, n), (n,)))
    model = eqx.tree_at(lambda m: (m.J, m.H), nq.Ising(jnp.zeros((1, 1)), jnp.zeros(1)), (J, H))
    x, key = jax.ShapeDtypeStruct((CHAINS, n), jnp.int8, sharding=whole), jr.key(0)
    results = {"step": whole, "gradient": (whole, rows)}
    return {
        name: jax.jit(function, out_shardings=results[name]).lower(model, x, last)
        for name, function, last in (("step", step, key), ("gradient", gradient, x))
    }


def large() -> dict[str, np.ndarray]:
    """Bytes on one device over those of the couplings, and exchanges, of the compiled programs of many spins."""
    seen = {}
    for name, program in lowered(LARGE).items():
        compiled = program.compile()
        used = compiled.memory_analysis()
        peak = used.argument_size_in_bytes + used.output_size_in_bytes + used.temp_size_in_bytes
        text = compiled.as_text()
        exchanges = [text.count(f" {kind}(") for kind in ("all-gather", "all-reduce")]
        seen |= {f"share {name}": np.array(peak / (4 * LARGE**2)), f"exchanges {name}": np.array(exchanges)}
    shapes = [tuple(i.shape) for program in lowered(HUGE).values() for i in jax.tree.leaves(program.out_info)]
    return seen | {"huge": np.array([max(map(np.prod, shapes)), sum(s == (HUGE, HUGE) for s in shapes)])}


if __name__ == "__main__":
    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_compilation_cache_dir", None)
    if len(sys.argv) > 3:
        rank, processes, port = map(int, sys.argv[3:])
        jax.distributed.initialize(f"127.0.0.1:{port}", num_processes=processes, process_id=rank)
    seen = run() | (large() if DEVICES == 4 else {})
    if jax.process_index() == 0:
        np.savez(sys.argv[1], **seen)
    if len(sys.argv) > 3:
        jax.distributed.shutdown()
