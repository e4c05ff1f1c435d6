"""Compiled programs on the disk: where they go, when they do not, and that they change no bit."""

import os
import subprocess
import sys

from nonequil.experiments import _programs
from nonequil.experiments._compare import differences

FREE = {name: value for name, value in os.environ.items() if not name.startswith("JAX_")} | {"JAX_PLATFORMS": "cpu"}


def asked(monkeypatch, **environment):
    """The folder that jax is asked to use."""
    for name in (_programs.ENABLED, _programs.FOLDER, _programs.SHORTEST, "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.setattr(sys, "modules", {name: module for name, module in sys.modules.items() if name != "jax"})
    _programs.keep_programs()
    found = os.environ.get(_programs.FOLDER)
    monkeypatch.setenv(_programs.FOLDER, "")  # so that what was set goes away with the test
    monkeypatch.setenv(_programs.SHORTEST, "")
    return found


def test_programs_go_to_the_cache_of_the_user(monkeypatch, tmp_path):
    folder = asked(monkeypatch, XDG_CACHE_HOME=tmp_path)
    assert folder == str(tmp_path / "nonequil" / f"programs-{_programs.processor()}")
    assert os.stat(folder).st_mode & 0o077 == 0


def test_a_folder_that_the_user_names_stays(monkeypatch, tmp_path):
    assert asked(monkeypatch, JAX_COMPILATION_CACHE_DIR="mine", XDG_CACHE_HOME=tmp_path) == "mine"
    assert not list(tmp_path.iterdir())


def test_a_folder_of_another_processor_is_exchanged(monkeypatch, tmp_path):
    login = str(tmp_path / "nonequil" / "programs-0123456789ab")
    folder = asked(monkeypatch, JAX_COMPILATION_CACHE_DIR=login, XDG_CACHE_HOME=tmp_path)
    assert folder == str(tmp_path / "nonequil" / f"programs-{_programs.processor()}")


def test_nothing_is_kept_where_it_is_turned_off(monkeypatch, tmp_path):
    assert asked(monkeypatch, JAX_ENABLE_COMPILATION_CACHE="false", XDG_CACHE_HOME=tmp_path) is None
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_is_left_out(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    assert asked(monkeypatch, XDG_CACHE_HOME=tmp_path / "file") is None


def test_the_oldest_programs_go(monkeypatch, tmp_path):
    monkeypatch.setattr(_programs, "MOST", 2)
    for age, name in enumerate("abc"):
        (tmp_path / name).write_text("")
        os.utime(tmp_path / name, (1000 - age, 1000 - age))
    _programs._trim(tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == {"a", "b"}


def test_runs_with_kept_programs_are_the_same_bits(simulate_arguments, simulate_run, tmp_path):
    environment = FREE | {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    kept = []
    for name in ("writes", "reads"):
        command = [sys.executable, "-m", "nonequil.cli", *simulate_arguments, "--out", str(tmp_path / name)]
        subprocess.run(command, check=True, capture_output=True, env=environment)
        assert not differences(simulate_run, tmp_path / name)
        kept.append({file.name for file in (tmp_path / "cache").rglob("*-cache")})
    assert len(kept[0]) > 5
    assert kept[1] == kept[0]
