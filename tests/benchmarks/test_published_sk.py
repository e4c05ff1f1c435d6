"""The published method, a benchmark's peer, against sums that are right to 1e-12, and the benchmark's own table."""

import sys
from pathlib import Path

import numpy as np
import pytest
from sk_reference import steady_state

import nonequil as nq

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))
from _published_sk import published
from sk_grid import QUANTITIES, error_table, errors, grid, worse

POINTS = {"ordered": (2.0, 0.5), "disordered": (1.0, 1.0), "cold": (3.2, 0.9)}


@pytest.mark.parametrize("beta, dJ", POINTS.values(), ids=POINTS)
def test_the_published_method_is_right_to_the_tails_it_cuts(beta, dJ):
    """A normal variable leaves [-5, 5] with probability 5.7e-7; the worst integrand there is about 10 (x tanh x)."""
    found, exact = published(beta, dJ), steady_state(beta, 1.0, dJ)
    assert found.converged
    largest = max(abs(getattr(found, name) - getattr(exact, name)) for name in QUANTITIES)
    assert 1e-10 < largest < 2e-5


def test_points_that_do_not_settle_say_so():
    assert not published(2.0, 0.5, steps=3).converged


def test_the_package_is_nowhere_worse():
    beta, dJ = np.array(list(POINTS.values())).T
    solved = nq.sk.phase_diagram(
        nq.SherringtonKirkpatrick(J0=1.0, dJ=0.5), beta=beta, dJ=dJ, rule=nq.sk.SKRule.resolving(3.0)
    )
    judge = [steady_state(b, 1.0, d) for b, d in POINTS.values()]
    table = errors(solved, [published(*point) for point in POINTS.values()], judge, [0, 1, 2])
    for mine, theirs in table.values():
        assert np.all(mine <= np.maximum(theirs, 1e-12))
    assert not any(worse(table).values())
    assert worse({"m": np.array([[1e-11, 1e-13, 1e-5], [1e-12, 0, 1e-4]])}) == {"m": 1}
    assert "| m |" in error_table(table, worse(table))


def test_the_points_of_the_benchmark():
    beta, dJ, places = grid()
    assert len(set(places)) == 40
    assert (beta[-1], dJ[-1]) == (4, 1)
