"""Inference: fit models to transitions, with errors, validation and the entropy production of a fit."""

from ._edges import Edges as Edges
from ._edges import false_discovery_rate as false_discovery_rate
from ._entropy import fitted_entropy_production as fitted_entropy_production
from ._errors import ERRORS as ERRORS
from ._fit import fit as fit
from ._history import with_own_history as with_own_history
from ._loss import fit_gradient as fit_gradient
from ._loss import negative_log_likelihood as negative_log_likelihood
from ._parametric import ParametricBootstrap as ParametricBootstrap
from ._parametric import parametric_bootstrap as parametric_bootstrap
from ._result import Fit as Fit
from ._scikit import KineticIsing as KineticIsing
from ._sk_inverse import Recovered as Recovered
from ._sk_inverse import recover_sk as recover_sk
from ._sk_most import MostDissipative as MostDissipative
from ._sk_most import maximise_sk_entropy_production as maximise_sk_entropy_production
from ._validation import Choice as Choice
from ._validation import CrossValidation as CrossValidation
from ._validation import choose_l2 as choose_l2
from ._validation import cross_validate as cross_validate
