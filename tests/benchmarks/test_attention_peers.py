"""The NumPy peers of the self-attention benchmark against the library, and the judge against what is wrong."""

import sys
from pathlib import Path

import numpy as np
import pytest

import nonequil as nq

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))
import _attention_peers as peers
import attention

BETAS = np.array([1.1, 3.0])


@pytest.fixture(scope="module")
def tables():
    return peers.tables(attention.network())


def test_orbits_agree_before_rounding_grows(tables):
    ours = np.asarray(attention.diagram(BETAS, 0, 30, record=attention.whole_attention))
    loop = np.array([peers.one_orbit(tables, beta, 0, 30) for beta in BETAS])
    assert np.allclose(loop, ours, rtol=0, atol=1e-12)
    assert np.allclose(np.moveaxis(peers.many_orbits(tables, BETAS, 0, 30), -1, 0), ours, rtol=0, atol=1e-12)
    assert np.array_equal(
        peers.many_orbits(tables, BETAS, 20, 5)[..., 0], peers.many_orbits(tables, BETAS, 0, 25)[20:, :, 0]
    )
    assert np.max(np.abs(ours)) > 0.3


def test_exponents_agree_and_meet_the_multiplier_of_the_cycle(tables):
    counts = {"count": 3, "transient": 600, "turning": 200, "steps": 1200}
    many = peers.many_spectra(tables, BETAS, **counts)
    loop = np.array([peers.one_spectrum(tables, beta, **counts) for beta in BETAS]).T
    assert np.allclose(many, loop, rtol=0, atol=1e-10)
    assert np.allclose(many[:2, 0], np.log(0.82899648) / 4, rtol=0, atol=1e-3)  # a complex pair turns the tangents
    ours = nq.attention.lyapunov(attention.network_at(1.1), count=3, transient=600, steps=1200)
    assert np.allclose(ours.value, many[:, 0], rtol=0, atol=1e-3)


def test_the_judge_sees_another_beta(monkeypatch):
    monkeypatch.setattr(attention, "JUDGED", tuple(BETAS))
    right = np.array([peers.one_orbit(peers.tables(attention.network()), beta, 0, 30) for beta in BETAS])
    assert attention.orbits_differ(right) == ""
    assert "orbits differ" in attention.orbits_differ(right[::-1])
    monkeypatch.setattr(attention, "judges", lambda: (np.zeros((2, 3)), np.full((2, 3), 1e-3)))
    assert attention.spectra_differ(np.full((2, 3), 9e-4)) == ""
    assert "off by 2.0 times" in attention.spectra_differ(np.full((2, 3), 2e-3))
