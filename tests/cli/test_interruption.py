import os
import signal

import pytest
from interrupting import check_interruption, stop_after

from nonequil.cli import main
from nonequil.experiments import RunFolder, _stages, _store, differences


class Stop:
    """Stands in for a function: calls it, and sends this process a signal at the n-th call, before or after it."""

    def __init__(self, function, at, after=True, signum=signal.SIGINT):
        self.function, self.at, self.after, self.signum, self.calls = function, at, after, signum, 0

    def __call__(self, *arguments):
        self.calls += 1
        if self.calls == self.at and not self.after:
            os.kill(os.getpid(), self.signum)
        value = self.function(*arguments)
        if self.calls == self.at and self.after:
            os.kill(os.getpid(), self.signum)
        return value


def stopping(method):
    """A method of `Stages` that is followed by a signal."""

    def call(self, *arguments):
        method(self, *arguments)
        os.kill(os.getpid(), signal.SIGINT)

    return call


def resumed_until_done(arguments, out, monkeypatch, capsys):
    """Stop after each piece that becomes known, again and again; the number of times it took."""
    for name in ("save", "keep"):
        monkeypatch.setattr(_stages.Stages, name, stopping(getattr(_stages.Stages, name)))
    for times in range(100):
        code = main([*arguments, "--out", str(out), "--resume"])
        if code == 0:
            return times
        assert code == 130
        assert RunFolder(out).status["state"] == "interrupted"
        assert not (out / "result.nc").exists()
        assert "--resume" in capsys.readouterr().err
    raise AssertionError("it never ends")


@pytest.mark.parametrize("kind, stops", [("simulate", 4), ("fit", 9)])
def test_a_run_stopped_at_every_checkpoint_is_the_same_run(request, tmp_path, kind, stops, monkeypatch, capsys):
    arguments, whole = (request.getfixturevalue(f"{kind}_{what}") for what in ("arguments", "run"))
    assert resumed_until_done(arguments, tmp_path / "run", monkeypatch, capsys) == stops
    assert differences(whole, tmp_path / "run") == []
    assert not (tmp_path / "run" / "checkpoints").exists()


def test_a_run_stopped_after_each_rename_in_turn_is_the_same_run(
    simulate_arguments, simulate_run, tmp_path, monkeypatch
):
    out, replace = tmp_path / "run", os.replace
    for at in range(1, 100):
        stop = Stop(replace, at)
        monkeypatch.setattr(_store.os, "replace", stop)
        code = main([*simulate_arguments, "--out", str(out), "--resume"])
        if stop.calls < at:
            break
        assert code == 130
    assert code == 0
    assert at > 5
    assert differences(simulate_run, out) == []


def test_a_fit_stopped_while_its_report_is_written_is_the_same_run(fit_arguments, fit_run, tmp_path, monkeypatch):
    out, replace = tmp_path / "run", os.replace
    for at, after in ((14, True), (9, False), (15, False)):  # among the pieces, the figures, before it is called done
        monkeypatch.setattr(_store.os, "replace", Stop(replace, at, after, signal.SIGTERM))
        assert main([*fit_arguments, "--out", str(out), "--resume"]) == 143
        assert not RunFolder(out).done
    monkeypatch.setattr(_store.os, "replace", replace)
    assert main([*fit_arguments, "--out", str(out), "--resume"]) == 0
    assert differences(fit_run, out) == []


def test_a_signal_that_becomes_another_error_is_still_an_interruption(simulate_arguments, tmp_path, monkeypatch):
    def broken(stages, name, step, state):
        try:
            os.kill(os.getpid(), signal.SIGINT)
        except KeyboardInterrupt:
            raise RuntimeError("could not save") from None

    monkeypatch.setattr(_stages.Stages, "keep", broken)
    assert main([*simulate_arguments, "--out", str(tmp_path / "run")]) == 130


def test_handlers_are_restored(tmp_path):
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    assert main(["list", str(tmp_path)]) == 0
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_a_process_stopped_while_it_runs_is_the_same_run(simulate_arguments, simulate_run, tmp_path):
    check_interruption(simulate_arguments, simulate_run, tmp_path / "run", 3.0)


def test_a_fit_process_stopped_while_it_runs_can_go_on(fit_arguments, tmp_path):
    code = stop_after([*fit_arguments, "--out", str(tmp_path / "run")], 1.0)
    assert code in (130, -signal.SIGINT)  # on a busy machine the interpreter itself is still starting
    assert RunFolder(tmp_path / "run").status["state"] in ("empty", "interrupted")
