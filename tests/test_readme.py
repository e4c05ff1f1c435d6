"""The Python of the README runs as it is printed."""

import re
from pathlib import Path

import jax
import numpy as np

import nonequil as nq

README = Path(__file__).parents[1] / "README.md"


def blocks():
    """The examples of the README."""
    return re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)


def test_the_twenty_lines_run(tmp_path, monkeypatch):
    code = blocks()[0]
    rng = np.random.default_rng(0)
    n_spikes = 4000
    np.savez(tmp_path / "recording.npz", time=np.sort(rng.uniform(0, 200, n_spikes)), unit=rng.integers(0, 5, n_spikes))
    monkeypatch.chdir(tmp_path)
    said = {}
    exec(compile(code.replace("steps=2000", "steps=200"), str(README), "exec"), said)
    assert said["final"].shape == (256, 64)
    assert said["moments"].C.shape == (64, 64)
    assert said["fitted"].result == nq.RESULTS.successful
    assert bool(jax.numpy.all(said["fitted"].J_stderr > 0))


def test_the_infinite_network_runs():
    network = blocks()[1]
    said = {}
    smaller = network.replace("200)", "3)").replace("128, nq.Seq", "16, nq.Seq").replace("networks=32", "networks=2")
    exec(compile(smaller, str(README), "exec"), said)
    assert said["s"].result == nq.RESULTS.successful
    assert said["grid"].sigma.shape == (3, 3)
    assert abs(nq.sk.critical_beta(said["sk"]) - 1.34850) < 1e-5


def test_the_arrow_of_time_runs():
    arrow = blocks()[2]
    said = {}
    shorter = arrow.replace("steps=500", "steps=50").replace("steps=400", "steps=100")
    exec(compile(shorter, str(README), "exec"), said)
    exact = nq.thermodynamics.exact(said["clock"]).value
    assert said["bound"].floor < said["bound"].value < exact + 3 * said["bound"].stderr
    assert said["quadratic"].details["p_value"] < 0.01


def test_self_attention_runs():
    attention = blocks()[3]
    said = {}
    exec(compile(attention, str(README), "exec"), said)
    assert nq.numerics.maps.period(said["orbit"].mu) == 28
    assert abs(said["exponents"].value[0] - 0.075) < 0.02


def test_associative_memories_run():
    memories, *others = blocks()[4:]
    assert not others
    said = {}
    exec(compile(memories, str(README), "exec"), said)
    assert nq.memory.overlaps(said["memory"], said["x"])[0, 0] > 0.8
    assert said["found"].result == nq.RESULTS.successful
    assert abs(nq.memory.entropy_production(said["ensemble"], said["cycle"].states).value - 1.10568697) < 1e-8
    assert said["design"].production.value < 0.85 * said["design"].recall * jax.numpy.arctanh(said["design"].recall)
