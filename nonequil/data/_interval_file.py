"""Epochs from a file."""

from pathlib import Path

import numpy as np

from ._errors import DataError, RecordingNotFound


def read_epochs(path: Path) -> np.ndarray:
    """Pairs (start, stop) in seconds from .npy, .npz (`epochs`) or text with two columns, with a header line or not.

    Raises DataError if the file is missing or holds no pairs.
    """
    if not path.is_file():
        raise RecordingNotFound(f"epochs = {path}: no such file")
    try:
        pairs = _loaded(path)
    except (ValueError, OSError, KeyError, EOFError) as error:
        raise DataError(f"epochs = {path}: unreadable ({error}): write two columns, start and stop") from error
    if pairs.ndim != 2 or pairs.shape[1] != 2:
        raise DataError(f"epochs = {path}: expected two columns, start and stop, found shape {pairs.shape}")
    return pairs


def _loaded(path: Path) -> np.ndarray:
    if path.suffix == ".npz":
        with np.load(path, allow_pickle=False) as archive:
            return archive["epochs"]
    if path.suffix == ".npy":
        return np.load(path, allow_pickle=False)
    lines = [line.replace(",", " ").replace(";", " ").split() for line in path.read_text().splitlines()]
    lines = [line for line in lines if line and not line[0].startswith("#")]
    if lines and not _is_number(lines[0][0]):
        lines = lines[1:]
    return np.array(lines, dtype=np.float64)


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True
