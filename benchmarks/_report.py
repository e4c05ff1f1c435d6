"""The page of a benchmark: Markdown on the standard output, the same in full in a JSON file."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
from _harness import CLOCKS, QUIET, Contestant, Race, Verdict
from _machine import peak_memory

sys.path.append(str(Path(__file__).parents[1] / "scripts" / "verify"))

from _page import page

sys.path.pop()  # a script there is called like a package that numba looks for

from nonequil.experiments._environment import environment

TIMES = "| {} | time a unit, wall | cpu | first call beyond it |"
RATIOS = "| {} | wanted | by wall time | by CPU time | judged by | verdict |"


def report(title: str, sizes: dict[str, Any], races: list[Race], notes: str) -> int:
    """Print the page and write the JSON file that `BENCHMARK_JSON` names; 1 if an answer was wrong, else 0."""
    parts = [part for race in races for part in sections(race)]
    page(title, {**sizes, "peak memory": peak_memory()}, "\n\n".join([*parts, notes]))
    if path := os.environ.get("BENCHMARK_JSON"):
        Path(path).write_text(json.dumps(record(title, sizes, races), indent=1, default=str) + "\n")
    return int(any(race.failed for race in races))


def sections(race: Race) -> list[str]:
    """Heading, load, times and verdicts of one race."""
    before, meanwhile, after = race.load
    load = (
        f"Unit: {race.unit}. Cores that others used: {before:.1f} before, {meanwhile:.1f} meanwhile, {after:.1f} after."
    )
    if not race.quiet:
        load += f" **Not a quiet machine** (above {QUIET})."
    rows = [_row(c) for c in race.contestants]
    found = [f"## {race.title}", load, "\n".join([_head(TIMES, "contestant"), *rows])]
    if race.targets:
        found.append("\n".join([_head(RATIOS, "target"), *(_target(v, race.quiet) for v in race.verdicts())]))
    return found


def record(title: str, sizes: dict[str, Any], races: list[Race]) -> dict[str, Any]:
    """All rounds of all races, with versions, devices and sizes."""
    here = environment(sizes.get("seed", 0), [])
    return {
        "title": title.strip().splitlines()[0],
        "environment": here,
        "sizes": sizes,
        "races": list(map(_race, races)),
    }


def seconds(value: float) -> str:
    """A time in a unit that suits it."""
    for scale, name in ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns")):
        if abs(value) >= scale:
            return f"{value / scale:.3g} {name}"
    return f"{value / 1e-12:.3g} ps"


def quartiles(values: np.ndarray) -> str:
    """Median and, in brackets, the quartiles."""
    low, middle, high = (seconds(value) for value in np.percentile(values, (25, 50, 75)))
    return f"{middle} ({low} to {high})"


def _head(form: str, first: str) -> str:
    head = form.format(first)
    return head + "\n|" + " --- |" * (head.count("|") - 1)


def _row(contestant: Contestant) -> str:
    if contestant.failure:
        return f"| {contestant.name} | **failed**: {contestant.failure} | | |"
    times = " | ".join(quartiles(contestant.per_unit(clock)) for clock in CLOCKS)
    return f"| {contestant.name} | {times} | {seconds(max(contestant.compiled, 0.0))} |"


def _target(verdict: Verdict, quiet: bool) -> str:
    target = verdict.target
    if verdict.failure:
        return f"| {target.text} | {target.wanted:g} | | | | **failed**: {verdict.failure} |"
    clock = target.clock if quiet else "cpu"  # wall time says little while others take the cores
    said = ("met" if verdict.met(clock) else "**missed**") + ("" if quiet else ", loaded")
    ratios = " | ".join(f"{x:,.0f}" if x >= 100 else f"{x:.3g}" for x in (verdict.wall, verdict.cpu))
    return f"| {target.text} | {target.wanted:g} | {ratios} | {clock} | {said} |"


def _race(race: Race) -> dict[str, Any]:
    keep = ("name", "work", "first", "failure", "wall", "cpu")
    return {
        "title": race.title,
        "unit": race.unit,
        "load": dict(zip(("before", "meanwhile", "after"), race.load, strict=True)),
        "contestants": [{name: getattr(c, name) for name in keep} for c in race.contestants],
        "targets": [
            {"text": v.target.text, "wanted": v.target.wanted, "wall": v.wall, "cpu": v.cpu, "failure": v.failure}
            for v in race.verdicts()
        ],
    }
