import numpy as np
import pytest

from nonequil.cli import main

WIDTH = 0.02


def spike_table(bins=2500, units=4, rate=0.15, seed=0):
    """Spikes of a ring of units, each driving the next, as a table with its true couplings."""
    rng = np.random.default_rng(seed)
    J = 0.5 * np.roll(np.eye(units), 1, axis=0)
    H = np.log(rate / (1 - rate)) / 2 + J.sum(axis=1)
    x, rows = -np.ones(units), []
    for _ in range(bins):
        x = np.where(rng.random(units) < 1 / (1 + np.exp(-2 * (H + J @ x))), 1, -1)
        rows.append(x)
    k, unit = np.nonzero(np.array(rows) > 0)
    times = (k + rng.uniform(0.05, 0.95, k.size)) * WIDTH
    return {"time": times, "unit": unit + 10, "start": 0.0, "stop": bins * WIDTH}, J


@pytest.fixture(scope="session")
def recording(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "ring.npz"
    np.savez(path, **spike_table()[0])
    return path


@pytest.fixture(scope="session")
def fit_arguments(recording):
    return ["fit", str(recording), "--bin", str(WIDTH), "--l2", "1", "--folds", "2"]


@pytest.fixture(scope="session")
def fit_run(fit_arguments, tmp_path_factory):
    """A finished run that no test changes."""
    out = tmp_path_factory.mktemp("runs") / "ring"
    assert main([*fit_arguments, "--out", str(out)]) == 0
    return out


@pytest.fixture(scope="session")
def simulate_arguments(tmp_path_factory):
    path = tmp_path_factory.mktemp("configs") / "small.toml"
    path.write_text(
        'experiment = "simulate"\nchains = 4\nsteps = 60\nburn_in = 20\nchunk = 20\n'
        '[model]\nensemble = "SherringtonKirkpatrick"\nn = 5\n'
    )
    return ["simulate", str(path)]


@pytest.fixture(scope="session")
def simulate_run(simulate_arguments, tmp_path_factory):
    """A finished run that no test changes."""
    out = tmp_path_factory.mktemp("runs") / "network"
    assert main([*simulate_arguments, "--out", str(out)]) == 0
    return out
