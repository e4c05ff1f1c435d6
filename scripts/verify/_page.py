"""The head of every page under docs/verified: what was checked, when, with which versions, sizes and seed."""

import datetime
import time
from typing import Any

from nonequil.experiments._environment import environment

STARTED = time.monotonic()


def page(title: str, sizes: dict[str, Any], body: str) -> None:
    """Print one page in Markdown."""
    here = environment(sizes.get("seed", 0), [])
    versions = ", ".join(f"{name} {version}" for name, version in here["versions"].items())
    print(f"# {title.strip().splitlines()[0].rstrip('.')}\n")
    print(f"- date: {datetime.date.today().isoformat()}; {time.monotonic() - STARTED:.0f} s")
    print(f"- versions: {versions}")
    print(f"- device: {', '.join(here['devices'])} ({here['cpu_count']} cores); float64: {here['x64']}")
    print("- " + "; ".join(f"{name}: {value}" for name, value in sizes.items()))
    print(f"\n{body}")
