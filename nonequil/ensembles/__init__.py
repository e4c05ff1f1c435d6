"""Ensembles: recipes for random models, shared by simulation and theory."""

from ._attention import AttentionNetwork as AttentionNetwork
from ._attention_patterns import attention_from_correlations as attention_from_correlations
from ._attention_patterns import attention_from_patterns as attention_from_patterns
from ._attention_patterns import duplicated_attention as duplicated_attention
from ._attention_patterns import odd_sets as odd_sets
from ._attention_segments import random_segments as random_segments
from ._attention_segments import standard_attention as standard_attention
from ._base import AbstractEnsemble as AbstractEnsemble
from ._block import BlockSherringtonKirkpatrick as BlockSherringtonKirkpatrick
from ._diluted import Diluted as Diluted
from ._field_laws import AbstractFieldLaw as AbstractFieldLaw
from ._field_laws import GaussianFields as GaussianFields
from ._field_laws import UniformFields as UniformFields
from ._hebbian import Hebbian as Hebbian
from ._sherrington_kirkpatrick import SherringtonKirkpatrick as SherringtonKirkpatrick
