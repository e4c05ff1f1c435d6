"""Ranges of a parameter in configs of the Sherrington-Kirkpatrick model."""

from typing import TYPE_CHECKING

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from ._base import Config

if TYPE_CHECKING:
    import numpy

FILE_NAME = r"^[\w.-]*\w$"


class AbstractRange(Config):
    """Equally spaced values of a parameter that is not negative, both ends included."""

    start: float = Field(default=0.0, ge=0)
    """First value."""
    stop: float = Field(default=4.0, ge=0)
    """Last value."""
    points: int = Field(default=41, ge=2)
    """Number of values."""

    @model_validator(mode="after")
    def _upwards(self) -> "AbstractRange":
        if self.stop <= self.start:
            raise PydanticCustomError("empty_range", "stop must be above start")
        return self

    @property
    def values(self) -> "numpy.ndarray":
        """The values."""
        import numpy

        return numpy.linspace(self.start, self.stop, self.points)


class BetaRange(AbstractRange):
    """Inverse temperatures."""
