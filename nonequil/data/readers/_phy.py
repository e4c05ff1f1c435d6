"""Folders of phy, the format of Kilosort's results."""

from pathlib import Path

from .._errors import DataError
from .._table import SpikeTable
from ._base import AbstractReader
from ._extra import extra

FILES = ("spike_times.npy", "spike_clusters.npy", "params.py")


class PhyReader(AbstractReader):
    """A folder with spike_times.npy, spike_clusters.npy and params.py; units are the clusters that are not noise.

    `field` names the group of clusters to keep, as labelled in phy (good, mua).
    """

    suffixes = ()

    def read(self, path: Path, field: str | None) -> SpikeTable:
        missing = [name for name in FILES if not (path / name).exists()]
        if missing:
            raise DataError(f"{path}: a folder of phy holds {', '.join(FILES)}; {', '.join(missing)} is missing")
        neo = extra("neo", path)
        try:
            trains = neo.io.PhyIO(str(path)).read_segment().spiketrains
        except Exception as error:  # its reader fails in many ways
            raise DataError(f"{path}: Neo cannot read this folder of phy ({type(error).__name__}: {error})") from error
        groups = [str(train.annotations.get("group", "")) for train in trains]
        keep = [at for at, group in enumerate(groups) if (group == field if field else group != "noise")]
        if not keep:
            raise DataError(
                f"{path}: no cluster is left; groups are {', '.join(sorted(set(groups)))}: choose with field="
            )
        times = [trains[at].rescale("s").magnitude for at in keep]
        left = len(trains) - len(keep)
        notes = (f"{left} clusters of other groups were left out.",) if left else ()
        return SpikeTable.from_lists(
            times, [trains[at].annotations["cluster_id"] for at in keep], str(path), notes=notes
        )

    def files(self, path: Path) -> tuple[Path, ...]:
        return tuple(path / name for name in FILES)
