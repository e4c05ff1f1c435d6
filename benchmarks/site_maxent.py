"""The bound from the flips of every spin against the published ascents in PyTorch, to the same gradient.

Every contestant is judged first: the gradient of F at its coefficients, in double precision by NumPy. Peers fit some
spins one after the other, as published code does; all are compared by the time of one spin.
"""

import functools as ft
import os
from typing import Any

import jax
import numpy as np
from _harness import Contestant, Race, Target
from _machine import gemm
from _report import report
from _site_peers import TOLERANCE, all_sites, barzilai_borwein, newton, torch_or_none

import nonequil as nq
from nonequil.thermodynamics import MaxEntBound, SiteFlips
from nonequil.thermodynamics._site_data import Folds, SiteData
from nonequil.thermodynamics._site_fit import fit_sites, maximum
from nonequil.thermodynamics._site_flips import read_flips
from nonequil.thermodynamics._site_judges import Bound

PHASES = {"disordered": {"J0": 0.0, "dJ": 1.0, "beta": 1.0}, "ordered": {"J0": 1.0, "dJ": 0.5, "beta": 2.0}}
SIZES = {100: 50_000, 300: 20_000}  # spins: states
SAMPLED = {100: 3, 300: 2}  # spins: how many of them the peers fit
CHAINS, SEED, SLACK = 200, 2026, 2.0  # rounding in single precision may leave so many times the tolerance
THREADS = (1,)
PEERS = {"PyTorch, Newton": newton, "PyTorch, Barzilai-Borwein": barzilai_borwein}


@ft.cache
def attempts(phase: str, n: int) -> nq.Attempts:
    """States a sweep apart and one attempt at each site."""
    key = jax.random.key(SEED)
    model = nq.SherringtonKirkpatrick(**PHASES[phase]).sample(key, n)
    x0, steps = nq.random_spins(key, (CHAINS, n)), n * SIZES[n] // CHAINS
    _, (pairs,) = nq.simulate(
        nq.Sequential(model), x0, steps=steps, key=key, observers=(nq.Record(),), burn_in=100 * n, every=n
    )
    x = np.asarray(pairs.x)
    h = x.astype(np.float32) @ np.asarray(model.J).T + np.asarray(model.H)
    return nq.Attempts(x, np.random.default_rng(SEED).random(x.shape) < 1 / (1 + np.exp(2 * x * h)))


def gradient(phase: str, n: int, phi: np.ndarray, sites: list[int]) -> str:
    """What is wrong with the coefficients of some spins: the largest gradient of F above the tolerance, or nothing."""
    a, largest = attempts(phase, n), 0.0
    for row, site in zip(phi, sites, strict=True):
        x = a.x[a.flipped[:, site]].astype(float)
        y = -x[:, [site]] * x
        e = -y @ row
        w = np.exp(e - e.max())
        left = np.delete(y.mean(0) + w @ y / w.sum(), site)
        largest = max(largest, float(np.max(np.abs(left))))
    return "" if largest <= SLACK * TOLERANCE else f"gradient {largest:.1e}"


def ours(phase: str, n: int) -> np.ndarray:
    """Coefficients of all spins, fitted to all states."""
    a = attempts(phase, n)
    with jax.enable_x64(True):
        flips = read_flips(a)
        fits = fit_sites(SiteData(flips, SiteFlips(), Folds(np.zeros(len(a.x), int), 0)), Bound(), maximum, np.zeros(n))
    return fits.optimum.phi[:, 0]


def estimated(phase: str, n: int) -> np.ndarray:
    """The same by the public estimator, which adds five folds, their values and standard errors."""
    return 2 * np.asarray(MaxEntBound(SiteFlips(), ridge=0.0)(attempts(phase, n)).details["theta"])


def race(phase: str, n: int) -> Race:
    """All contestants in one phase at one size."""
    sites = np.linspace(0, n - 1, SAMPLED[n]).astype(int).tolist()
    check = lambda phi: gradient(phase, n, phi[sites], sites)  # noqa: E731
    found = [
        Contestant("nonequil, the fit", ft.partial(ours, phase, n), float(n), check),
        Contestant("nonequil, with folds and errors", ft.partial(estimated, phase, n), float(n), check),
    ]
    a, names = attempts(phase, n), []
    for name, ascent in PEERS.items() if torch_or_none() else ():
        for threads in THREADS:
            names.append(f"{name}, {threads} thread{'s' * (threads > 1)}")
            run: Any = ft.partial(all_sites, ascent, a.x, a.flipped, sites, threads)
            found.append(Contestant(names[-1], run, float(len(sites)), lambda phi: gradient(phase, n, phi, sites)))
    multiply, operations = gemm()
    flips = float(a.flipped.mean() * len(a.x))
    found.append(Contestant("limit: one gradient by matrix products", multiply, operations / (4 * flips * n)))
    targets = [
        Target(f"the fit against {name}", "nonequil, the fit", [m for m in names if m.startswith(name)], 1.0)
        for name in PEERS
    ]
    title = f"{phase}, n = {n}, {len(a.x)} states, {100 * flips / len(a.x):.0f} % flip"
    return Race(title, "one spin", found, targets)


NOTES = f"""
- Both solve to a largest gradient of {TOLERANCE:g} in units of x_i x_j, float32. The peers fit {SAMPLED} of the spins.
- `disordered`: {PHASES["disordered"]}; `ordered`: {PHASES["ordered"]}.
- `with folds and errors`: the public call, which fits six sets of states at once.
- Spins that flip too rarely for n - 1 coefficients (in the ordered phase at n = 300) have no finite optimum:
  the fit says so and stops, and none of them is among those that the peers fit.
- The aim is five times; a peer that does not reach the gradient is a failure and gives no ratio.
"""


def main() -> int:
    """Print the page."""
    races = [race(phase, n).race(3) for n in SIZES for phase in PHASES]
    absent = "" if torch_or_none() else "- PyTorch is not installed (extra `bench`), so its rows are missing.\n"
    sizes = {"n: states": SIZES, "chains": CHAINS, "seed": SEED, "cores": os.cpu_count()}
    report(__doc__, sizes, races, NOTES.strip() + "\n" + absent)
    return int(any("nonequil" in name for r in races for name in r.failed))


if __name__ == "__main__":
    raise SystemExit(main())
