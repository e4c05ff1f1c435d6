"""Phase diagram of the asymmetric Sherrington-Kirkpatrick model: the whole grid against the published method.

Ours solves all 200 x 200 points (beta in [0, 4], dJ in [0, 1], J0 = 1, no fields). The published method, written anew
in NumPy, solves 40 of them, drawn with a fixed seed. Answers are checked first, against sums that are right to 1e-12.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from _harness import ROUNDS, Contestant, Race, Target
from _published_sk import Point, published
from _report import report

import nonequil as nq

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from sk_reference import steady_state

SIDE, POINTS, SEED = 200, 40, 2026
QUANTITIES = ("m", "q", "S", "S_reverse", "sigma")
KNOWN = 1e-12  # of the sums that judge
WANTED = 1000.0


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


def race(beta: np.ndarray, dJ: np.ndarray, kept: list[tuple[float, float]], check: Callable[[Any], str]) -> Race:
    """The whole diagram by ours, the points `kept` by the published method; unit: one point."""
    slow = "published method"
    contestants = [
        Contestant("nonequil", lambda: ours(beta, dJ), SIDE**2, check),
        Contestant(slow, lambda: [published(*point) for point in kept], len(kept), _unsettled),
    ]
    title = f"the diagram, {SIDE**2} points"
    return Race(title, "one point", contestants, [Target("against the published method", "nonequil", [slow], WANTED)])


def main() -> int:
    """Print the page; 0 if our answers are nowhere worse."""
    jax.config.update("jax_enable_x64", True)
    beta, dJ, places = grid()
    at = [(beta[column], dJ[row]) for row, column in places]
    points = [published(*point) for point in at]
    kept = [k for k, point in enumerate(points) if point.converged]
    judge = [steady_state(at[k][0], 1.0, at[k][1]) for k in kept]
    found: dict[str, np.ndarray] = {}

    def check(solved: Any) -> str:
        found.update(errors(solved, [points[k] for k in kept], judge, [places[k] for k in kept]))
        return _unusable(solved) or ("an error is larger than theirs" if any(worse(found).values()) else "")

    raced = race(beta, dJ, [at[k] for k in kept], check).race()
    notes = (
        f"{error_table(found, worse(found))}\n\nErrors are against sums right to {KNOWN:g} at the {len(kept)} points, "
        "and one below that counts as none. The published method ran those points only. "
        f"{POINTS - len(kept)} more did not converge in 2000 steps and are counted nowhere."
    )
    sizes = {"grid": f"{SIDE} x {SIDE}", "points": POINTS, "rounds": ROUNDS, "seed": SEED}
    return report(__doc__, sizes, [raced], notes)


def worse(table: dict[str, np.ndarray]) -> dict[str, int]:
    """At how many points our error is the larger one, beyond what the judge knows."""
    return {name: int(np.sum(mine > np.maximum(theirs, KNOWN))) for name, (mine, theirs) in table.items()}


def _unusable(solved: Any) -> str:
    usable = (solved.result == nq.RESULTS.successful) | (solved.result == nq.RESULTS.marginal)
    failed = int(np.sum(~np.asarray(usable)))
    return f"{failed} points carry a flag other than successful or marginal" if failed else ""


def _unsettled(points: list[Point]) -> str:
    return "" if all(point.converged for point in points) else "a point did not settle"


if __name__ == "__main__":
    sys.exit(main())
