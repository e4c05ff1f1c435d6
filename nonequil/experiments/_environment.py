"""What a run ran on: versions, devices, precision, inputs."""

import hashlib
import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from ._store import read_json, write_json

PACKAGES = ("jax", "jaxlib", "equinox", "optax", "numpy", "scipy", "xarray", "h5netcdf", "matplotlib")


def versions() -> dict[str, str]:
    """Versions of this package, Python and what numbers depend on."""
    from .. import __version__

    found = {"nonequil": __version__, "python": platform.python_version()}
    return found | {name: metadata.version(name) for name in PACKAGES}


def environment(seed: int, inputs: list[Path]) -> dict[str, Any]:
    """Versions, devices, precision, commit, seed and a digest of each input file, for `env.json`."""
    import jax

    return {
        "versions": versions(),
        "platform": platform.platform(),
        "cpu_count": os.cpu_count(),
        "backend": jax.default_backend(),
        "devices": [f"{device.platform}:{device.id} {device.device_kind}" for device in jax.devices()],
        "x64": bool(jax.config.jax_enable_x64),  # type: ignore[attr-defined]
        "git_commit": git_commit(Path(__file__).parent),
        "seed": seed,
        "command": sys.argv,
        "inputs": digests(inputs),
    }


def record_usage(path: Path, stages: dict[str, float], total: float) -> None:
    """Add to `env.json` the seconds that a process spent, on each piece and in all, and its peak of memory.

    A run that was stopped and went on has the sums over its processes, and the largest peak.
    """
    kept = read_json(path) or {}
    before = kept.get("usage", {"processes": 0, "total_s": 0.0, "stages_s": {}, "memory_peak_mb": {}})
    names, peaks = {**before["stages_s"], **stages}, memory_peaks()
    usage = {
        "processes": before["processes"] + 1,
        "total_s": round(before["total_s"] + total, 3),
        "stages_s": {name: round(before["stages_s"].get(name, 0.0) + stages.get(name, 0.0), 3) for name in names},
        "memory_peak_mb": {name: max(peak, before["memory_peak_mb"].get(name, 0.0)) for name, peak in peaks.items()},
    }
    write_json(path, {**kept, "usage": usage})


def memory_peaks() -> dict[str, float]:
    """Largest memory of this process so far, and of each device that says so. Unit: megabytes (10^6 bytes)."""
    import jax

    peaks = {"process": _process_peak()}
    for device in jax.local_devices():
        statistics = device.memory_stats() or {}
        if "peak_bytes_in_use" in statistics:
            peaks[f"{device.platform}:{device.id}"] = round(statistics["peak_bytes_in_use"] / 1e6, 1)
    return peaks


def _process_peak() -> float:
    if sys.platform == "win32":
        return 0.0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # kilobytes on Linux, bytes on macOS
    return round(peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6, 1)


def digests(inputs: list[Path]) -> dict[str, str]:
    """Digest of each input that exists; whoever reads a missing one says so."""
    return {str(path): digest(path) for path in inputs if path.exists()}


def digest(path: Path) -> str:
    """SHA-256 of a file or of all files of a folder."""
    total = hashlib.sha256()
    for file in [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file()):
        with file.open("rb") as stream:
            for block in iter(lambda: stream.read(1 << 20), b""):
                total.update(block)
    return total.hexdigest()


def git_commit(folder: Path) -> str | None:
    """Commit of the checkout that holds `folder`, with `+` if files differ from it; None outside a checkout."""
    try:
        commit = _git(folder, "rev-parse", "HEAD")
        return commit + ("+" if _git(folder, "status", "--porcelain", "--untracked-files=no", ".") else "")
    except (OSError, subprocess.SubprocessError):
        return None


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=10).stdout.strip()
