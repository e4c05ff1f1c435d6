"""Nonequilibrium neural dynamics: simulate, solve and infer, with entropy production and honest error bars."""

from . import data as data
from . import dynamics as dynamics
from . import models as models
from . import numerics as numerics
from . import statistics as statistics
from ._results import KIND as KIND
from ._results import RESULTS as RESULTS
from ._results import Estimate as Estimate
from ._results import Unit as Unit
from .data import Attempts as Attempts
from .data import Transitions as Transitions
from .dynamics import Parallel as Parallel
from .models import Ising as Ising

__version__ = "0.1.0"
