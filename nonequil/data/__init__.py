"""Data: transitions, attempts, spike rasters, readers and writers."""

from ._transitions import Attempts as Attempts
from ._transitions import Transitions as Transitions
