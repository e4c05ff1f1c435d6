"""The same bits on any number of devices and processes, and each device with its part of the work."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import spreading

pytestmark = pytest.mark.compiled
SCRIPT = str(Path(__file__).with_name("spreading.py"))


def started(*arguments):
    environment = {name: value for name, value in os.environ.items() if name != "XLA_FLAGS"}
    return subprocess.Popen([sys.executable, SCRIPT, *map(str, arguments)], env=environment)


def ended(*processes):
    try:
        assert [process.wait(timeout=300) for process in processes] == [0] * len(processes)
    finally:
        for process in processes:
            process.kill()


@pytest.fixture(scope="module")
def alone():
    return spreading.run()


@pytest.fixture(scope="module")
def four(tmp_path_factory):
    file = tmp_path_factory.mktemp("devices") / "four.npz"
    ended(started(file, 4))
    return dict(np.load(file))


def compare(alone, other, devices):
    """Fits to 1e-10, in single precision to a hundredth of a standard error; runs to the bit."""
    assert (alone["devices"], other["devices"]) == (1, devices)
    assert len(other) > 20
    for name in set(other) & set(alone) - {"devices"}:
        if name.startswith("fit64"):
            np.testing.assert_allclose(other[name], alone[name], rtol=0, atol=1e-10)
        elif name in ("fit32 J", "fit32 H"):
            assert np.all(np.abs(other[name] - alone[name]) < 0.01 * alone[f"{name}_stderr"])
        elif not name.startswith("fit"):
            assert np.array_equal(alone[name], other[name]), name


def test_four_devices_give_the_bits_of_one(alone, four):
    compare(alone, four, 4)


def test_two_devices_give_the_bits_of_one(alone, tmp_path):
    ended(started(tmp_path / "two.npz", 2))
    compare(alone, dict(np.load(tmp_path / "two.npz")), 2)


def test_two_processes_give_the_bits_of_one(alone, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    file = tmp_path / "two.npz"
    ended(*(started(file, 1, rank, 2, port) for rank in range(2)))
    compare(alone, dict(np.load(file)), 2)


def test_couplings_of_many_spins_are_shared_out(four):
    """A step reads a quarter of the couplings, a gradient writes another; spins are gathered once, a sum made once."""
    assert four["share step"] < 0.26
    assert four["share gradient"] < 0.52
    assert four["exchanges step"].tolist() == [1, 0]  # all-gather, all-reduce
    assert four["exchanges gradient"].tolist() == [0, 1]


def test_a_hundred_thousand_spins_are_lowered_from_their_shapes(four):
    assert four["huge"].tolist() == [1e10, 1]
