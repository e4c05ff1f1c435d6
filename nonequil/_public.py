"""The public names, flat: what `nonequil.X` finds. They are read on first use."""

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
