"""Ensembles: recipes for random models, shared by simulation and theory."""

from ._base import AbstractEnsemble as AbstractEnsemble
from ._diluted import Diluted as Diluted
from ._sherrington_kirkpatrick import SherringtonKirkpatrick as SherringtonKirkpatrick
