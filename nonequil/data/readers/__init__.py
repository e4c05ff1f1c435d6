"""Readers of files: one a format, found by the suffix."""

from ._base import AbstractReader as AbstractReader
from ._registry import READERS as READERS
from ._registry import reader_for as reader_for
