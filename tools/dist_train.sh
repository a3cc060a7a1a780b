#!/usr/bin/env bash
# Train with several processes: one for each GPU, or on the CPU (gloo) where there is no GPU.
set -euo pipefail

usage() {
    cat <<'TEXT'
usage: bash tools/dist_train.sh CONFIG PROCESSES [options of tools/train.py]

One machine needs nothing else. For several, set on each: NNODES, NODE_RANK, MASTER_ADDR and PORT.
Under Slurm: srun ... python tools/train.py CONFIG --launcher slurm
TEXT
}

if (($# < 2)) || [[ ! $2 =~ ^[1-9][0-9]*$ ]]; then
    usage >&2
    exit 2
fi
config=$1 processes=$2
shift 2

if [[ ${NNODES:-1} == 1 && -z ${PORT:-} ]]; then
    rendezvous=(--standalone) # finds a free port
else
    rendezvous=(--nnodes "${NNODES:-1}" --node-rank "${NODE_RANK:-0}")
    rendezvous+=(--master-addr "${MASTER_ADDR:-127.0.0.1}" --master-port "${PORT:-29500}")
fi
tools="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
exec python -m torch.distributed.run "${rendezvous[@]}" --nproc-per-node "$processes" \
    "$tools/train.py" "$config" --launcher pytorch "$@"
