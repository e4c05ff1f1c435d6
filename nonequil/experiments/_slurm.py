"""Jobs of a Slurm cluster, by submitit."""

import contextlib
import os
import shutil
import signal
import subprocess
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._attempt import attempt, leave
from ._launch import job_name

if TYPE_CHECKING:
    from submitit.helpers import DelayedSubmission

    from ._cluster import Slurm

LARGEST_ARRAY = 1000  # of a cluster that was left as it comes
TOLD_TO_END = 128 + signal.SIGTERM
WARNINGS = {128 + getattr(signal, name, 0) for name in ("SIGUSR1", "SIGUSR2")}


class Task:
    """A task of a sweep, as a job."""

    def __call__(self, folder: str, task: int) -> None:
        """Carry it out, and end the process. A job that is preempted or out of time queues again."""
        code = attempt(Path(folder), task)
        if code == 0:
            _clear()
        if code in WARNINGS or (code == TOLD_TO_END and _runs_on()):
            _queue_again()
        leave(code)

    def checkpoint(self, folder: str, task: int) -> "DelayedSubmission":
        """What to do when the job runs again: the same, the state is on the disk."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self, folder, task)


def submit_jobs(cluster: "Slurm", folder: Path, tasks: Sequence[int], place: Path) -> dict[int, str]:
    """Submit one job for each task; their ids. Raises ValueError where something is missing or the cluster refuses."""
    executor = _executor(cluster, place)
    jobs: dict[int, str] = {}
    for first in range(0, len(tasks), LARGEST_ARRAY):
        part = list(tasks[first : first + LARGEST_ARRAY])
        with _refusals():
            found = executor.map_array(Task(), [str(folder)] * len(part), part)
        jobs |= {task: job.job_id for task, job in zip(part, found, strict=True)}
    return jobs


def _executor(cluster: "Slurm", place: Path) -> Any:
    try:
        import submitit
    except ImportError:
        raise ValueError("cluster = slurm needs submitit: pip install 'nonequil[cluster]'") from None
    if shutil.which("sbatch") is None:
        raise ValueError(
            "cluster = slurm finds no sbatch: run this on a login node of the cluster (or install Slurm: on Debian and "
            "Ubuntu `apt-get install slurm-wlm`), or take --cluster local"
        )
    executor = submitit.AutoExecutor(place, cluster="slurm", slurm_max_num_timeout=cluster.restarts)
    executor.update_parameters(**_parameters(cluster, place))
    return executor


def _parameters(cluster: "Slurm", place: Path) -> dict[str, Any]:
    own = {name: getattr(cluster, name) for name in ("partition", "account", "qos", "constraint")}
    named = {f"slurm_{name}": value for name, value in own.items() if value is not None}
    gpus = {"gpus_per_node": cluster.gpus} if cluster.gpus else {}
    return {
        "name": job_name(place),
        "timeout_min": cluster.timeout_min,
        "cpus_per_task": cluster.cpus,
        "mem_gb": cluster.mem_gb,
        "stderr_to_stdout": True,
        "slurm_array_parallelism": cluster.parallel,
        "slurm_signal_delay_s": cluster.notice_s,
        "slurm_setup": list(cluster.setup),
        "slurm_srun_args": [f"--cpus-per-task={cluster.cpus}"],  # not taken over from the job since Slurm 22.05
        "slurm_additional_parameters": {"requeue": True},
        **named,
        **gpus,
    }


@contextlib.contextmanager
def _refusals() -> Iterator[None]:
    """What `sbatch` says against a job, as bad input."""
    from submitit.core.utils import FailedJobError

    try:
        yield
    except FailedJobError as error:
        said = [line.strip() for line in str(error).splitlines() if line.strip().startswith("sbatch")]
        raise ValueError(f"cluster = slurm: {'; '.join(said) or error}") from None


def _runs_on() -> bool:
    """Whether the cluster still counts this job as running: told to end, it is preempted then, and not cancelled."""
    show = ["scontrol", "show", "job", "-o", os.environ.get("SLURM_JOB_ID", "")]
    try:
        return "JobState=RUNNING" in subprocess.run(show, capture_output=True, text=True, timeout=20).stdout
    except (OSError, subprocess.TimeoutExpired):
        return False


def _queue_again() -> None:
    """What submitit does at the signal that it waits for."""
    from submitit import JobEnvironment

    try:
        signal.raise_signal(getattr(signal, f"SIG{JobEnvironment.USR_SIG}"))
    except SystemExit:
        pass
    except Exception:  # it may be queued already
        traceback.print_exc()


def _clear() -> None:
    """Remove what the cluster wrote about this job, it ended well: the task's own folder says all."""
    from submitit import JobEnvironment

    paths = JobEnvironment().paths
    for path in (paths.submitted_pickle, paths.stdout, paths.stderr):
        path.unlink(missing_ok=True)
