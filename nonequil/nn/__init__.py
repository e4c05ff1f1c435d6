"""Layers of neural networks: associative memories with trainable maps around them, as Equinox modules."""

from ._association import HopfieldAssociation as HopfieldAssociation
from ._lookup import HopfieldLookup as HopfieldLookup
from ._pooling import HopfieldPooling as HopfieldPooling
