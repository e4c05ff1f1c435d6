"""Interleaved timing of contestants whose answers were checked first.

Each contestant runs once to be compiled (timed apart) and once to be judged; whoever fails is shown as a failure and
never timed. Then rounds A B C A B C: wall and CPU time of the whole process, medians and quartiles. A ratio is the
median over rounds of the ratio within a round.
"""

import dataclasses
import time
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
from _machine import OthersLoad, others_now

ROUNDS = 7
QUIET = 0.5  # cores that others may keep busy
CLOCKS = ("wall", "cpu")


@dataclasses.dataclass
class Contestant:
    """One way to do the work, with what it did and how long it took.

    `work` counts the units that one call of `run` does, in the unit of its race; `check` says what is wrong with an
    answer, "" if nothing is.
    """

    name: str
    run: Callable[[], Any]
    work: float
    check: Callable[[Any], str] = lambda answer: ""
    first: float = float("nan")
    failure: str = ""
    wall: list[float] = dataclasses.field(default_factory=list)
    cpu: list[float] = dataclasses.field(default_factory=list)

    def warm(self) -> None:
        """Compile, then judge: no clock of the race has started."""
        try:
            started = time.perf_counter()
            answer = jax.block_until_ready(self.run())
            self.first = time.perf_counter() - started
            self.failure = self.check(answer)
        except Exception as error:  # shown in the table, not hidden behind a traceback
            self.failure = f"{type(error).__name__}: {error}"

    def round(self) -> None:
        """Run once more, until the device is done."""
        wall, cpu = time.perf_counter(), time.process_time()
        jax.block_until_ready(self.run())
        self.cpu.append(time.process_time() - cpu)
        self.wall.append(time.perf_counter() - wall)

    def per_unit(self, clock: str) -> np.ndarray:
        """Seconds a unit of work, round by round."""
        return np.asarray(getattr(self, clock)) / self.work

    @property
    def compiled(self) -> float:
        """Seconds that the first call took beyond a usual one."""
        return self.first - float(np.median(self.wall)) if self.wall else self.first


@dataclasses.dataclass
class Target:
    """`name` is to be at least `wanted` times as fast as the fastest of `than`, judged by one clock."""

    text: str
    name: str
    than: Sequence[str]
    wanted: float
    clock: str = "wall"


@dataclasses.dataclass
class Verdict:
    """The ratio by both clocks; `failure` where none may be formed."""

    target: Target
    wall: float = float("nan")
    cpu: float = float("nan")
    failure: str = ""

    def met(self, clock: str) -> bool:
        """Whether the ratio is as large as wanted; never if none was formed."""
        return not self.failure and bool(getattr(self, clock) >= self.target.wanted)


@dataclasses.dataclass
class Race:
    """One table: contestants that do the same work, and what is expected of them."""

    title: str
    unit: str
    contestants: list[Contestant]
    targets: Sequence[Target] = ()
    load: tuple[float, float, float] = (float("nan"),) * 3  # others' busy cores before, meanwhile, after

    def race(self, rounds: int = ROUNDS) -> "Race":
        """Warm, judge, then time all who passed."""
        for contestant in self.contestants:
            contestant.warm()
        fit = [c for c in self.contestants if not c.failure]
        before, meanwhile = others_now(), OthersLoad()
        for turn in range(rounds):
            for k in range(len(fit)):
                fit[(k + turn) % len(fit)].round()
        self.load = (before, meanwhile.read(), others_now())
        return self

    @property
    def quiet(self) -> bool:
        """Whether others left the machine alone, before, meanwhile and after."""
        return all(load <= QUIET for load in self.load)

    @property
    def failed(self) -> list[str]:
        """Names of those whose answers were wrong."""
        return [c.name for c in self.contestants if c.failure]

    def verdicts(self) -> list[Verdict]:
        """One a target."""
        return [self._verdict(target) for target in self.targets]

    def _verdict(self, target: Target) -> Verdict:
        by_name = {c.name: c for c in self.contestants}
        peers = [by_name[name] for name in target.than if name in by_name]
        wrong = [c.name for c in (by_name[target.name], *peers) if c.failure]
        if wrong or not peers:
            return Verdict(target, failure=f"no ratio: {', '.join(wrong) or ', '.join(target.than)} did not qualify")
        return Verdict(target, *(ratio(by_name[target.name], peers, clock) for clock in CLOCKS))


def ratio(mine: Contestant, peers: Sequence[Contestant], clock: str) -> float:
    """Median over rounds of the time of the fastest peer (by its median) over ours, a unit of work."""
    peer = min(peers, key=lambda c: float(np.median(c.per_unit(clock))))
    return float(np.median(peer.per_unit(clock) / mine.per_unit(clock)))
