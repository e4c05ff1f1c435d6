"""Figures as files that depend on what they show alone."""

from pathlib import Path

from matplotlib.figure import Figure

from ._store import write_whole

METADATA = {".png": {}, ".pdf": {"CreationDate": None}}  # without the date the same figure is the same file


def save_figure(figure: Figure, path: Path) -> None:
    """Write `path` with the endings .png and .pdf."""
    for ending, metadata in METADATA.items():
        write_whole(
            path.with_name(path.name + ending),
            lambda part, metadata=metadata: figure.savefig(part, dpi=150, metadata=metadata),
        )
