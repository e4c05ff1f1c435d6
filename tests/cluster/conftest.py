import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ONEBOX = Path(__file__).parents[2] / "scripts" / "slurm_onebox.sh"


@pytest.fixture(scope="session")
def slurm():
    """A Slurm that takes jobs: the one that is up, or one of this machine, for as long as the tests last."""
    if shutil.which("sbatch") is None:
        pytest.skip(f"no sbatch: `{ONEBOX.name} install` installs Slurm on Debian and Ubuntu, as root")
    if "SLURM_CONF" in os.environ:
        yield
        return
    if os.geteuid() != 0:
        pytest.skip(f"SLURM_CONF names no cluster, and `{ONEBOX.name} up` needs root")
    was_up = subprocess.run([ONEBOX, "status"], capture_output=True).returncode == 0
    told = subprocess.run([ONEBOX, "up"], capture_output=True, text=True)
    assert told.returncode == 0, told.stderr
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLURM_CONF", re.search(r"SLURM_CONF=(\S+)", told.stdout)[1])
        yield
    if not was_up:
        subprocess.run([ONEBOX, "down"], check=True)
