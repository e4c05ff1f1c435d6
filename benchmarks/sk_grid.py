"""Phase diagram of the asymmetric Sherrington-Kirkpatrick model: the whole grid against the published method.

Ours solves all 200 x 200 points (beta in [0, 4], dJ in [0, 1], J0 = 1, no fields). The published method, written anew
in NumPy, solves 40 of them, drawn with a fixed seed; its time for the grid is extrapolated from those. Answers are
checked first, against sums that are right to 1e-12.
"""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "scripts" / "verify")]

from _page import page  # noqa: E402
from _published_sk import Point, published  # noqa: E402
from sk_reference import steady_state  # noqa: E402

import nonequil as nq  # noqa: E402

SIDE, POINTS, ROUNDS, SEED = 200, 40, 7, 2026
QUANTITIES = ("m", "q", "S", "S_reverse", "sigma")
KNOWN = 1e-12  # of the sums that judge
WANTED = 1000.0


class Timed:
    """Wall and CPU seconds of every round of one contestant."""

    def __init__(self, run: Callable[[], Any]) -> None:
        self.run, self.wall, self.cpu = run, [], []

    def round(self) -> None:
        """Run once more."""
        wall, cpu = time.perf_counter(), time.process_time()
        self.run()
        self.wall.append(time.perf_counter() - wall)
        self.cpu.append(time.process_time() - cpu)


def grid() -> tuple[np.ndarray, np.ndarray, list[tuple[int, int]]]:
    """beta, dJ and the places (row, column) of the points that both solve."""
    places = np.random.default_rng(SEED).choice(SIDE**2, POINTS, replace=False)
    return np.linspace(0, 4, SIDE), np.linspace(0, 1, SIDE), [divmod(int(place), SIDE) for place in places]


def ours(beta: np.ndarray, dJ: np.ndarray) -> Any:
    """The whole diagram: rows dJ, columns beta."""
    sk = nq.SherringtonKirkpatrick(J0=1.0, dJ=0.5)
    return jax.block_until_ready(nq.sk.phase_diagram(sk, beta=jnp.asarray(beta)[None], dJ=jnp.asarray(dJ)[:, None]))


def errors(solved: Any, points: list[Point], judge: list[Any], places: list) -> dict[str, np.ndarray]:
    """Absolute errors (ours, published) of each quantity at each point where the published method converged."""
    table = {}
    for name in QUANTITIES:
        plane = np.asarray(getattr(solved, name))
        exact = np.array([getattr(state, name) for state in judge])
        mine = np.array([plane[place] for place in places]) - exact
        table[name] = np.abs([mine, np.array([getattr(point, name) for point in points]) - exact])
    return table


def error_table(table: dict[str, np.ndarray], worse: dict[str, int]) -> str:
    """The largest errors of both, in Markdown."""
    head = "| quantity | largest error, ours | largest error, published method | points where ours is larger |"
    rows = [f"| {name} | {e[0].max():.1e} | {e[1].max():.1e} | {worse[name]} |" for name, e in table.items()]
    return "\n".join([head, "| --- | --- | --- | --- |", *rows])


def time_table(mine: Timed, theirs: Timed, scale: float, ratios: list[float]) -> str:
    """Medians and quartiles of both clocks, in Markdown."""
    head = f"| seconds, median (quartiles) | ours, {SIDE**2} points | published method, times {scale:.0f} | ratio |"
    rows = []
    for clock, ratio in zip(("wall", "cpu"), ratios, strict=True):
        fast, slow = np.asarray(getattr(mine, clock)), scale * np.asarray(getattr(theirs, clock))
        rows.append(f"| {clock} | {quartiles(fast)} | {quartiles(slow)} | {ratio:,.0f} |")
    return "\n".join([head, "| --- | --- | --- | --- |", *rows])


def quartiles(seconds: np.ndarray) -> str:
    """Median and, in brackets, the quartiles."""
    low, middle, high = np.percentile(seconds, (25, 50, 75))
    return f"{middle:.3g} ({low:.3g} to {high:.3g})"


def main() -> int:
    """Print the page; 0 if our answers are nowhere worse and the grid is fast enough."""
    jax.config.update("jax_enable_x64", True)
    beta, dJ, places = grid()
    at = [(beta[column], dJ[row]) for row, column in places]
    started = time.perf_counter()
    solved = ours(beta, dJ)
    first = time.perf_counter() - started
    points = [published(*point) for point in at]
    kept = [k for k, point in enumerate(points) if point.converged]
    failed = int(np.sum(~np.asarray(_usable(solved.result))))
    judge = [steady_state(at[k][0], 1.0, at[k][1]) for k in kept]
    table = errors(solved, [points[k] for k in kept], judge, [places[k] for k in kept])
    worse = {name: int(np.sum(mine > np.maximum(theirs, KNOWN))) for name, (mine, theirs) in table.items()}

    mine, theirs = Timed(lambda: ours(beta, dJ)), Timed(lambda: [published(*at[k]) for k in kept])
    load = [os.getloadavg()[0]]
    for turn in range(ROUNDS):
        for contestant in (mine, theirs) if turn % 2 else (theirs, mine):
            contestant.round()
        load.append(os.getloadavg()[0])
    scale = SIDE**2 / len(kept)
    ratios = [scale * np.median(getattr(theirs, clock)) / np.median(getattr(mine, clock)) for clock in ("wall", "cpu")]
    answers = error_table(table, worse)
    clocks = time_table(mine, theirs, scale, ratios)
    notes = (
        f"Errors are against sums right to {KNOWN:g} at the {len(kept)} points, and one below that counts as none. The "
        f"published method ran those points only; its time is extrapolated to the grid. {POINTS - len(kept)} more did "
        f"not converge in 2000 steps and are counted nowhere. Of ours, {failed} of {SIDE**2} carry a flag other than "
        f"`successful` or `marginal`. {ROUNDS} rounds, interleaved, in one process; our first call, with compilation, "
        f"took {first:.1f} s. Load, before and after the rounds: {min(load):.1f} to {max(load):.1f}."
    )
    body = "\n\n".join([answers, clocks, notes])
    page(__doc__, {"grid": f"{SIDE} x {SIDE}", "points": POINTS, "rounds": ROUNDS, "seed": SEED}, body)
    return int(any(worse.values()) or failed > 0 or min(ratios) < WANTED)


def _usable(result: Any) -> np.ndarray:
    return (result == nq.RESULTS.successful) | (result == nq.RESULTS.marginal)


if __name__ == "__main__":
    sys.exit(main())
