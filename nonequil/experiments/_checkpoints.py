"""States of long runs on the disk: any pytree of arrays and typed random keys, whole or absent, the newest one kept."""

import contextlib
import logging
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._signals import held

if TYPE_CHECKING:
    from jaxtyping import PyTree

SYSTEM_ERROR = re.compile(r"os_error_code='(\d+)'")  # how the library below Orbax passes it on


class Checkpoints:
    """The states of one piece of work, numbered by its steps, in a folder of their own.

    Orbax writes them: under another name, which becomes the right one when all is on the disk, and only then is the
    state before removed. Orbax is read on first use, which takes a second.
    """

    def __init__(self, folder: Path):
        self._folder, self._opened = folder.absolute(), None

    def save(self, step: int, state: "PyTree") -> None:
        """Write a state; signals wait meanwhile. Raises OSError if it cannot be written: the one before stays."""
        import orbax.checkpoint as ocp

        try:
            with held(), _quiet():
                if self._manager.latest_step() != step:
                    self._manager.save(step, args=ocp.args.StandardSave(_filled(state)))
        except Exception as error:
            self._forget()
            raise OSError(
                f"checkpoint = {self._folder / str(step)} cannot be written ({_reason(error)}): the one before is "
                "kept; make room or mend the folder, then go on with --resume"
            ) from error

    def load(self, like: "PyTree") -> "PyTree | None":
        """The newest state, built and spread over devices like `like`; None if there is none.

        Raises ValueError if it cannot be read, or belongs to another program.
        """
        if not self._folder.is_dir() or (step := self._manager.latest_step()) is None:
            return None
        import jax
        import orbax.checkpoint as ocp

        try:
            with _quiet():
                wanted = jax.tree.map(ocp.utils.to_shape_dtype_struct, _filled(like))
                found = dict(self._manager.restore(step, args=ocp.args.StandardRestore(wanted)))
        except Exception as error:
            raise ValueError(
                f"checkpoint = {self._folder / str(step)} cannot be read ({_reason(error)}): remove it to start over"
            ) from error
        leaves, tree = jax.tree.flatten(like)
        return jax.tree.unflatten(tree, [_placed(found.get(str(k), leaf), leaf) for k, leaf in enumerate(leaves)])

    @property
    def _manager(self) -> Any:
        if self._opened is None:
            import orbax.checkpoint as ocp

            options = ocp.CheckpointManagerOptions(
                max_to_keep=1, create=True, cleanup_tmp_directories=True, enable_async_checkpointing=False
            )
            with _quiet():  # of an older state that was half removed when the process died
                self._opened = ocp.CheckpointManager(self._folder, options=options)
        return self._opened

    def _forget(self) -> None:
        """Give back the room of what is half written."""
        self._opened = None
        for half in self._folder.glob("*.orbax-checkpoint-tmp"):
            shutil.rmtree(half, ignore_errors=True)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """An error becomes one message of ours, not pages of those below."""
    logger = logging.getLogger("absl")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


def _filled(state: "PyTree") -> dict[str, Any]:
    """The leaves by number; empty arrays cannot be written and need not be."""
    import jax

    return {str(k): leaf for k, leaf in enumerate(jax.tree.leaves(state)) if leaf.size}


def _placed(leaf: Any, like: Any) -> Any:
    """A leaf as free to move between devices as the one before: what is read is bound to its device."""
    import jax
    import jax.numpy as jnp
    import numpy as np

    if getattr(like, "committed", True):
        return leaf
    if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        return jax.random.wrap_key_data(
            jnp.asarray(np.asarray(jax.random.key_data(leaf))), impl=jax.random.key_impl(like)
        )
    return jnp.asarray(np.asarray(leaf))


def _reason(error: Exception) -> str:
    """What the system said, or the first line of what a library made of it."""
    if code := SYSTEM_ERROR.search(str(error)):
        return os.strerror(int(code[1]))
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return next((line.strip()[:200] for line in str(error).splitlines() if line.strip()), type(error).__name__)
