"""The command `nonequil`."""

from ._main import main as main
