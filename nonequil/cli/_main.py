"""Entry of the command: signals, exit codes, and which command was meant."""

import difflib
import os
import sys
import traceback
from collections.abc import Callable, Sequence

from ..experiments._programs import keep_programs
from ..experiments._signals import Interrupted, Signals

USAGE = """usage: nonequil COMMAND ...

Nonequilibrium neural dynamics: couplings and entropy production of spike trains, with error bars.

commands:
  fit RECORDING --bin SECONDS ... --out RUN    fit a recording of spike times
  simulate CONFIG --out RUN                    simulate a network (TOML, see configs/)
  run CONFIG --out RUN                         run any experiment that a TOML file describes
  sweep CONFIG --out SWEEP                     run an experiment at many points, here or on a cluster
  status | resume | cancel SWEEP               how a sweep stands; go on with it; stop it
  collect SWEEP [--query SQL]                  the results of a sweep as one Dataset and one table
  list [FOLDER]                                list the runs of a folder (default: runs)
  show RUN                                     print a run: state, result, config
  rerun RUN --out NEW                          repeat a run, bit for bit
  info                                         versions, devices, precision

`nonequil COMMAND --help` says more. --resume finishes a run that was interrupted, --overwrite replaces one.
Runs use all devices of the machine, or --devices N of them; with --distributed several processes are one run.
Compiled programs are kept in the user's cache directory or in JAX_COMPILATION_CACHE_DIR, and nowhere with
JAX_ENABLE_COMPILATION_CACHE=false. Exit codes: 0 done; 1 the run failed; 2 bad input; 130 interrupted.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with these arguments (default: those of the process) and return its exit code.

    0: done; 1: the run failed; 2: bad input, nothing was written over; 128 + n: stopped by signal n (130: Ctrl-C).
    """
    if arguments is None:
        keep_programs()
    signals = Signals()
    with signals:
        code = _guarded(sys.argv[1:] if arguments is None else list(arguments), signals)
        if arguments is None:
            signals.silence()  # the process ends: its exit code is known
    if arguments is None and code > 128:
        _leave(code)
    return code


def _leave(code: int) -> None:
    """End the process at once: threads that still compute for an interrupted run crash an orderly shutdown."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _guarded(arguments: list[str], signals: Signals) -> int:
    try:
        return _dispatch(arguments, signals.check)
    except Interrupted as error:
        return _stopped(error.exit_code)
    except KeyboardInterrupt:
        return _stopped(130)
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else 2
    except Exception as error:
        if signals.received is not None:  # something turned the interruption into an error of its own
            return _stopped(128 + signals.received)
        return _failed(error)


def _stopped(code: int) -> int:
    way = "the same command with --resume (a sweep: `nonequil resume`)"
    print(f"\ninterrupted: {way} goes on from here", file=sys.stderr)
    return code


def _failed(error: Exception) -> int:
    if isinstance(error, (ValueError, OSError)):
        print(f"error: {error}", file=sys.stderr)
        return 2
    if type(error).__name__ != "RunFailed":
        traceback.print_exception(error)
    print(f"run failed: {error}", file=sys.stderr)
    return 1


def _dispatch(arguments: list[str], check: Callable[[], None]) -> int:
    if not arguments or arguments[0] in ("-h", "--help"):
        print(USAGE, end="")
        return 0 if arguments else 2
    from ._commands import COMMANDS

    name, rest = arguments[0], arguments[1:]
    if name == "--version":
        name = "info"
    if name not in COMMANDS:
        close = difflib.get_close_matches(name, COMMANDS, 1)
        near = f"did you mean {close[0]!r}?" if close else f"commands are {', '.join(COMMANDS)}"
        raise ValueError(f"command = {name!r} is unknown: {near}")
    return COMMANDS[name](rest, check)
