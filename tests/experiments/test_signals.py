import contextlib
import os
import signal

import pytest

from nonequil.experiments import Interrupted, Signals
from nonequil.experiments._signals import held


@pytest.mark.parametrize(
    "signum, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGUSR1, 138), (signal.SIGUSR2, 140)]
)
def test_a_signal_becomes_an_exception_with_its_exit_code(signum, code):
    before = signal.getsignal(signum)
    with Signals() as signals:
        with pytest.raises(Interrupted) as caught:
            os.kill(os.getpid(), signum)
        assert caught.value.exit_code == code
        with pytest.raises(Interrupted):
            signals.check()
    assert signal.getsignal(signum) is before


def test_a_swallowed_signal_is_remembered():
    with Signals() as signals:
        with contextlib.suppress(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(Interrupted):
            signals.check()


def test_an_echo_does_not_interrupt_the_clean_up():
    with Signals():
        with pytest.raises(Interrupted):
            os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)


def test_silence_lasts():
    before = signal.getsignal(signal.SIGINT)
    with Signals() as signals:
        signals.silence()
    try:
        os.kill(os.getpid(), signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
        for signum in (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2):
            signal.signal(signum, signal.SIG_DFL)


def test_a_signal_waits_for_what_must_be_finished():
    done = []

    def work():
        with held():
            os.kill(os.getpid(), signal.SIGTERM)
            done.append(1)
        done.append(2)

    with Signals(), pytest.raises(Interrupted, match="SIGTERM"):
        work()
    assert done == [1]
