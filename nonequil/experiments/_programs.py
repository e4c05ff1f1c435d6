"""Where the command and its jobs keep compiled programs between runs."""

import contextlib
import hashlib
import os
import platform
import re
import sys
import tempfile
from pathlib import Path

ENABLED = "JAX_ENABLE_COMPILATION_CACHE"
FOLDER, SHORTEST = "JAX_COMPILATION_CACHE_DIR", "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"
OWN = re.compile(r"programs-[0-9a-f]*")
MOST = 4000  # programs that are kept, the newest


def keep_programs() -> None:
    """Ask jax, before it is read, to keep compiled programs in the user's cache directory.

    A folder that the user named in `JAX_COMPILATION_CACHE_DIR` is left as it is; one that the command named on another
    kind of processor, as on the login node of a cluster, is exchanged for one of this kind. Nothing is kept where
    `JAX_ENABLE_COMPILATION_CACHE` is false or where the folder cannot be written. Programs are the same bits whether
    compiled or read, so results are too.
    """
    off = os.environ.get(ENABLED, "true").lower() in ("0", "f", "false", "n", "no", "off")
    if off or "jax" in sys.modules or not OWN.fullmatch(Path(os.environ.get(FOLDER, "programs-")).name):
        return
    os.environ.pop(FOLDER, None)
    with contextlib.suppress(OSError, RuntimeError):  # RuntimeError: no home
        folder = cache_directory() / "nonequil" / f"programs-{processor()}"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            os.environ[FOLDER] = str(folder)
        os.environ.setdefault(SHORTEST, "0")
        _trim(folder)


def cache_directory() -> Path:
    """The directory for what may be thrown away. Raises RuntimeError if the user has no home."""
    if "XDG_CACHE_HOME" in os.environ:
        return Path(os.environ["XDG_CACHE_HOME"])
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    return Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache")


def processor() -> str:
    """A name of this kind of processor: homes are shared between machines, machine code is not."""
    described = platform.machine() + platform.processor()
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
        wanted = ("model name", "flags", "Features", "CPU part")
        described += "".join(sorted({line for line in lines if line.startswith(wanted)}))
    return hashlib.sha256(described.encode()).hexdigest()[:12]


def _trim(folder: Path) -> None:
    """Remove the oldest programs beyond `MOST`."""
    ages = [(entry.stat().st_mtime, entry.path) for entry in os.scandir(folder) if entry.is_file()]
    for _, path in sorted(ages)[: max(len(ages) - MOST, 0)]:
        Path(path).unlink(missing_ok=True)
