"""Sweeps of 10,000 networks through folders, batches and files, against the bare compiled program of the same networks.

Simulated networks: the bare program draws and runs them by `vmap`, as many side by side as the sweep does, and keeps
the same averages; the sweep also makes its folder, checks each point, keeps checkpoints and a piece a batch, and
collects one data set. Answers are compared point by point before any clock starts.
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from _harness import Contestant, Race, Target
from _report import report

import nonequil as nq
from nonequil.experiments._collect import collect
from nonequil.experiments._stages import never
from nonequil.experiments._sweep import Plan
from nonequil.experiments._sweep_create import create_sweep
from nonequil.experiments._sweep_task import run_task

SIDE, N, CHAINS, STEPS, BURN_IN, ROUNDS = 100, 16, 16, 200, 20, 2
WANTED = 1 / 1.3
BETAS, SPREADS = np.linspace(0.25, 4.0, SIDE), np.linspace(0.1, 1.2, SIDE)
AXES = {"beta": {"start": 0.25, "stop": 4.0, "points": SIDE}, "dJ": {"start": 0.1, "stop": 1.2, "points": SIDE}}
WIDTH = 64  # points side by side, as the sweep chooses
NETWORKS = {
    "experiment": "simulate",
    "chains": CHAINS,
    "steps": STEPS,
    "burn_in": BURN_IN,
    "model": {"ensemble": "SherringtonKirkpatrick", "n": N, "J0": 1.0},
    "sweep": {f"model.{name}": values for name, values in AXES.items()},
}
THEORY = {"experiment": "sk-point", "J0": 1.0, "sweep": AXES}


def swept(config: dict[str, Any]) -> Any:
    """The data set of a sweep that one task carries out, from its config on."""
    with tempfile.TemporaryDirectory() as name:
        made = create_sweep(Plan.read(dict(config), "benchmark"), Path(name) / "sweep")
        run_task(made.path, 0, never)
        return collect(made).load()


def bare_networks() -> Callable[[], dict[str, jax.Array]]:
    """The mean spin and the entropy production of all networks by one program, beta in rows."""

    def one(point: tuple[jax.Array, ...]) -> dict[str, jax.Array]:
        beta, dJ, index = point
        network, start, run = jr.split(jr.fold_in(jr.key(0), index), 3)
        clock = nq.Parallel(nq.SherringtonKirkpatrick(J0=1.0, dJ=dJ, beta=beta).sample(network, N))
        flow = nq.Mean(lambda x, y: nq.thermodynamics.entropy_flow(clock, x, y))
        x0, seen = nq.random_spins(start, (CHAINS, N)), (nq.Moments(), flow)
        _, (moments, flow) = nq.simulate(clock, x0, steps=STEPS, burn_in=BURN_IN, key=run, observers=seen)
        return {"mean_spin": moments.m.mean(), "entropy_production": flow.value, "C": moments.C, "D": moments.D}

    program = jax.jit(lambda points: jax.lax.map(one, points, batch_size=WIDTH))
    beta, dJ = (jnp.asarray(grid.ravel()) for grid in np.meshgrid(BETAS, SPREADS, indexing="ij"))
    return lambda: program((beta, dJ, jnp.arange(SIDE**2)))


def bare_theory() -> Any:
    """The whole diagram by one call."""
    sk = nq.SherringtonKirkpatrick(J0=1.0, dJ=0.5)
    return nq.sk.phase_diagram(sk, beta=jnp.asarray(BETAS)[:, None], dJ=jnp.asarray(SPREADS)[None])


def different(found: Any, values: dict[str, Any]) -> str:
    """What of a data set is not what the bare program says, to 1e-12."""
    for name, value in values.items():
        apart = np.max(np.abs(found[name].values.ravel() - np.asarray(value).ravel()))
        if not apart < 1e-12:
            return f"{name} differs by {apart:.1e}"
    return ""


def main() -> int:
    """Print the page; 0 if both say the same of every point."""
    jax.config.update("jax_enable_x64", True)
    program, theory = bare_networks(), bare_theory()
    known = {name: value for name, value in program().items() if name not in "CD"}
    lines = {name: getattr(theory, name) for name in ("m", "q", "sigma")}
    races = [
        race("simulated networks", NETWORKS, program, lambda found: different(found, known), WANTED),
        race("theory", THEORY, bare_theory, lambda found: different(found, lines), None),
    ]
    notes = (
        "One task in one process, judged by the work of all threads: a sweep keeps cores busy by tasks side by side, "
        "and runs the networks of a task one after the other, so that each has the same bits in any company. Its own "
        "work is to read and check the config of each point, and to write. Points of theory take microseconds: many of "
        "them are a grid in one call (`nq.sk.phase_diagram`), not a sweep."
    )
    sizes = {"points": SIDE**2, "n": N, "chains": CHAINS, "steps": STEPS, "rounds": ROUNDS, "seed": 0}
    return report(__doc__, sizes, races, notes)


def race(title: str, config: dict, bare: Callable[[], Any], check: Callable[[Any], str], wanted: float | None) -> Race:
    """A sweep against its bare program; unit: one point."""
    contestants = [
        Contestant("sweep", lambda: swept(config), SIDE**2, check),
        Contestant("bare program", bare, SIDE**2),
    ]
    text = "at most 1.3 times as slow as the bare program"
    targets = [Target(text, "sweep", ["bare program"], wanted, "cpu")] if wanted else []
    return Race(title, "one point", contestants, targets).race(ROUNDS)


if __name__ == "__main__":
    sys.exit(main())
