"""Ensembles: recipes for random models, shared by simulation and theory."""

from ._base import AbstractEnsemble as AbstractEnsemble
from ._block import BlockSherringtonKirkpatrick as BlockSherringtonKirkpatrick
from ._diluted import Diluted as Diluted
from ._field_laws import AbstractFieldLaw as AbstractFieldLaw
from ._field_laws import GaussianFields as GaussianFields
from ._field_laws import UniformFields as UniformFields
from ._sherrington_kirkpatrick import SherringtonKirkpatrick as SherringtonKirkpatrick
