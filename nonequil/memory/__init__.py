"""Associative memories: Hopfield networks, their large-size theories, and what they dissipate."""

from ..models import ModernHopfield as ModernHopfield
