import time

import jax.numpy as jnp
import numpy as np
import pytest

from nonequil.experiments import Interrupted, Stages


def test_a_stage_is_computed_once_and_comes_back_equal(tmp_path):
    calls = []

    def compute():
        calls.append(1)
        return {"x": np.arange(3.0), "pair": (1, 2)}

    for _ in range(3):
        value = Stages(tmp_path / "checkpoints")("the stage", compute)
        assert value["pair"] == [1, 2]
        assert np.array_equal(value["x"], np.arange(3.0))
    assert len(calls) == 1


def test_without_a_folder_nothing_is_kept_and_values_look_the_same(tmp_path):
    stages = Stages()
    assert stages("a", lambda: {"pair": (1, 2)}) == {"pair": [1, 2]}
    assert stages.load("a") is None
    assert not stages.started()


def test_a_stage_that_stops_the_run_is_kept(tmp_path):
    def stop():
        raise Interrupted(2)

    with pytest.raises(KeyboardInterrupt):
        Stages(tmp_path / "c", check=stop)("a", lambda: 1.5)
    stages = Stages(tmp_path / "c")
    assert stages.started()
    assert stages("a", lambda: pytest.fail("computed twice")) == 1.5
    stages.clear()
    assert not (tmp_path / "c").exists()


def test_half_written_values_are_not_seen(tmp_path):
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / ".a.part.npz").write_bytes(b"half")
    stages = Stages(tmp_path / "c")
    assert not stages.started()
    assert stages("a", lambda: 2) == 2


def test_states_are_written_when_it_is_time(tmp_path):
    stages = Stages(tmp_path / "c", every=3600.0)
    stages.keep("walk", 3, jnp.arange(3))
    assert not stages.started()
    stages = Stages(tmp_path / "c", every=0.0)
    stages.keep("walk", 4, jnp.arange(4))
    assert jnp.array_equal(Stages(tmp_path / "c").restore("walk", jnp.zeros(4, int)), jnp.arange(4))
    assert Stages(tmp_path / "c").restore("another walk", jnp.zeros(4, int)) is None


@pytest.mark.parametrize("error", [Interrupted(2), RuntimeError("broken")])
def test_states_are_written_when_a_run_stops(tmp_path, error):
    def run():
        with Stages(tmp_path / "c", every=3600.0) as stages:
            stages.keep("walk", 1, jnp.zeros(2))
            stages.keep("walk", 2, jnp.ones(2))
            raise error

    with pytest.raises(type(error)):
        run()
    assert jnp.array_equal(Stages(tmp_path / "c").restore("walk", jnp.zeros(2)), jnp.ones(2))


def test_states_are_not_written_when_a_run_ends_well(tmp_path):
    with Stages(tmp_path / "c", every=3600.0) as stages:
        stages.keep("walk", 1, jnp.zeros(2))
    assert not stages.started()


def test_time_is_told_by_piece():
    stages = Stages()
    stages("nap", lambda: time.sleep(0.05) or 1)
    stages.restore("walk", None)
    for step in range(2):
        time.sleep(0.03)
        stages.keep("walk", step, None)
    assert 0.05 <= stages.seconds["nap"] < 1
    assert 0.06 <= stages.seconds["walk"] < 1


@pytest.mark.parametrize("text", ["often", "-1", "nan"])
def test_seconds_between_checkpoints_are_a_number(monkeypatch, text):
    monkeypatch.setenv("NONEQUIL_CHECKPOINT_SECONDS", text)
    with pytest.raises(ValueError, match=f"NONEQUIL_CHECKPOINT_SECONDS = '{text}'"):
        Stages()
