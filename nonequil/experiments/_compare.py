"""Whether two runs are the same, bit for bit."""

from pathlib import Path

from ._folder import CHECKPOINTS, ENVIRONMENT, STATUS

OWN = {STATUS, ENVIRONMENT}  # when and where a run was made is its own


def differences(before: Path, after: Path) -> list[str]:
    """Names of the files that are not the same bytes in two run folders, or stand in one of them alone.

    Times and machine (`status.json`, `env.json`) and checkpoints are not compared.
    """
    files = ((folder, file) for folder in (before, after) for file in folder.rglob("*") if file.is_file())
    names = {str(file.relative_to(folder)) for folder, file in files}
    compared = sorted(name for name in names - OWN if Path(name).parts[0] != CHECKPOINTS)
    return [name for name in compared if not _equal(before / name, after / name)]


def _equal(a: Path, b: Path) -> bool:
    return a.is_file() and b.is_file() and a.read_bytes() == b.read_bytes()
