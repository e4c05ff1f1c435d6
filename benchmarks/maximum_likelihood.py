"""Maximum likelihood: fits of all neurons against scikit-learn and nemos at equal gradients, and a pass against a GEMM.

Every answer is judged before any clock by its gradient, written out in double precision. scikit-learn fits one or two
neurons, and a neuron's time is compared; the package fits all of them at once and is charged for all.
"""

import functools as ft
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
from _harness import Contestant, Race, Target
from _machine import gemm
from _ml_data import dense, retina, rows_of, slope, sparse, too_steep
from _report import report

import nonequil as nq
from nonequil.inference._passes import slopes
from nonequil.inference._read import read

N, PAIRS, WIDE, WIDE_PAIRS, ROUNDS = 100, 100_000, 500, 40_960, 3
SINGLE, DOUBLE = 1e-6, 1e-9  # largest gradient per transition
SAME = 1e-5  # largest difference of parameters
PASSES, NEWTON_STEPS = 8, 10
OURS, SKLEARN, CHOLESKY = "nonequil, all neurons", "scikit-learn, lbfgs", "scikit-learn, newton-cholesky"
INSTALLED = {name: importlib.util.find_spec(name) is not None for name in ("sklearn", "nemos")}


def fit(t: nq.Transitions, tolerance: float, x64: bool) -> nq.inference.Fit:
    """The public fit without standard errors, which no peer gives."""
    with jax.enable_x64(x64):
        return nq.fit(t, errors=nq.inference.ERRORS.none, tolerance=tolerance)


def by_sklearn(t: nq.Transitions, neurons: list[int], solver: str, tolerance: float) -> Callable[[], np.ndarray]:
    """Rows (H, J) of these neurons: on -1/+1 features scikit-learn's weights are 2 J, its gradient half of ours."""
    from sklearn.linear_model import LogisticRegression

    model, x = LogisticRegression(C=np.inf, solver=solver, tol=tolerance / 2, max_iter=1000), np.asarray(t.x, float)

    def row(i: int) -> np.ndarray:
        model.fit(x, np.asarray(t.x_next)[:, i] > 0)
        return np.concatenate([model.intercept_, model.coef_[0]]) / 2

    return lambda: np.array([row(i) for i in neurons])


def package(t: nq.Transitions, tolerance: float, x64: bool, most: int, counted: list[str]) -> Contestant:
    """All neurons; the check also notes how many steps they took."""
    n = t.x.shape[1]

    def check(fitted: nq.inference.Fit) -> str:
        everyone = list(range(n))
        free = np.concatenate([np.ones((n, 1), bool), ~np.asarray(fitted.infinite)], axis=1)
        largest = float(np.abs(slope(t, rows_of(fitted, everyone), everyone) * free).max())
        verdict = "met" if fitted.steps <= most else "**missed**"
        kind = "Newton steps" if x64 else "gradient passes"
        counted.append(f"- {kind} to {largest:.1e}: {fitted.steps}, wanted at most {most}: {verdict}.")
        return too_steep(largest, tolerance * 1.05)

    return Contestant(OURS, ft.partial(fit, t, tolerance * 0.95, x64), float(n), check)


def peer(name: str, t: nq.Transitions, neurons: list[int], solver: str, tolerance: float) -> Contestant:
    """Some neurons by scikit-learn."""
    check = lambda rows: too_steep(float(np.abs(slope(t, rows, neurons)).max()), tolerance * 1.05)  # noqa: E731
    return Contestant(name, by_sklearn(t, neurons, solver, tolerance), float(len(neurons)), check)


def dense_race(t: nq.Transitions, counted: list[str]) -> Race:
    """Spins that are up half of the time, single precision."""
    found, neurons = [package(t, SINGLE, False, PASSES, counted)], [0, 1]
    if INSTALLED["sklearn"]:
        found.append(peer(SKLEARN, t, neurons, "lbfgs", SINGLE))  # its other solvers take several times as long
        exact = by_sklearn(t, neurons, "newton-cholesky", 1e-10)()
        found[0].check = same(found[0].check, lambda fitted: rows_of(fitted, neurons), exact)
    targets = [Target("against scikit-learn, a neuron", OURS, [SKLEARN], 100, clock="cpu")]
    return Race(f"Frequent: n = {N}, {PAIRS:,} transitions, float32", "one neuron", found, targets)


def same(check: Callable[[Any], str], rows: Callable[[Any], np.ndarray], exact: np.ndarray) -> Callable[[Any], str]:
    """The check, and that parameters are those of an exact solution."""

    def both(answer: Any) -> str:
        far = float(np.abs(rows(answer) - exact).max())
        return check(answer) or ("" if far <= SAME else f"parameters differ by {far:.1e}, more than {SAME:.0e}")

    return both


def sparse_race(title: str, t: nq.Transitions, counted: list[str]) -> Race:
    """Rare spikes, double precision."""
    found = [package(t, DOUBLE, True, NEWTON_STEPS, counted)]
    if INSTALLED["sklearn"]:
        found.append(peer(CHOLESKY, t, [3], "newton-cholesky", DOUBLE))
    targets = [Target("against scikit-learn, a neuron", OURS, [CHOLESKY], 50, clock="cpu")]
    return Race(f"Rare: {title}, {len(t):,} transitions, float64", "one neuron", found, targets)


class FirstCall(Contestant):
    """A fit in a fresh process, by that process's own clocks."""

    def round(self) -> None:
        """One more process."""
        seconds, _ = self.run()
        self.wall.append(seconds["wall"])
        self.cpu.append(seconds["cpu"])


def first_race(t: nq.Transitions, folder: Path) -> Race:
    """What a user waits for who fits once."""
    source, exact = folder / "recording.npz", rows_of(fit(t, DOUBLE, True), list(range(N)))
    np.savez(source, x=t.x, x_next=t.x_next)

    def run(who: str) -> tuple[dict[str, float], np.ndarray]:
        answer = folder / f"{who}.npy"
        script = Path(__file__).with_name("_ml_first.py")
        environment = {**os.environ, "JAX_ENABLE_COMPILATION_CACHE": "false"}
        command = [sys.executable, str(script), who, str(source), str(answer), str(0.95 * SINGLE)]
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
        return json.loads(done.stdout.splitlines()[-1]), np.load(answer)

    def check(answer: tuple[dict[str, float], np.ndarray]) -> str:
        largest = float(np.abs(slope(t, answer[1].astype(float), list(range(N)))).max())
        return too_steep(largest, SINGLE * 1.05)

    names = ["nonequil", *(["nemos"] if INSTALLED["nemos"] else [])]
    found = [FirstCall(who, ft.partial(run, who), 1.0, same(check, lambda a: a[1], exact)) for who in names]
    targets = [Target("first call against first call", "nonequil", ["nemos"], 5, clock="cpu")]
    return Race(f"First call: n = {N}, {PAIRS:,} transitions, float32", "one fit", found, targets)


def pass_race() -> Race:
    """A gradient of all neurons against a matrix product, operation by operation."""
    t = dense(WIDE, WIDE_PAIRS)
    rows, theta = read(t), np.random.default_rng(0).normal(0, WIDE**-0.5, (WIDE, WIDE + 1))
    product, operations = gemm()

    def check(found: tuple[np.ndarray, np.ndarray]) -> str:
        far = float(np.abs(found[0][:2] / len(t) + slope(t, theta[:2], [0, 1])).max())
        return "" if far < 1e-5 else f"gradients differ by {far:.1e}"

    work = 4.0 * WIDE_PAIRS * WIDE * (WIDE + 1)
    found = [
        Contestant("GEMM, side 1536", product, operations),
        Contestant("gradient", lambda: slopes(theta, rows), work, check),
    ]
    targets = [Target("share of the GEMM's speed", "gradient", ["GEMM, side 1536"], 0.7)]
    return Race(f"One pass: n = {WIDE}, {WIDE_PAIRS:,} transitions, float32", "one operation", found, targets)


def first_small() -> float:
    """Seconds of the first small fit of this process: nothing was compiled before."""
    import time

    t = nq.Transitions(*(np.asarray(nq.random_spins(jax.random.key(k), (1000, 10))) for k in range(2)))
    started = time.perf_counter()
    nq.fit(t)
    return time.perf_counter() - started


NOTES = """
- No standard errors anywhere: the peers give none. scikit-learn's time is that of one or two neurons, per neuron; the
  package's is that of a fit of all, reading and checking included, divided by their number.
- Largest gradients are per transition, with respect to (H, J), over coefficients that have a finite optimum.
- The peers run as they are meant to: scikit-learn in double precision (its single precision ends at 2e-5), nemos as a
  population model with its own LBFGS, in single precision.
- A gradient pass also does an exponential and a division for each transition and neuron; a matrix product does not.
"""


def main() -> int:
    """Print the page."""
    small, counted = first_small(), []
    dense_data = dense(N, PAIRS)
    races = [dense_race(dense_data, counted).race(ROUNDS)]
    with tempfile.TemporaryDirectory() as folder:
        races.append(first_race(dense_data, Path(folder)).race(ROUNDS))
    recordings = {"retina of a salamander, 53 cells": retina(), f"{N} units, 1 % firing": sparse(N, PAIRS, 0.01)}
    absent = [f"- {name} is not installed, so its rows are missing." for name, here in INSTALLED.items() if not here]
    for title, t in recordings.items():
        if t is None:
            absent.append(f"- {title}: NONEQUIL_DATA names no folder that has it, so its rows are missing.")
        else:
            races.append(sparse_race(title, t, counted).race(ROUNDS))
    races.append(pass_race().race(ROUNDS))
    verdict = "met" if small < 3 else "**missed**"
    counted.append(f"- First fit of a process, 10 units, 1000 transitions: {small:.2f} s, wanted below 3 s: {verdict}.")
    sizes = {"n": (N, WIDE), "transitions": (PAIRS, WIDE_PAIRS), "seed": 0, "cores": os.cpu_count()}
    return report(__doc__, sizes, races, "\n".join(["## Counted", "", *counted, "", NOTES.strip(), *absent]))


if __name__ == "__main__":
    sys.exit(main())
