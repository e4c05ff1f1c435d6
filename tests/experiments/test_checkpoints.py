import errno
import os
import signal

import jax
import jax.numpy as jnp
import pytest
from orbax.checkpoint import CheckpointManager

from nonequil.experiments import Interrupted, Signals
from nonequil.experiments._checkpoints import Checkpoints

STATE = {
    "key": jax.random.key(3),
    "keys": jax.random.split(jax.random.key(4), 5),
    "spins": jnp.array([[1, -1, -1]], jnp.int8),
    "numbers": jnp.array([1.0, jnp.nan, -0.0, 1e-320]),
    "empty": jnp.zeros((0, 3)),
    "index": jnp.asarray(7, jnp.int32),
}


def bits(leaf):
    return jax.random.key_data(leaf).tobytes() if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key) else leaf.tobytes()


def same(a, b):
    pairs = zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True)
    return all(x.dtype == y.dtype and bits(x) == bits(y) for x, y in pairs)


def test_a_state_comes_back_bit_for_bit_and_only_the_newest_is_kept(tmp_path):
    assert Checkpoints(tmp_path / "none").load(STATE) is None
    checkpoints = Checkpoints(tmp_path / "c")
    checkpoints.save(5, {**STATE, "index": jnp.asarray(5, jnp.int32)})
    checkpoints.save(7, STATE)
    checkpoints.save(7, STATE)
    found = Checkpoints(tmp_path / "c").load(STATE)
    assert same(found, STATE)
    assert not any(leaf.committed for leaf in jax.tree.leaves(found))
    assert [path.name for path in (tmp_path / "c").iterdir()] == ["7"]


def test_a_state_that_cannot_be_written_leaves_the_one_before(tmp_path, monkeypatch):
    checkpoints = Checkpoints(tmp_path / "c")
    checkpoints.save(5, STATE)

    def full(*arguments, **options):
        (tmp_path / "c" / "7.orbax-checkpoint-tmp").mkdir()
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(CheckpointManager, "save", full)
    with pytest.raises(OSError, match=r"7 cannot be written \(No space left on device\): the one before is kept"):
        checkpoints.save(7, STATE)
    assert [path.name for path in (tmp_path / "c").iterdir()] == ["5"]
    assert same(Checkpoints(tmp_path / "c").load(STATE), STATE)


def test_a_state_that_cannot_be_read_is_named(tmp_path):
    Checkpoints(tmp_path / "c").save(5, STATE)
    with pytest.raises(ValueError, match=r"5 cannot be read .*remove it to start over"):
        Checkpoints(tmp_path / "c").load({**STATE, "spins": jnp.zeros((2, 2, 2))})


def test_a_signal_waits_until_the_state_is_written(tmp_path, monkeypatch):
    save = CheckpointManager.save

    def interrupted(*arguments, **options):
        os.kill(os.getpid(), signal.SIGUSR1)
        return save(*arguments, **options)

    monkeypatch.setattr(CheckpointManager, "save", interrupted)
    with Signals(), pytest.raises(Interrupted, match="SIGUSR1"):
        Checkpoints(tmp_path / "c").save(5, STATE)
    assert same(Checkpoints(tmp_path / "c").load(STATE), STATE)
