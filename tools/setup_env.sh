#!/usr/bin/env bash
# Makes or reuses the Python environment of mmps and installs what is missing in it.
set -euo pipefail

usage() {
    cat <<'TEXT'
usage: bash tools/setup_env.sh [--stack {openmmlab,onedl}] [--torch VERSION] [--gpu | --cpu]
                               [--tests] [--print-python]

Makes .venv (or uses the environment that MMPS_VENV names or that is active), then installs torch,
builds mmcv's compiled operators (a minute on 2 cores), installs mmdet, mmengine and mmps, and
tries them: 3 minutes beside the downloads. What already works there is kept, whatever its
version. A second run takes seconds.

  --stack S       openmmlab (default) or onedl, the maintained fork; also MMPS_STACK=S
  --torch V       install torch V in place of the default; also MMPS_TORCH=V. Tested versions
                  stand in mmps/versions.txt
  --gpu           insist on operators for the GPU (otherwise built where torch sees a GPU and
                  nvcc of its CUDA version is there)
  --cpu           build operators for the CPU only
  --tests         install what the tests need too
  --print-python  only print the interpreter that would be used
  MMPS_VENV=DIR   make or use the environment in DIR
  MMPS_PYTHON=P   make the environment with the interpreter P
Indexes, proxies and wheel folders are pip's own settings (pip config, PIP_INDEX_URL, ...).
TEXT
}

fail() {
    echo "setup_env: $1" >&2
    exit "${2:-1}"
}

tools="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="$(dirname "$tools")"
stack="${MMPS_STACK:-openmmlab}"
print_python=false
options=()
while (($#)); do
    case "$1" in
        --stack) stack="${2:?--stack needs openmmlab or onedl}" && shift ;;
        --torch) MMPS_TORCH="${2:?--torch needs a version}" && shift ;;
        --gpu | --cpu | --tests) options+=("$1") ;;
        --print-python) print_python=true ;;
        -h | --help) usage && exit 0 ;;
        *) usage >&2 && fail "unknown argument $1" 2 ;;
    esac
    shift
done
case "$stack" in
    openmmlab) folder=.venv ;;
    onedl) folder=.venv-onedl ;;
    *) fail "the stack is openmmlab or onedl, not '$stack'" 2 ;;
esac

if [[ -f "$root/setup.py" ]]; then
    versions="$root/mmps/versions.txt"
    default_env="$root/$folder"
else # an installed wheel: these files lie in lib/pythonX.Y/site-packages/mmps/.mim
    versions="$root/../versions.txt"
    default_env="$(cd "$root/../../../../.." && pwd)"
fi

# conda's base environment is active in every shell and is not meant to be installed into.
conda=""
[[ "${CONDA_DEFAULT_ENV:-base}" == base ]] || conda="${CONDA_PREFIX:-}"
env="${MMPS_VENV:-${VIRTUAL_ENV:-${conda:-$default_env}}}"
python="$env/bin/python"
if $print_python; then
    echo "$python"
    exit 0
fi

span="$(sed -n 's/^# python: //p' "$versions")"
oldest="${span%% *}"

is_python() { # interpreter oldest newest
    "$1" -c "
import sys
as_pair = lambda text: tuple(map(int, text.split('.')))
sys.exit(not as_pair('$2') <= sys.version_info[:2] <= as_pair('$3'))
" 2>/dev/null
}

find_python() {
    local newest candidate
    for newest in "${span##* }" 9.99; do # a tested one first, then any newer one
        for candidate in ${MMPS_PYTHON:+"$MMPS_PYTHON"} python3 python3.11 python3.12 python3.10; do
            if is_python "$candidate" "$oldest" "$newest"; then
                command -v "$candidate"
                return
            fi
            [[ -z "${MMPS_PYTHON:-}" ]] || break
        done
    done
    fail "no Python $span is there (${MMPS_PYTHON:-python3} is $("${MMPS_PYTHON:-python3}" --version 2>&1 | tail -1)): install one and name it with MMPS_PYTHON=/path/to/python"
}

near="$env"
until [[ -d "$near" ]]; do near="$(dirname "$near")"; done
free="$(df -Pk "$near" | { read -r && read -r _ _ _ free _ && echo $((free / 1024)); })"
has_torch='import importlib.util, sys; sys.exit(importlib.util.find_spec("torch") is None)'
((free >= 4096)) || "$python" -c "$has_torch" 2>/dev/null ||
    fail "the disk of $env has $free MiB free and the environment needs 4096: free some, or name a folder on another disk with MMPS_VENV=DIR"

# An environment without a working pip was left by an interrupted run, and is made again.
if ! "$python" -m pip --version >/dev/null 2>&1; then
    if [[ -n "$(ls -A "$env" 2>/dev/null)" && ! -f "$env/mmps-made.txt" ]]; then
        fail "the environment $env has no working pip: repair it, or name another one with MMPS_VENV=DIR"
    fi
    base="$(find_python)"
    { mkdir -p "$env" && echo "made by tools/setup_env.sh" >"$env/mmps-made.txt"; } 2>/dev/null ||
        fail "cannot write $env: name a folder that you can write with MMPS_VENV=DIR"
    echo "[set-up] making the environment $env with $base ($("$base" --version))"
    "$base" -m venv "$env" ||
        fail "$base cannot make a virtual environment: install its venv package (Debian, Ubuntu: apt-get install python3-venv)"
fi
is_python "$python" "$oldest" 9.99 ||
    fail "the environment $env has $("$python" --version 2>&1), too old: name another folder with MMPS_VENV=DIR (and a Python $span with MMPS_PYTHON=/path/to/python)"

exec "$python" "$tools/environment/setup_env" --stack "$stack" --torch "${MMPS_TORCH:-}" \
    ${options[@]+"${options[@]}"}
