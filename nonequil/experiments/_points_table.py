"""What stands in the table of a sweep instead of a list: ranges, and laws to draw from."""

import dataclasses
import hashlib
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from ._base import Config
from ._toml import near_miss, validate

MOST = 10**7
"""Values of one key: beyond, a list is a slip of the pen that would fill the memory."""

Law = Callable[[np.random.Generator, Any, Any, int], np.ndarray]


class Range(Config):
    """Equally spaced values, both ends included; integers if both ends and the steps are."""

    start: int | float
    """First value."""
    stop: int | float
    """Last value."""
    points: int = Field(ge=2, le=MOST)
    """Number of values."""

    @classmethod
    def read(cls, table: dict[str, Any], what: str) -> "Range":
        """A range. Raises ValueError naming its key."""
        return validate(cls, table, what)

    def values(self) -> list[Any]:
        """The values."""
        if isinstance(self.start, int) and isinstance(self.stop, int):
            step, rest = divmod(self.stop - self.start, self.points - 1)
            if rest == 0:
                return [self.start + k * step for k in range(self.points)]
        return np.linspace(self.start, self.stop, self.points).tolist()


def _uniform(rng: np.random.Generator, low: Any, high: Any, count: int) -> np.ndarray:
    return low + (high - low) * rng.random(count)


def _log_uniform(rng: np.random.Generator, low: Any, high: Any, count: int) -> np.ndarray:
    if not low > 0:
        raise ValueError(f"both ends must be above zero, found {low}")
    return np.exp(_uniform(rng, np.log(low), np.log(high), count))


def _integers(rng: np.random.Generator, low: Any, high: Any, count: int) -> np.ndarray:
    if not isinstance(low, int) or not isinstance(high, int):
        raise ValueError(f"both ends must be integers, found {low} and {high}")
    return low + np.floor(rng.random(count) * (high - low + 1)).astype(int)


@dataclasses.dataclass(frozen=True)
class Draw:
    """Random values of one key: each key has a stream of its own, so more draws or keys do not change those before."""

    LAWS: ClassVar[dict[str, Law]] = {"uniform": _uniform, "log_uniform": _log_uniform, "integers": _integers}

    key: str
    law: str
    low: Any
    high: Any
    count: int
    seed: int

    def values(self) -> list[Any]:
        """The draws."""
        name = int.from_bytes(hashlib.sha256(self.key.encode()).digest()[:8], "big")
        return self.LAWS[self.law](np.random.default_rng([self.seed, name]), self.low, self.high, self.count).tolist()


class _Counts(Config):
    """How many draws, of which seed."""

    count: int = Field(ge=1, le=MOST)
    seed: int = Field(default=0, ge=0)


def random_table(table: dict[str, Any], source: str) -> dict[str, Draw]:
    """The draws that `[sweep.random]` asks for: `count`, `seed`, and a law for each key, `uniform = [low, high]`.

    Raises ValueError naming source, key and value.
    """
    if not table:
        return {}
    counts = validate(_Counts, {key: table[key] for key in ("count", "seed") if key in table}, source)
    laws = {key: law for key, law in table.items() if key not in ("count", "seed")}
    if not laws:
        raise ValueError(f'{source}: no key is drawn: add one, as in "model.beta" = {{ uniform = [0.5, 2.0] }}')
    return {key: _draw(key, law, counts, f"{source}.{key}") for key, law in laws.items()}


def _draw(key: str, law: Any, counts: _Counts, what: str) -> Draw:
    if not isinstance(law, dict) or len(law) != 1:
        raise ValueError(f"{what} = {law!r}: give one law, {', '.join(Draw.LAWS)}, as in {{ uniform = [0.5, 2.0] }}")
    ((name, ends),) = law.items()
    if name not in Draw.LAWS:
        raise ValueError(f"{what}: unknown law {name!r}{near_miss(name, list(Draw.LAWS))}")
    numbers = isinstance(ends, list) and all(isinstance(x, (int, float)) and not isinstance(x, bool) for x in ends)
    if not numbers or len(ends) != 2 or not ends[0] <= ends[1] or not np.isfinite(ends).all():
        raise ValueError(f"{what}.{name} = {ends!r}: give two numbers, the lower one first")
    draw = Draw(key, name, ends[0], ends[1], counts.count, counts.seed)
    try:
        draw.values()
    except ValueError as error:
        raise ValueError(f"{what}.{name} = {ends!r}: {error}") from None
    return draw
