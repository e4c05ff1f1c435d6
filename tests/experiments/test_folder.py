import os
import socket
import subprocess
import sys
import threading
import time

import pytest

from nonequil.experiments import RunFolder, claim
from nonequil.experiments._heart import beating, heart_beats
from nonequil.experiments._lock import held_elsewhere, locked

CONFIG, OTHER = "seed = 0\n[a]\nn = 1\n", "seed = 0\n[a]\nn = 2\n"


def finished(path, config=CONFIG, content="old"):
    with claim(path, config) as folder:
        (folder.path / "result").write_text(content)
    return path


def leave(path, error, **options):
    """A run that keeps one checkpoint and then breaks."""

    def run():
        with claim(path, CONFIG, **options) as folder:
            folder.checkpoints.mkdir(exist_ok=True)
            (folder.checkpoints / "a.npz").write_text("kept")
            raise error

    with pytest.raises(type(error)):
        run()


def states(path):
    return sorted(p.name for p in path.parent.iterdir())


def test_a_run_is_done_and_its_checkpoints_are_gone(tmp_path):
    with claim(tmp_path / "deep" / "run", CONFIG) as folder:
        assert folder.status["state"] == "running"
        folder.checkpoints.mkdir()
    assert folder.done
    assert folder.config == CONFIG
    assert not folder.checkpoints.exists()


def test_an_existing_folder_is_refused(tmp_path):
    path = finished(tmp_path / "run")
    with pytest.raises(ValueError, match="exists: give --resume"), claim(path, CONFIG):
        pass
    assert (path / "result").read_text() == "old"


@pytest.mark.parametrize("options", [{"overwrite": True}, {"resume": True}])
def test_a_folder_of_something_else_is_never_touched(tmp_path, options):
    (tmp_path / "precious").write_text("data")
    with pytest.raises(ValueError, match="no run folder"), claim(tmp_path, CONFIG, **options):
        pass
    assert (tmp_path / "precious").read_text() == "data"


def test_a_file_in_the_way_is_refused(tmp_path):
    (tmp_path / "run").write_text("data")
    with pytest.raises(ValueError, match="exists"), claim(tmp_path / "run", CONFIG, overwrite=True):
        pass


def test_resume_wants_the_same_config(tmp_path):
    path = finished(tmp_path / "run")
    with pytest.raises(ValueError, match=r"another config.*n = 1; n = 2"), claim(path, OTHER, resume=True):
        pass
    assert RunFolder(path).done


def test_resume_of_nothing_starts(tmp_path):
    with claim(tmp_path / "run", CONFIG, resume=True):
        pass
    assert RunFolder(tmp_path / "run").done


def test_resume_and_overwrite_exclude_each_other(tmp_path):
    with pytest.raises(ValueError, match="exclude"), claim(tmp_path / "run", CONFIG, resume=True, overwrite=True):
        pass


def test_a_refused_run_leaves_nothing(tmp_path):
    with pytest.raises(ValueError, match="bad"), claim(tmp_path / "run", CONFIG):
        raise ValueError("bad input")
    assert states(tmp_path / "run") == []


def test_a_refused_overwrite_gives_the_old_run_back(tmp_path):
    path = finished(tmp_path / "run")
    with pytest.raises(OSError, match="bad"), claim(path, OTHER, overwrite=True):
        raise OSError("bad input")
    assert (path / "result").read_text() == "old"
    assert RunFolder(path).config == CONFIG
    assert states(path) == ["run"]


def test_overwrite_replaces(tmp_path):
    path = finished(tmp_path / "run")
    with claim(path, OTHER, overwrite=True) as folder:
        (folder.path / "new").write_text("new")
    assert RunFolder(path).config == OTHER
    assert not (path / "result").exists()
    assert states(path) == ["run"]


def test_an_interrupted_overwrite_can_be_resumed_and_the_old_run_goes_only_then(tmp_path):
    path = finished(tmp_path / "run", OTHER)
    leave(path, KeyboardInterrupt(), overwrite=True)
    assert RunFolder(path).status["state"] == "interrupted"
    assert (tmp_path / ".run.replaced" / "result").read_text() == "old"
    with claim(path, CONFIG, resume=True) as folder:
        assert (folder.checkpoints / "a.npz").exists()
    assert states(path) == ["run"]


def test_a_crash_between_the_two_moves_is_healed(tmp_path):
    path = finished(tmp_path / "run")
    path.rename(tmp_path / ".run.replaced")
    with pytest.raises(ValueError, match="exists"), claim(path, CONFIG):
        pass
    assert (path / "result").read_text() == "old"


@pytest.mark.parametrize(
    "error, state",
    [(RuntimeError("boom"), "failed"), (KeyboardInterrupt("SIGINT"), "interrupted"), (OSError("full"), "failed")],
)
def test_a_broken_run_says_so_and_can_be_resumed(tmp_path, error, state):
    leave(tmp_path / "run", error)
    status = RunFolder(tmp_path / "run").status
    assert status["state"] == state
    assert str(error) in status["message"]
    with claim(tmp_path / "run", CONFIG, resume=True) as folder:
        assert (folder.checkpoints / "a.npz").exists()
    assert folder.done


def test_a_process_stopped_in_its_first_moments_can_be_resumed(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / ".config.part.toml").write_text("se")
    with claim(tmp_path / "run", CONFIG, resume=True):
        pass
    assert RunFolder(tmp_path / "run").config == CONFIG


@pytest.mark.skipif(sys.platform == "win32", reason="no flock")
def test_two_processes_never_write_the_same_run(tmp_path):
    code = (
        "import sys; from pathlib import Path; from nonequil.experiments import claim\n"
        f"try:\n    with claim(Path({str(tmp_path / 'run')!r}), {CONFIG!r}, **{{sys.argv[1]: True}}): pass\n"
        "except ValueError as error: print(error)"
    )
    with claim(tmp_path / "run", CONFIG):
        for option in ("resume", "overwrite"):
            told = subprocess.run([sys.executable, "-c", code, option], capture_output=True, text=True)
            assert "being written by another process" in told.stdout, told.stderr
    assert RunFolder(tmp_path / "run").done


def test_a_status_says_who_works_and_whether_it_lives(tmp_path):
    with claim(tmp_path / "run", CONFIG) as folder:
        assert folder.alive
        assert (folder.status["host"], folder.status["pid"]) == (socket.gethostname(), os.getpid())
    assert not folder.alive
    folder.mark("running")
    assert not folder.alive  # nobody holds it: the process died


def from_another_host(path, seconds_ago):
    RunFolder(path).mark("running")
    status = path / "status.json"
    status.write_text(status.read_text().replace(f'"host": "{socket.gethostname()}"', '"host": "node7"'))
    os.utime(status, (time.time() - seconds_ago,) * 2)


def test_a_run_of_another_host_is_refused_while_its_heart_beats(tmp_path):
    path = tmp_path / "run"
    leave(path, RuntimeError())
    from_another_host(path, seconds_ago=5)
    assert RunFolder(path).alive
    with (
        pytest.raises(ValueError, match=r"written by process \d+ on node7.*silent for 60 s"),
        claim(path, CONFIG, resume=True),
    ):
        pass
    from_another_host(path, seconds_ago=100)
    assert not RunFolder(path).alive
    with claim(path, CONFIG, resume=True):
        pass
    assert RunFolder(path).done


def test_a_heart_beats_while_it_works(tmp_path):
    (tmp_path / "status").write_text("running")
    os.utime(tmp_path / "status", (0, 0))
    with beating(tmp_path / "status", every=0.01):
        time.sleep(0.2)
        assert heart_beats(tmp_path / "status")
    os.utime(tmp_path / "status", (0, 0))
    time.sleep(0.05)
    assert not heart_beats(tmp_path / "status")


@pytest.mark.parametrize("found, way_out", [("1", "older nonequil"), ("3", "newer nonequil: install it")])
def test_a_folder_of_another_format_is_not_resumed(tmp_path, found, way_out):
    path = tmp_path / "run"
    leave(path, RuntimeError())
    status = path / "status.json"
    status.write_text(status.read_text().replace('"format": 2', f'"format": {found}'))
    before = status.read_bytes()
    with pytest.raises(ValueError, match=f"has format {found}, this is 2.*{way_out}"), claim(path, CONFIG, resume=True):
        pass
    assert status.read_bytes() == before


@pytest.mark.skipif(sys.platform == "win32", reason="no flock")
def test_looking_at_a_folder_does_not_stop_who_wants_to_work(tmp_path):
    path = tmp_path / "run"
    path.mkdir()
    look = threading.Thread(target=lambda: [held_elsewhere(path) for _ in range(2000)])
    look.start()
    for _ in range(50):
        with locked(path):
            pass
    look.join()
