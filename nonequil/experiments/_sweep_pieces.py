"""What a task of a sweep knows so far, kept on the disk batch by batch."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._batch import POINT, Outcome, joined
from ._store import load_tree, save_tree

if TYPE_CHECKING:
    import xarray


@dataclasses.dataclass(frozen=True)
class Piece:
    """What a batch came to; points are named by their index in the sweep."""

    result: "xarray.Dataset | None"
    failed: dict[int, str]
    broken: dict[int, str]

    @classmethod
    def of(cls, outcome: Outcome, numbers: Sequence[int]) -> "Piece":
        """An outcome, with indices instead of places."""
        result = outcome.result
        if result is not None:
            result = result.assign_coords({POINT: [numbers[place] for place in result[POINT].values]})
        named = [{numbers[place]: why for place, why in which.items()} for which in (outcome.failed, outcome.broken)]
        return cls(result, *named)

    @property
    def finished(self) -> list[int]:
        """Indices of the points with a result."""
        return [] if self.result is None else self.result[POINT].values.tolist()


class Pieces:
    """The pieces of a task, each in a file of its own until the task is finished."""

    def __init__(self, folder: Path):
        self._folder = folder
        self._pieces = [_from_tree(load_tree(path)) for path in sorted(folder.glob("piece-*.npz"))]

    def add(self, piece: Piece) -> None:
        """Keep one more, whole or not at all."""
        self._folder.mkdir(parents=True, exist_ok=True)
        save_tree(self._folder / f"piece-{len(self._pieces):08d}.npz", _to_tree(piece))
        self._pieces.append(piece)

    def clear(self) -> None:
        """Drop the files: the result is written."""
        for path in self._folder.glob("piece-*.npz"):
            path.unlink()

    def forget_broken(self) -> None:
        """Points that something kept from ending are unknown again."""
        self._pieces = [dataclasses.replace(piece, broken={}) for piece in self._pieces]

    def known(self) -> set[int]:
        """Indices that need not be run again."""
        return {index for piece in self._pieces for index in (*piece.finished, *piece.failed)}

    def failed(self) -> dict[int, str]:
        """Why points failed, by their index."""
        return dict(sorted((index, why) for piece in self._pieces for index, why in piece.failed.items()))

    def broken(self) -> dict[int, str]:
        """Why points were kept from ending, by their index."""
        return dict(sorted((index, why) for piece in self._pieces for index, why in piece.broken.items()))

    def result(self) -> "xarray.Dataset | None":
        """All results along `point`, None without any; points that failed are not among them."""
        results = [piece.result for piece in self._pieces if piece.result is not None]
        return joined(results) if results else None


def _to_tree(piece: Piece) -> dict[str, Any]:
    result = None if piece.result is None else piece.result.to_dict(data="array")
    return {
        "result": result,
        **{name: [[index, why] for index, why in getattr(piece, name).items()] for name in ("failed", "broken")},
    }


def _from_tree(tree: dict[str, Any]) -> Piece:
    import xarray as xr

    result = None if tree["result"] is None else xr.Dataset.from_dict(tree["result"])
    return Piece(result, dict(tree["failed"]), dict(tree["broken"]))
