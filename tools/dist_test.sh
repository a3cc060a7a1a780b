#!/usr/bin/env bash
# Test with several processes: one for each GPU, or on the CPU (gloo) if there is no GPU.
set -euo pipefail

usage() {
    cat <<'TEXT'
usage: bash tools/dist_test.sh CONFIG CHECKPOINT PROCESSES [options of tools/test.py]

One machine needs nothing else. For several, set on each: NNODES, NODE_RANK, MASTER_ADDR and PORT.
PYTHON names the interpreter (python). Under Slurm: srun ... python tools/test.py CONFIG CHECKPOINT --launcher slurm
TEXT
}

if (($# < 3)) || [[ ! $3 =~ ^[1-9][0-9]*$ ]]; then
    usage >&2
    exit 2
fi
tools="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
source "$tools/misc/launch.sh"
launch "$3" "$tools/test.py" "$1" "$2" "${@:4}"
