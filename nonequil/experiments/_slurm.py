"""Jobs of a Slurm cluster, by submitit."""

import contextlib
import shutil
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._attempt import attempt, leave
from ._launch import job_name

if TYPE_CHECKING:
    from submitit.helpers import DelayedSubmission

    from ._cluster import Slurm

LARGEST_ARRAY = 1000  # of a cluster that was left as it comes
WARNINGS = {128 + getattr(signal, name, 0) for name in ("SIGUSR1", "SIGUSR2")}


class Task:
    """A task of a sweep, as a job."""

    def __call__(self, folder: str, task: int) -> None:
        """Carry it out, and end the process. A job that was warned queues again; one that was told to end, ends."""
        code = attempt(Path(folder), task)
        if code == 0:
            _clear()
        if code in WARNINGS:
            with contextlib.suppress(SystemExit):
                signal.raise_signal(_requeue_signal())
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


def _requeue_signal() -> int:
    """The signal at which submitit queues a job again."""
    from submitit import JobEnvironment

    return getattr(signal, f"SIG{JobEnvironment.USR_SIG}")


def _clear() -> None:
    """Remove what the cluster wrote about this job, it ended well: the task's own folder says all."""
    from submitit import JobEnvironment

    paths = JobEnvironment().paths
    for path in (paths.submitted_pickle, paths.stdout, paths.stderr):
        path.unlink(missing_ok=True)
