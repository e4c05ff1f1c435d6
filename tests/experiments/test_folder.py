import subprocess
import sys

import pytest

from nonequil.experiments import RunFolder, claim

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
