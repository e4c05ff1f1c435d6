"""Statistics of transitions: observers, blocks and folds, bootstrap, surrogates."""

from ._base import AbstractObserver as AbstractObserver
from ._blocks import block_mean as block_mean
from ._blocks import block_sums as block_sums
from ._blocks import blocks as blocks
from ._blocks import folds as folds
from ._blocks import weights as weights
from ._blocks import with_blocks as with_blocks
from ._bootstrap import Resampled as Resampled
from ._bootstrap import bootstrap as bootstrap
from ._bootstrap import multiplicities as multiplicities
from ._fold import fold as fold
from ._fold import padded_chunks as padded_chunks
from ._fold import update_all as update_all
from ._lagged import Lagged as Lagged
from ._lagged import LaggedCorrelations as LaggedCorrelations
from ._mean import Average as Average
from ._mean import Mean as Mean
from ._moments import Correlations as Correlations
from ._moments import Moments as Moments
from ._record import Record as Record
from ._surrogates import time_reversed_blocks as time_reversed_blocks
from ._surrogates import trial_shuffle as trial_shuffle
from ._time_weighted import TimeWeighted as TimeWeighted
