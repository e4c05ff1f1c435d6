"""Statistics of transitions: observers, blocks and folds, bootstrap, surrogates."""

from ._blocks import block_mean as block_mean
from ._blocks import block_sums as block_sums
from ._blocks import blocks as blocks
from ._blocks import folds as folds
from ._blocks import weights as weights
from ._blocks import with_blocks as with_blocks
from ._observers import AbstractObserver as AbstractObserver
from ._observers import fold as fold
