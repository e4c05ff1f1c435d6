"""Salamander retina: spike times of 53 ganglion cells, from the published .mat file to a recording.

The file `Data_processed.mat` is public in the repository ChrisWLynn/Decompose_irreversibility. Cite

- C. W. Lynn, C. M. Holmes, W. Bialek, D. J. Schwab, Phys. Rev. Lett. 129, 118101 (2022);
- C. W. Lynn, C. M. Holmes, W. Bialek, D. J. Schwab, Phys. Rev. E 106, 034102 (2022);
- and for the recordings O. Marre et al., J. Neurosci. 32, 14859 (2012) and S. E. Palmer et al., PNAS 112, 6908 (2015).

    python scripts/convert_retina.py PATH --stimulus 1 --out retina.npz

Stimulus 0 is a natural movie (102 repeats), 1 a Brownian bar (62 segments), 2 a repeated Brownian bar (62 repeats).
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import scipy.io

import nonequil as nq

MILLISECONDS = 0.001


def convert(path: Path, stimulus: int) -> nq.data.Raster:
    """One stimulus as a recording: a trial a repeat, from 0 to its length."""
    path = path / "Data_processed.mat" if path.is_dir() else path
    with open(path, "rb") as file:
        content = scipy.io.loadmat(file)
    trials, cells = content["spike_times"][0, stimulus].ravel(), content["cell_IDs"][0, stimulus].ravel()
    lengths = content["stimuli_lengths"][0, stimulus].ravel().astype(float)
    table = nq.data.SpikeTable(
        times=np.concatenate([times.ravel() for times in trials]),
        unit=np.concatenate([cell.ravel() for cell in cells]),
        trial=np.repeat(np.arange(len(trials)), [times.size for times in trials]),
        unit_ids=np.arange(1, int(content["num_cells"].item()) + 1),
        trial_ids=np.arange(len(trials)),
        epochs=np.stack([np.zeros_like(lengths), lengths], axis=1),
        source=str(path),
    )
    return nq.data.Raster.from_table(table, time_scale=MILLISECONDS, source=str(path))


def main(arguments: list[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", type=Path, help="Data_processed.mat, or the folder that holds it")
    parser.add_argument("--stimulus", type=int, choices=(0, 1, 2), default=1)
    parser.add_argument("--out", type=Path, required=True, help="the .npz file to write")
    options = parser.parse_args(arguments)
    try:
        raster = convert(options.path, options.stimulus)
        raster.save(options.out)
    except (OSError, ValueError, KeyError) as error:
        print(f"convert_retina: {error}", file=sys.stderr)
        return 2
    print(raster.describe())
    return 0


if __name__ == "__main__":
    sys.exit(main())
