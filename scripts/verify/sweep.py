"""A sweep of 10,000 points in 20 tasks: how long it takes to submit, to ask how far it is, and to collect."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from _page import page

from nonequil.experiments._cluster import active

POINTS, TASKS, SEED = 10_000, 20, 0
SUBMIT, ASK = 10.0, 30.0  # seconds that each may take
COMMAND = [sys.executable, "-m", "nonequil.cli"]
QUESTION = "select count(*) as points, avg(sigma) from scalars where q > 0.5"
CONFIG = f"""
experiment = "sk-point"
seed = {SEED}
J0 = 1.0

[sweep]
beta = {{ start = 0.04, stop = 4.0, points = 100 }}
dJ = {{ start = 0.01, stop = 1.0, points = 100 }}
"""


def timed(*arguments: str) -> tuple[float, str]:
    """Seconds that a command takes, from its start to its end, and what it prints."""
    begin = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "nonequil.cli", *arguments], check=True, capture_output=True, text=True
    )
    return time.monotonic() - begin, done.stdout


def main() -> int:
    """Print the page; a command that takes too long raises."""
    with tempfile.TemporaryDirectory() as name:
        config, out = Path(name) / "sweep.toml", Path(name) / "sweep"
        config.write_text(CONFIG)
        begin = time.monotonic()
        following = subprocess.Popen(
            [*COMMAND, "sweep", str(config), "--out", str(out), "--tasks", str(TASKS)], stdout=subprocess.DEVNULL
        )
        while not (out.exists() and active(out)):
            assert following.poll() is None, "the sweep did not start"
            time.sleep(0.05)
        submit = time.monotonic() - begin
        early, _ = timed("status", str(out))
        assert following.wait() == 0
        whole = time.monotonic() - begin
        late, told = timed("status", str(out))
        collect, _ = timed("collect", str(out))
        ask, answer = timed("collect", str(out), "--query", QUESTION)
        files = max(sum(1 for path in task.rglob("*") if path.is_file()) for task in out.glob("task-*"))
    assert f"{POINTS} done" in told.replace(",", ""), told
    assert submit < SUBMIT, submit
    assert max(early, late, collect, ask) < ASK, (early, late, collect, ask)
    rows = {
        "`nonequil sweep`, until the tasks are handed over": (submit, SUBMIT),
        "`nonequil status`, tasks running": (early, ASK),
        "`nonequil status`, tasks done": (late, ASK),
        "`nonequil collect`": (collect, ASK),
        "`nonequil collect --query`": (ask, ASK),
    }
    lines = ["| command | seconds | at most |", "| --- | --- | --- |"]
    lines += [f"| {what} | {seconds:.1f} | {most:.0f} |" for what, (seconds, most) in rows.items()]
    body = "\n".join(lines) + (
        "\n\nEach is a process of its own, imports included; on a cluster the first one then returns, here it follows "
        f"the tasks. All {POINTS} points were done {whole:.0f} s after the submission; a finished task leaves {files} "
        f"files. The question counts the points with q above 0.5:\n\n```\n{answer.strip()}\n```"
    )
    page(__doc__, {"points": POINTS, "tasks": TASKS, "seed": SEED}, body)
    return 0


if __name__ == "__main__":
    sys.exit(main())
