"""Experiments: typed configs, run folders, long runs in pieces."""

from typing import TYPE_CHECKING, Any

from ._attention_diagram import AttentionDiagram as AttentionDiagram
from ._attention_panels import AttentionPanels as AttentionPanels
from ._attention_phase import AttentionPhase as AttentionPhase
from ._attention_sizes import AttentionSizes as AttentionSizes
from ._base import AbstractExperiment as AbstractExperiment
from ._base import Config as Config
from ._compare import differences as differences
from ._entropy_recording import EntropyRecording as EntropyRecording
from ._entropy_spins import EntropySpins as EntropySpins
from ._execute import execute as execute
from ._execute import read_result as read_result
from ._fit import Fit as Fit
from ._folder import RunFolder as RunFolder
from ._folder import claim as claim
from ._kinds import KINDS as KINDS
from ._kinds import as_experiment as as_experiment
from ._kinds import read_experiment as read_experiment
from ._memory_diagram import MemoryDiagram as MemoryDiagram
from ._memory_explosive import MemoryExplosive as MemoryExplosive
from ._memory_recall import MemoryRecall as MemoryRecall
from ._memory_retrieval import MemoryRetrieval as MemoryRetrieval
from ._signals import Interrupted as Interrupted
from ._signals import Signals as Signals
from ._simulate import DilutedNetwork as DilutedNetwork
from ._simulate import SherringtonKirkpatrickNetwork as SherringtonKirkpatrickNetwork
from ._simulate import Simulate as Simulate
from ._simulate import StoredNetwork as StoredNetwork
from ._sk_diagram import SKDiagram as SKDiagram
from ._sk_point import SKPoint as SKPoint
from ._sk_raster import SKRaster as SKRaster
from ._sk_sizes import SKSizes as SKSizes
from ._stages import RunFailed as RunFailed
from ._stages import Stages as Stages

if TYPE_CHECKING:
    from ._chunks import run_chunks as run_chunks


def __getattr__(name: str) -> Any:
    """`run_chunks` is read on first use: a config, a folder or `--help` need no jax."""
    if name == "run_chunks":
        from ._chunks import run_chunks

        return run_chunks
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
