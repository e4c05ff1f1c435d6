"""What a user waits for: imports, and the first and second call of every public verb, each in its own process.

The second call has the same shapes and other numbers, so it should compile nothing. Seconds are of this machine with
the load named below; CPU seconds hardly depend on it. No compilation cache is kept between processes.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
IMPORT, FIRST, SECOND = 2.0, 3.0, 0.1  # seconds wanted
STATEMENTS = {
    "import nonequil": "import nonequil",
    "nq.Ising": "import nonequil as nq; nq.Ising",
    "nq.simulate": "import nonequil as nq; nq.simulate",
    "nq.fit": "import nonequil as nq; nq.fit",
    "nq.sk.stationary": "import nonequil as nq; nq.sk.stationary",
    "nonequil --help": "from nonequil.cli import main; main(['--help'])",
    "nonequil info": "from nonequil.cli import main; main(['info'])",
    "nonequil fit --help": "from nonequil.cli import main; main(['fit', '--help'])",
}
NOTES = """\
Rows that need a network draw it within the time (`SherringtonKirkpatrick.sample`). XLA compiles programs on their first
call; the command line keeps them between runs. A gradient of the theory, and `recover`, which needs it, carry the
one-sided derivatives at critical points: one more derivative of all averages. In `recover` the solver's own steps and
the search for its start are as large again."""
Call = Callable[[int], Any]


def network(trial: int, n: int = 8) -> Any:
    """Another network at every trial."""
    import jax

    import nonequil as nq

    return nq.SherringtonKirkpatrick(J0=0.3, dJ=0.3, dH=0.1).sample(jax.random.key(trial), n)


def transitions(trial: int) -> Any:
    """2000 pairs of eight independent, unequal spins."""
    import numpy as np

    import nonequil as nq

    draw = np.random.default_rng(trial).random((2001, 8))
    x = np.where(draw < np.linspace(0.3, 0.6, 8), 1, -1).astype(np.int8)
    return nq.Transitions(x[:-1], x[1:])


def simulated(clock: str) -> Call:
    """A hundred steps of 16 chains with moments."""
    import jax

    import nonequil as nq

    def call(trial: int) -> Any:
        key = jax.random.key(trial)
        dynamics, x0 = getattr(nq, clock)(network(trial)), nq.random_spins(key, (16, 8))
        return nq.simulate(dynamics, x0, steps=100, key=key, observers=(nq.Moments(),), burn_in=10)

    return call


def spikes(trial: int) -> Any:
    """Save, load and bin a recording."""
    import tempfile

    import numpy as np

    import nonequil as nq

    draw = np.random.default_rng(trial)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "recording.npz")
        np.savez(path, times=np.sort(draw.random(1000) * 100), units=draw.integers(0, 8, 1000))
        return nq.data.load(path).bin(0.02).transitions()


def calls() -> dict[str, Callable[[], Call]]:
    """Every verb: what to do once, then what to call with a number."""
    import dataclasses

    import jax
    import jax.numpy as jnp

    import nonequil as nq

    def sk(trial: int) -> Any:
        return nq.SherringtonKirkpatrick(J0=1.0 + 0.01 * trial, dJ=0.5, beta=1.5)

    def grid(trial: int) -> Any:
        beta, dJ = jnp.linspace(0.0, 4.0 + 0.01 * trial, 20)[None], jnp.linspace(0.0, 1.0, 20)[:, None]
        return nq.sk.phase_diagram(sk(trial), beta=beta, dJ=dJ)

    def drawn(trial: int) -> Any:
        return nq.sk.disorder_average(sk(trial), 32, nq.Parallel, networks=4, key=jax.random.key(trial))

    def rate(beta: float, trial: int) -> Any:
        return nq.sk.entropy_production_rate(dataclasses.replace(sk(trial), beta=beta)).value

    simple: dict[str, Call] = {
        "SherringtonKirkpatrick.sample": network,
        "enumerate_states": lambda k: nq.enumerate_states(nq.Parallel(network(k, 6))),
        "thermodynamics.exact": lambda k: nq.thermodynamics.exact(nq.Parallel(network(k, 6))),
        "data.load, bin": spikes,
        "fit": lambda k: nq.fit(transitions(k)),
        "fitted_entropy_production": lambda k: nq.inference.fitted_entropy_production(transitions(k)),
        "MeanFlow": lambda k: nq.thermodynamics.MeanFlow(nq.Parallel(network(k)))(transitions(k)),
        "MaxEntBound": lambda k: nq.thermodynamics.MaxEntBound()(transitions(k)),
        "QuadraticBound": lambda k: nq.thermodynamics.QuadraticBound()(transitions(k)),
        "meanfield.solve, TAP": lambda k: nq.meanfield.solve(nq.meanfield.TAP(), network(k)),
        "sk.stationary": lambda k: nq.sk.stationary(sk(k)),
        "sk.entropy_production_rate, Parallel": lambda k: nq.sk.entropy_production_rate(sk(k)),
        "sk.entropy_production_rate, Sequential": lambda k: nq.sk.entropy_production_rate(sk(k), clock=nq.Sequential),
        "its gradient": lambda k: jax.grad(rate)(1.5, k),
        "sk.transient": lambda k: nq.sk.transient(sk(k), steps=8),
        "sk.path_entropies of it": lambda k: nq.sk.path_entropies(nq.sk.transient(sk(k), steps=8)),
        "sk.correlation": lambda k: nq.sk.correlation(sk(k), 0.5),
        "sk.critical_beta": lambda k: nq.sk.critical_beta(sk(k)),
        "sk.zero_temperature": lambda k: nq.sk.zero_temperature(sk(k)),
        "sk.phase_diagram, 20 x 20": grid,
        "sk.disorder_average, n = 32": drawn,
        "sk.recover": lambda k: nq.sk.recover(m=0.7247 + 0.001 * k, q=0.6035, sigma=0.1291),
    }
    clocks = {f"simulate, {clock}": lambda clock=clock: simulated(clock) for clock in ("Parallel", "Sequential")}
    return clocks | {name: lambda call=call: call for name, call in simple.items()}


def ready(answer: Any) -> Any:
    """The answer once it is there."""
    import jax

    return jax.block_until_ready([leaf for leaf in jax.tree.leaves(answer) if isinstance(leaf, jax.Array)])


def measured(name: str) -> None:
    """Print what three calls of one verb take, and how many programs they compile."""
    import jax

    import nonequil.sk  # noqa: F401

    call, compiled, rows = calls()[name](), [], []
    ready(jax.numpy.zeros(3) + 1)  # the device is up

    def listen(event: str, seconds: float, **_: Any) -> None:
        if event.endswith("backend_compile_duration"):
            compiled.append(seconds)

    jax.monitoring.register_event_duration_secs_listener(listen)
    for trial in range(1, 4):
        compiled.clear()
        wall, cpu = time.perf_counter(), time.process_time()
        ready(call(trial))
        rows.append((time.perf_counter() - wall, time.process_time() - cpu, len(compiled), sum(compiled)))
    print(json.dumps(rows))


def in_own_process(*arguments: str) -> tuple[float, float, str]:
    """Wall and CPU seconds of one run of Python, and the last line of what it prints."""
    off = {"JAX_ENABLE_COMPILATION_CACHE": "false"}
    wall, before = time.perf_counter(), os.times()
    command = [sys.executable, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | off)
    cpu = os.times()
    spent = cpu.children_user + cpu.children_system - before.children_user - before.children_system
    return time.perf_counter() - wall, spent, (done.stdout.splitlines() or [""])[-1]


def verdict(wall: float, cpu: float, wanted: float) -> str:
    """Met, missed, or not to be judged on a busy machine."""
    if wall <= wanted:
        return "met"
    return "missed" if cpu > wanted else f"{wall:.2f} s on a busy machine"


def statements_table(kept: dict[str, Any]) -> list[str]:
    """Rows of the imports and short commands: the better of three processes. What was measured is added to `kept`."""
    rows = ["| statement | wall s | CPU s | under 2 s |", "| --- | --- | --- | --- |"]
    for name, code in STATEMENTS.items():
        wall, cpu, _ = min(in_own_process("-c", code) for _ in range(3))
        kept[name] = {"wall": wall, "cpu": cpu}
        rows.append(f"| `{name}` | {wall:.2f} | {cpu:.2f} | {verdict(wall, cpu, IMPORT)} |")
    return rows


def calls_table(names: list[str], kept: dict[str, Any]) -> list[str]:
    """Rows of the verbs. What was measured is added to `kept`: wall, CPU, programs, seconds of compiling, each call."""
    head = "| verb | first: wall s | CPU s | compiled | under 3 s | second: ms | CPU ms | compiled | nothing compiled |"
    rows = [head, "|" + " --- |" * 9]
    for name in names:
        kept[name] = json.loads(in_own_process(str(Path(__file__).resolve()), name)[2])
        (wall, cpu, number, _), (again, cpu_again, recompiled, _), _ = kept[name]
        first = f"{wall:.2f} | {cpu:.2f} | {number} | {verdict(wall, cpu, FIRST)}"
        second = f"{1e3 * again:.1f} | {1e3 * cpu_again:.1f} | {recompiled} | {'no' if recompiled else 'met'}"
        rows.append(f"| {name} | {first} | {second} |")
        print(rows[-1], file=sys.stderr)
    return rows


def main(file: str | None) -> None:
    """The page, and all numbers in a JSON file if one is named."""
    sys.path.insert(0, str(ROOT / "scripts" / "verify"))
    from _page import page

    from nonequil.experiments._environment import environment

    before = os.getloadavg()[0]
    kept: dict[str, Any] = {}
    tables = [*statements_table(kept), "", *calls_table(list(calls()), kept)]
    load = f"Load, before and after: {before:.1f} to {os.getloadavg()[0]:.1f}."
    page(__doc__ or "", {"processes": "one a row"}, "\n".join([*tables, "", f"{load}\n{NOTES}"]))
    if file is not None:
        Path(file).write_text(json.dumps({"environment": environment(0, []), "seconds": kept}, indent=1))


if __name__ == "__main__":
    if len(sys.argv) == 2:
        measured(sys.argv[1])
    else:
        main(sys.argv[2] if sys.argv[1:2] == ["--json"] else None)
