#!/usr/bin/env bash
# A real Slurm on this one machine, for tests and for trying things out: no systemd, no accounting, no password.
#   scripts/slurm_onebox.sh install   packages of the distribution (Debian, Ubuntu; as root)
#   scripts/slurm_onebox.sh up        start it, wait until it takes jobs, print how to use it
#   scripts/slurm_onebox.sh status    nodes and jobs; exit code 1 if it is not up
#   scripts/slurm_onebox.sh down      end all jobs and the daemons that this script started
# ONEBOX names its folder (default: $TMPDIR/slurm-onebox), ONEBOX_CPUS the processors it gives to jobs (default: all).
set -euo pipefail

S="${ONEBOX:-${TMPDIR:-/tmp}/slurm-onebox}"
H="$(hostname -s)"
CPUS="${ONEBOX_CPUS:-$(nproc)}"
MEMORY="$(awk '/^MemTotal/ {print int($2 / 1024)}' /proc/meminfo)"
export SLURM_CONF="$S/slurm.conf"
DAEMONS=(slurmd slurmctld munged)

fail() { echo "slurm_onebox: $*" >&2; exit 1; }

as_root() { [ "$(id -u)" = 0 ] || fail "$1 needs root: run it with sudo, or in a container"; }

install() {
    if installed; then slurmctld -V; return; fi
    command -v apt-get >/dev/null || fail "no apt-get: install Slurm and munge with your package manager, then \`$0 up\`"
    as_root install
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends slurm-wlm munge >/dev/null
    slurmctld -V
}

installed() { for program in sbatch slurmctld slurmd munged mungekey; do command -v "$program" >/dev/null || return 1; done; }

# cred_expire: a requeued job waits until its old credential is stale, two minutes by default.
# No accounting: jobs say themselves how they ended. Jobs of the partition `urgent` preempt those of `test`.
configure() {
    cat >"$SLURM_CONF" <<CONF
ClusterName=onebox
SlurmctldHost=$H(127.0.0.1)
SlurmctldPort=16817
SlurmdPort=16818
AuthType=auth/munge
CryptoType=crypto/munge
AuthInfo=socket=$S/run/munge.socket,cred_expire=5
SlurmUser=root
SlurmdUser=root
StateSaveLocation=$S/ctld
SlurmdSpoolDir=$S/d
SlurmctldPidFile=$S/run/slurmctld.pid
SlurmdPidFile=$S/run/slurmd.pid
SlurmctldLogFile=$S/log/slurmctld.log
SlurmdLogFile=$S/log/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=2,bf_interval=2
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
ReturnToService=2
JobRequeue=1
KillWait=5
MinJobAge=600
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
NodeName=$H NodeAddr=127.0.0.1 CPUs=$CPUS RealMemory=$MEMORY State=UNKNOWN
PartitionName=test Nodes=$H Default=YES MaxTime=INFINITE State=UP PriorityTier=1
PartitionName=urgent Nodes=$H MaxTime=INFINITE State=UP PriorityTier=2
CONF
}

munge_up() {
    mungekey --create --force --keyfile="$S/munge.key"
    munged --force --key-file="$S/munge.key" --socket="$S/run/munge.socket" --pid-file="$S/run/munged.pid" \
        --log-file="$S/log/munged.log" --seed-file="$S/run/munge.seed"
}

up() {
    installed || fail "Slurm is not installed: \`$0 install\`"
    as_root up
    if idle; then usage; return; fi
    down
    rm -rf "$S/ctld" "$S/d" # a state saved under other settings is refused
    mkdir -p "$S"/{ctld,d,run,log}
    chmod 755 "$S" "$S"/{ctld,d,run,log}
    configure
    munge_up
    slurmctld -f "$SLURM_CONF" -c
    slurmd -f "$SLURM_CONF" -N "$H"
    for _ in $(seq 200); do
        if idle; then usage; return; fi
        sleep 0.1
    done
    tail -n 20 "$S"/log/*.log >&2
    fail "no node was ready after 20 s: see $S/log"
}

# a number left from before a crash may belong to another process by now
alive() { [ "$(cat "/proc/$(cat "$S/run/$1.pid" 2>/dev/null)/comm" 2>/dev/null)" = "$1" ]; }

idle() { alive slurmctld && timeout 5 sinfo -h -o %T 2>/dev/null | grep -Eq 'idle|alloc|mix'; }

usage() { echo "export SLURM_CONF=$SLURM_CONF"; }

status() {
    idle || { echo "down"; return 1; }
    sinfo
    squeue
}

down() {
    if idle; then end_jobs; fi
    for name in "${DAEMONS[@]}"; do stop "$name"; done
}

end_jobs() {
    squeue -h -o %A | xargs -r scancel
    for _ in $(seq 150); do [ -n "$(squeue -h)" ] || break; sleep 0.1; done # KillWait, then SIGKILL
}

stop() {
    local file="$S/run/$1.pid" pid
    if alive "$1"; then
        pid="$(cat "$file")"
        kill "$pid" 2>/dev/null || true
        for _ in $(seq 100); do [ -d "/proc/$pid" ] || break; sleep 0.1; done
        [ ! -d "/proc/$pid" ] || kill -9 "$pid"
    fi
    rm -f "$file"
}

case "${1:-}" in
install | up | status | down) "$1" ;;
*) sed -n '2,7s/^# //p' "$0"; exit 2 ;;
esac
