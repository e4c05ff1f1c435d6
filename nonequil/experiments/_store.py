"""Files that are whole or absent, and plain trees of arrays kept in them."""

import contextlib
import json
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np


def write_whole(path: Path, write: Callable[[Path], Any]) -> None:
    """Let `write` fill a temporary file, flush it to the disk, then rename it: `path` is whole or untouched.

    Raises OSError naming the file where the disk is full or the folder cannot be written.
    """
    part = path.with_name(f".{path.stem}.part{path.suffix}")
    try:
        write(part)
        _flush(part)
        os.replace(part, path)
        _flush(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)  # a full disk needs the room
        if error.errno is None:
            raise
        reason = f"{path} cannot be written ({error.strerror or error}): make room or mend the folder"
        raise type(error)(error.errno, reason) from error


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all."""
    write_whole(path, lambda part: part.write_text(text, encoding="utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Write strict JSON (no NaN), whole or not at all. Raises ValueError for a number that JSON cannot hold."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """The value of a JSON file, None if there is no such file."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def number(x: Any) -> float | None:
    """A float for JSON, None where it is not finite."""
    value = float(x)
    return value if math.isfinite(value) else None


def save_tree(path: Path, tree: Any) -> None:
    """Keep dicts, lists, text, numbers and arrays in one .npz file, every bit of them, without pickle."""
    arrays: dict[str, np.ndarray] = {}
    skeleton = json.dumps(_pack(tree, arrays))
    write_whole(path, lambda part: np.savez(part, skeleton=np.array(skeleton), **arrays))  # type: ignore[arg-type]


def load_tree(path: Path) -> Any:
    """What `save_tree` kept: arrays come back as NumPy arrays, tuples as lists."""
    with np.load(path, allow_pickle=False) as arrays:
        return _unpack(json.loads(str(arrays["skeleton"])), arrays)


def plain(tree: Any) -> Any:
    """`tree` as it would come back from a file, without the file."""
    arrays: dict[str, np.ndarray] = {}
    return _unpack(_pack(tree, arrays), arrays)


def _pack(tree: Any, arrays: dict[str, np.ndarray]) -> Any:
    if isinstance(tree, dict):
        return {"dict": [[name, _pack(value, arrays)] for name, value in tree.items()]}
    if isinstance(tree, (list, tuple)):
        return {"list": [_pack(value, arrays) for value in tree]}
    if tree is None or isinstance(tree, (str, bool, int, float)):
        return {"value": tree}
    name = f"array_{len(arrays)}"
    arrays[name] = np.asarray(tree)
    if arrays[name].dtype == object:
        raise TypeError(f"{type(tree).__name__} cannot be kept in a file: make it an array, a number or text")
    return {"array": name}


def _unpack(skeleton: Any, arrays: Any) -> Any:
    ((kind, value),) = skeleton.items()
    if kind == "dict":
        return {name: _unpack(item, arrays) for name, item in value}
    if kind == "list":
        return [_unpack(item, arrays) for item in value]
    return arrays[value] if kind == "array" else value


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
