"""TOML: configs read with the near miss of a wrong key, and written back."""

import difflib
import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

Config = TypeVar("Config", bound=BaseModel)


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a TOML file. Raises OSError or ValueError naming the file."""
    if not path.is_file():
        raise FileNotFoundError(f"config = {path}: no such file")
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"config = {path}: not valid TOML: {error}") from None


def to_toml(table: dict[str, Any], prefix: str = "") -> str:
    """TOML of nested dicts of text, numbers, booleans and lists; keys whose value is None are left out."""
    plain = {key: value for key, value in table.items() if value is not None and not isinstance(value, dict)}
    lines = [f"{key} = {toml_value(value)}" for key, value in plain.items()]
    for key, value in table.items():
        if isinstance(value, dict):
            lines += ["", f"[{prefix}{key}]", to_toml(value, f"{prefix}{key}.").rstrip("\n")]
    return "\n".join(lines) + "\n"


def toml_value(value: Any) -> str:
    """A value in TOML."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(toml_value, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {toml_value(inner)}" for key, inner in value.items()) + "}"
    return json.dumps(str(value), ensure_ascii=False)


def validate(config: type[Config], table: dict[str, Any], source: str) -> Config:
    """`table` as a config. Raises ValueError naming the source, the key, its value; for a wrong key, the near one."""
    try:
        return config.model_validate(table)
    except ValidationError as error:
        raise ValueError(f"{source}: " + "; ".join(explain(config, error))) from None


def explain(config: type[BaseModel], error: ValidationError) -> Iterator[str]:
    """One sentence for each fault that a validation found."""
    faults = error.errors()
    for fault in faults:
        if any(other["loc"][: len(fault["loc"])] == fault["loc"] != other["loc"] for other in faults):
            continue  # a tuple is called too short because an item of it is wrong
        key = ".".join(str(part) for part in fault["loc"])
        if fault["type"] == "extra_forbidden":
            yield f"unknown key {key!r}" + near_miss(key, known_keys(config))
        elif fault["type"] == "value_error":
            yield str(fault["ctx"]["error"])
        elif fault["type"] == "missing":
            yield f"{key} is missing: set it"
        else:
            yield f"{key} = {fault['input']!r}: {fault['msg'][0].lower()}{fault['msg'][1:]}"


def known_keys(config: type[BaseModel], prefix: str = "") -> list[str]:
    """Dotted names of all keys of a config, of every table it may hold."""
    keys: list[str] = []
    for name, field in config.model_fields.items():
        keys.append(prefix + name)
        for table in _tables(field.annotation):
            keys += known_keys(table, f"{prefix}{name}.")
    return keys


def _tables(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [table for part in getattr(annotation, "__args__", ()) for table in _tables(part)]


def near_miss(key: str, known: list[str]) -> str:
    """What a wrong key was meant to be, or the known ones."""
    last = key.rsplit(".", 1)[-1]
    by_last = {name.rsplit(".", 1)[-1]: name for name in reversed(known)}
    close = difflib.get_close_matches(key, known, 1) or [
        by_last[name] for name in difflib.get_close_matches(last, list(by_last), 1)
    ]
    return f": did you mean {close[0]!r}?" if close else f": known keys are {', '.join(known)}"
