import jax
import jax.random as jr
import pytest
from networks import network, recording

import nonequil as nq


@pytest.fixture(scope="session")
def small():
    """Six units, balanced, 4000 pairs."""
    model = nq.SherringtonKirkpatrick(J0=0.0, dJ=1.0, dH=0.2).sample(jr.key(1), 6)
    return recording(model, 4000, jr.key(2))


@pytest.fixture(scope="session")
def sparse_network():
    """Twenty units, each alone active in 3 % of the bins."""
    return network(20, 0.03, 0.7, jr.key(3))


@pytest.fixture(scope="session")
def sparse(sparse_network):
    """30,000 pairs of it."""
    return recording(sparse_network, 30_000, jr.key(4))


@pytest.fixture
def in_float32():
    """Run a test in single precision."""
    jax.config.update("jax_enable_x64", False)
    yield
    jax.config.update("jax_enable_x64", True)
