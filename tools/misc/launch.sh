# Sourced by dist_train.sh and dist_test.sh: starts a Python tool in several processes.
# shellcheck shell=bash

# launch PROCESSES TOOL [ARGUMENTS]: one process for each GPU, or on the CPU (gloo) without one.
launch() {
    local processes=$1 python=${PYTHON:-python} rendezvous
    shift
    if ! "$python" -c 'import importlib.util as u, sys; sys.exit(not u.find_spec("torch"))'; then
        echo "$python has no torch: activate the environment (source .venv/bin/activate) or set PYTHON to its interpreter" >&2
        exit 2
    fi
    if [[ ${NNODES:-1} == 1 && -z ${PORT:-} ]]; then
        rendezvous=(--standalone) # finds a free port
    else
        rendezvous=(--nnodes "${NNODES:-1}" --node-rank "${NODE_RANK:-0}")
        rendezvous+=(--master-addr "${MASTER_ADDR:-127.0.0.1}" --master-port "${PORT:-29500}")
    fi
    exec "$python" -m torch.distributed.run "${rendezvous[@]}" --nproc-per-node "$processes" \
        "$@" --launcher pytorch
}
