import contextlib
import os
import resource
import shutil
import subprocess

import pytest
from faulting import SIZE, Walk, check_whole, kill_at_random, whole_run

from nonequil.cli import main
from nonequil.experiments import RunFolder
from nonequil.experiments._execute import execute

pytestmark = pytest.mark.skipif(os.name == "nt", reason="kill -9")


@pytest.fixture(autouse=True)
def _every_state_is_written(monkeypatch):
    monkeypatch.setenv("NONEQUIL_CHECKPOINT_SECONDS", "0")


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NONEQUIL_CHECKPOINT_SECONDS", "0")
        return whole_run(tmp_path_factory.mktemp("whole") / "run")


def test_a_run_killed_at_any_moment_leaves_nothing_half_written_and_goes_on(tmp_path, reference):
    found = kill_at_random(tmp_path, *reference, times=10, seed=4)
    assert "running" in found  # it was killed at work


@contextlib.contextmanager
def largest_file(size):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_state_that_finds_no_room_is_named_and_the_one_before_goes_on(tmp_path, reference):
    out = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        execute(Walk(), out, check=stop_at(out, step=3))
    with largest_file(SIZE), pytest.raises(OSError, match=r"walk.state/4 cannot be written \(File too large\)"):
        execute(Walk(), out, resume=True)
    assert check_whole(out, reference[0]) == "failed"
    assert os.listdir(out / "checkpoints" / "walk.state") == ["3"]
    execute(Walk(), out, resume=True)
    assert (out / "result.nc").read_bytes() == reference[0]


def test_a_result_that_finds_no_room_is_named_and_only_it_is_missing(tmp_path, reference):
    out = tmp_path / "run"
    with largest_file(20 * SIZE), pytest.raises(OSError, match=r"result.nc cannot be written \(File too large\)"):
        execute(Walk(), out)
    assert check_whole(out, reference[0]) == "failed"
    assert not [path.name for path in out.iterdir() if "result" in path.name]
    execute(Walk(), out, resume=True)
    assert (out / "result.nc").read_bytes() == reference[0]


def stop_at(out, step):
    def check():
        if (out / "checkpoints" / "walk.state" / str(step)).exists():
            raise KeyboardInterrupt

    return check


@pytest.fixture
def small_disk(tmp_path):
    """A disk of its own of 500 kB."""
    mounted = shutil.which("mount") and os.geteuid() == 0
    command = ["mount", "-t", "tmpfs", "-o", "size=500k", "tmpfs", str(tmp_path)]
    if not mounted or subprocess.run(command, capture_output=True).returncode != 0:
        pytest.skip("mounting a small disk needs root")
    yield tmp_path
    subprocess.run(["umount", "--lazy", str(tmp_path)], check=True)


def remount(disk, options):
    subprocess.run(["mount", "-o", f"remount,{options}", str(disk)], check=True)


def test_a_full_or_read_only_disk_is_named_and_the_run_goes_on_once_it_is_mended(small_disk, reference, capsys):
    out = small_disk / "run"
    with pytest.raises(OSError, match="No space left on device"):
        execute(Walk(), out)
    assert check_whole(out, reference[0]) in ("failed", "running")  # there may be no room for a word either
    assert any((out / "checkpoints" / "walk.state").iterdir())
    remount(small_disk, "ro")
    with pytest.raises(OSError, match="Read-only file system"):
        execute(Walk(), out, resume=True)
    assert main(["simulate", "configs/simulate.toml", "--out", str(small_disk / "other")]) == 2
    assert "Read-only file system" in capsys.readouterr().err
    remount(small_disk, "rw,size=20m")
    execute(Walk(), out, resume=True)
    assert RunFolder(out).done
    assert (out / "result.nc").read_bytes() == reference[0]
