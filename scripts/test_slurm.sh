#!/usr/bin/env bash
# A study in parts under Slurm, on this machine alone: array, requeue, merge, both rounds; the joined study must be the one
# of a single process. Needs root and the packages slurm-wlm and munge; starts its own daemons and stops them.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
export SLURM_CONF=$work/slurm.conf
idleheads=$PWD/build/idleheads
model=$PWD/models/SmolLM2-135M-Instruct.Q4_1.gguf
questions=$PWD/examples/everyday_questions.jsonl

stop() {
  scancel --user root 2>/dev/null || true
  pkill -F "$work/slurmd.pid" 2>/dev/null || true
  pkill -F "$work/slurmctld.pid" 2>/dev/null || true
  [[ -f $work/own_munge ]] && pkill -x munged || true
  sleep 1 # for what they still write
  rm -rf "$work"
}
trap stop EXIT

host=$(hostname -s)
cat >"$SLURM_CONF" <<CONF
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd.pid
SlurmdSpoolDir=$work/spool
StateSaveLocation=$work/state
SlurmctldLogFile=$work/slurmctld.log
SlurmdLogFile=$work/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
MpiDefault=none
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) State=UNKNOWN
PartitionName=all Nodes=$host Default=YES MaxTime=INFINITE State=UP
CONF
if ! pgrep -x munged >/dev/null; then
  mkdir -p /run/munge /var/log/munge
  chown munge: /run/munge /var/log/munge
  runuser -u munge -- /usr/sbin/munged
  touch "$work/own_munge"
fi
mkdir -p "$work/spool" "$work/state"
slurmctld && slurmd
for _ in $(seq 30); do [[ $(sinfo -h -o %T) == idle ]] && break || sleep 1; done
sinfo

cd "$work"
study=("$idleheads" study "$model" --task "$questions" --limit 20 --scores ahon_ln,random --shares 10,20)
printf '#!/bin/bash\n' >part.sh
cat >>part.sh <<'JOB'
# The first task kills itself once in the first round, as a machine that fails.
if [[ $SLURM_ARRAY_TASK_ID == 1 && -z ${SLURM_RESTART_COUNT-} && -z $PLAN ]]; then
  scontrol requeue "$SLURM_JOB_ID"
  sleep 60
fi
"$@" --shard "$SLURM_ARRAY_TASK_ID/3" -o parts --quiet ${PLAN:+--plan "$PLAN"}
JOB
round() { sbatch --wait --requeue --array=1-3 --cpus-per-task=1 -o "log.%a" --open-mode=append part.sh "${study[@]}"; }
PLAN= round
"$idleheads" merge parts/*.db -o joined.db
PLAN=joined.db round
"$idleheads" merge parts/*.db -o joined.db | tee merged
grep -q "nothing is missing" merged
cat log.*
"${study[@]}" -o whole.db --quiet
for file in whole joined; do "$idleheads" export "$file.db" --csv -o "$file"; done
diff -r whole joined
echo "test_slurm: the joined study is that of one process"
