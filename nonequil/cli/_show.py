"""What `list`, `show` and `info` print."""

import sys
from pathlib import Path

from ..experiments._environment import environment
from ..experiments._execute import read_result
from ..experiments._folder import CONFIG, RunFolder
from ..experiments._kinds import as_experiment
from ..experiments._sweep import is_sweep
from ..experiments._sweep_status import sweep_summary
from ..experiments._toml import read_toml


def list_text(folder: Path) -> str:
    """One line a run: name, kind, state, when it last moved, message. Raises OSError if there is no such folder."""
    if not folder.is_dir():
        raise FileNotFoundError(f"folder = {folder}: no such folder")
    runs = [RunFolder(path) for path in sorted(folder.iterdir()) if (path / CONFIG).exists()]
    if not runs:
        return f"no runs in {folder}"
    rows = [("run", "experiment", "state", "updated", "message")]
    for run in runs:
        status = sweep_summary(run.path) if is_sweep(run.path) else run.status
        kind = str(read_toml(run.path / CONFIG).get("experiment", "?"))
        rows.append((run.path.name, kind, status["state"], status.get("updated", ""), status.get("message", "")))
    widths = [max(len(row[k]) for row in rows) for k in range(4)]
    return "\n".join(
        "  ".join([*(cell.ljust(w) for cell, w in zip(row, widths, strict=False)), row[4]]).rstrip() for row in rows
    )


def show_text(run: RunFolder) -> str:
    """State, result in plain English if there is one, and config of a run."""
    status = run.status
    lines = [f"{run.path}: {status['state']}" + (f" ({status['message']})" if status.get("message") else "")]
    if run.done:
        experiment = as_experiment(read_toml(run.path / CONFIG), source=str(run.path / CONFIG))
        lines += ["", experiment.describe(read_result(run.path))]
    lines += ["", f"{CONFIG}:", *("  " + line for line in (run.config or "").splitlines())]
    return "\n".join(lines)


def info_text() -> str:
    """Versions, devices and precision that the command runs with."""
    import jax

    with jax.enable_x64(True):
        found = environment(0, [])
    lines = [f"{name} {version}" for name, version in found["versions"].items()]
    lines += [f"platform {found['platform']}", f"processors {found['cpu_count']}", f"backend {found['backend']}"]
    lines += [f"device {device}" for device in found["devices"]]
    lines += ["precision float64 (the command's default; --precision float32 halves the memory)"]
    lines += [f"executable {sys.executable}"]
    return "\n".join(lines)
