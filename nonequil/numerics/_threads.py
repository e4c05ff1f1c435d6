"""Small matrices on the host, one thread each."""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P, R = ParamSpec("P"), TypeVar("R")


def one_thread(function: Callable[P, R]) -> Callable[P, R]:
    """`function` with one thread for NumPy's and SciPy's matrices while it runs.

    Their threads wait in loops between calls: beside XLA's own they make a product of two small matrices a hundred
    times as long.

    ```python
    @nq.numerics.one_thread
    def eigenvalues(matrices): ...
    ```
    """

    @functools.wraps(function)
    def limited(*args: P.args, **kwargs: P.kwargs) -> R:
        with _libraries().limit(limits=1, user_api="blas"):
            return function(*args, **kwargs)

    return limited


@functools.cache
def _libraries():  # type: ignore[no-untyped-def]
    from threadpoolctl import ThreadpoolController  # looks through all loaded libraries, once

    return ThreadpoolController()
