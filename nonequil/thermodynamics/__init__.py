"""Thermodynamics: entropy flow and production of models, and bounds on it from data alone."""

from ._base import AbstractEstimator as AbstractEstimator
from ._base import is_population as is_population
from ._cross import Cross as Cross
from ._disorder_average import DisorderAverage as DisorderAverage
from ._disorder_average import disorder_average as disorder_average
from ._disorder_average import extrapolate_in_size as extrapolate_in_size
from ._flow import MeanFlow as MeanFlow
from ._flow import entropy_flow as entropy_flow
from ._flow import exact as exact
from ._flow import flow_over_outcomes as flow_over_outcomes
from ._flow import flow_over_sites as flow_over_sites
from ._function import Function as Function
from ._maxent import MaxEntBound as MaxEntBound
from ._mean_field import mean_field_entropy_production as mean_field_entropy_production
from ._observable import AbstractObservable as AbstractObservable
from ._observables import Observables as Observables
from ._order_parameters import OrderParameters as OrderParameters
from ._order_parameters import order_parameters as order_parameters
from ._quadratic import QuadraticBound as QuadraticBound
from ._single import Single as Single
from ._stationary_flow import stationary_flow as stationary_flow
from ._surrogates import reversal_null as reversal_null
