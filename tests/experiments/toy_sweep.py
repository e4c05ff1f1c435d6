"""An experiment that costs nothing, to see what sweeps make of it."""

from typing import ClassVar

import numpy as np
import xarray as xr

from nonequil.experiments import AbstractExperiment, RunFailed


class Toy(AbstractExperiment):
    """A few numbers; some points fail, some break once."""

    kind: ClassVar[str] = "toy"
    runs: ClassVar[list[int]] = []
    broken: ClassVar[set[float]] = set()

    a: float = 1.0
    size: int = 2

    def run(self, stages):
        self.runs.append(self.stream)
        if self.a < 0:
            raise RunFailed("a number was not finite after step 3")
        if self.a in self.broken:
            raise RuntimeError("a machine without memory")
        value = stages("value", lambda: {"a": np.array(self.a)})["a"] * 2
        noise = np.random.default_rng([self.seed, self.stream or 0]).random(self.size)
        return xr.Dataset(
            {
                "double": ((), value, {"units": "nats/step"}),
                "noise": (("unit",), noise, {"units": "1"}),
                "count": ((), self.size, {"units": "1"}),
                "result": ((), "successful", {"units": "1"}),
            },
            {"unit": np.arange(self.size)},
        )

    def write(self, result, folder):
        """Nothing."""

    def describe(self, result):
        return f"double {float(result.double)}"
