"""A cheap sweep for the commands, and the bytes of a folder."""

from nonequil.experiments._sweep import Plan
from nonequil.experiments._sweep_create import create_sweep
from nonequil.experiments._toml import read_toml

SIZES = "chains = 4\nsteps = 20\nburn_in = 2\nmodel.n = 4\n"
BASE = f'experiment = "simulate"\nmodel.ensemble = "SherringtonKirkpatrick"\n{SIZES}'


def written(place, text):
    """A config with this text."""
    place.mkdir(exist_ok=True)
    path = place / "config.toml"
    path.write_text(text)
    return path


def beginning(place, table, base=BASE, **options):
    """A sweep with this table, submitted and not started."""
    path = written(place, base + table)
    return create_sweep(Plan.read(read_toml(path), str(path)), place / "sweep", **options).path


def files(place):
    """All files under a folder, with their bytes."""
    return {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}
