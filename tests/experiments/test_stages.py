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
