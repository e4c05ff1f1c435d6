"""Nonequilibrium neural dynamics: simulate, solve and infer, with entropy production and honest error bars."""

from . import data as data
from . import dynamics as dynamics
from . import ensembles as ensembles
from . import inference as inference
from . import meanfield as meanfield
from . import models as models
from . import numerics as numerics
from . import simulation as simulation
from . import statistics as statistics
from . import thermodynamics as thermodynamics
from ._results import KIND as KIND
from ._results import RESULTS as RESULTS
from ._results import Estimate as Estimate
from ._results import Unit as Unit
from .data import Attempts as Attempts
from .data import Transitions as Transitions
from .dynamics import Autoregressive as Autoregressive
from .dynamics import ContinuousTime as ContinuousTime
from .dynamics import Parallel as Parallel
from .dynamics import Sequential as Sequential
from .dynamics import Thinning as Thinning
from .dynamics import random_spins as random_spins
from .ensembles import Diluted as Diluted
from .ensembles import SherringtonKirkpatrick as SherringtonKirkpatrick
from .inference import Fit as Fit
from .inference import KineticIsing as KineticIsing
from .inference import fit as fit
from .models import Ising as Ising
from .models import LaggedIsing as LaggedIsing
from .simulation import enumerate_states as enumerate_states
from .simulation import simulate as simulate
from .statistics import Lagged as Lagged
from .statistics import Mean as Mean
from .statistics import Moments as Moments
from .statistics import Record as Record
from .statistics import fold as fold

__version__ = "0.1.0"
