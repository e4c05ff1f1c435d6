"""Rat hippocampus: spike times of sorted tetrode units, from the published .mat file to a recording.

The files `linear-track/spikes.mat` and `w-maze/spikes.mat` are public in the repository nelpy/example-data (MIT).

    python scripts/convert_hippocampus.py PATH --out hippocampus.npz

The recording lasts from its first to its last spike; units are numbered as in the file, the empty ones left out.
"""

import argparse
import sys
from pathlib import Path

import nonequil as nq

NAMES = ("linear-track-spikes.mat", "linear-track/spikes.mat")


def convert(path: Path) -> nq.data.Raster:
    """The units that fire."""
    if path.is_dir():
        path = next((path / name for name in NAMES if (path / name).exists()), path / NAMES[0])
    raster = nq.data.load(path, field="spikes")
    return raster.select(units=raster.unit_ids[raster.rates() > 0])


def main(arguments: list[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", type=Path, help="the .mat file, or the folder that holds that of the linear track")
    parser.add_argument("--out", type=Path, required=True, help="the .npz file to write")
    options = parser.parse_args(arguments)
    try:
        raster = convert(options.path)
        raster.save(options.out)
    except (OSError, ValueError) as error:
        print(f"convert_hippocampus: {error}", file=sys.stderr)
        return 2
    print(raster.describe())
    return 0


if __name__ == "__main__":
    sys.exit(main())
