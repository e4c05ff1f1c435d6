"""Inference: fit models to transitions, with errors, validation and the entropy production of a fit."""

from ._edges import Edges as Edges
from ._errors import ERRORS as ERRORS
from ._fit import fit as fit
from ._result import Fit as Fit
