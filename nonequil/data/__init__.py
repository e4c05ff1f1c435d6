"""Data: transitions, attempts, spike rasters, readers and writers."""

from ._binned import Binned as Binned
from ._errors import DataError as DataError
from ._errors import MissingExtra as MissingExtra
from ._errors import RecordingNotFound as RecordingNotFound
from ._gauge import couplings_from_weights as couplings_from_weights
from ._gauge import weights_from_couplings as weights_from_couplings
from ._load import load as load
from ._raster import Raster as Raster
from ._table import SpikeTable as SpikeTable
from ._transitions import Attempts as Attempts
from ._transitions import Transitions as Transitions
