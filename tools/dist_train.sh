#!/usr/bin/env bash
# Train with several processes: one for each GPU, or on the CPU (gloo) if there is no GPU.
set -euo pipefail

usage() {
    cat <<'TEXT'
usage: bash tools/dist_train.sh CONFIG PROCESSES [options of tools/train.py]

One machine needs nothing else. For several, set on each: NNODES, NODE_RANK, MASTER_ADDR and PORT.
PYTHON names the interpreter (python). Under Slurm: srun ... python tools/train.py CONFIG --launcher slurm
TEXT
}

if (($# < 2)) || [[ ! $2 =~ ^[1-9][0-9]*$ ]]; then
    usage >&2
    exit 2
fi
tools="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
source "$tools/misc/launch.sh"
launch "$2" "$tools/train.py" "$1" "${@:3}"
