#!/usr/bin/env bash
# Sets up the environment where needed, then checks the style and runs the tests.
set -euo pipefail

usage() {
    cat <<'TEXT'
usage: bash tools/run_tests.sh [--fast | --installer | --long] [--stack {openmmlab,onedl}]
                               [pytest arguments]

Sets up the environment where needed (tools/setup_env.sh), then runs ruff and pytest, one process
per core with one thread each.

tiers:
  --fast       tests of seconds: while you write code
  (default)    small whole runs too: before you commit
  --installer  environments that are made, broken and diagnosed too: what continuous integration
               runs; given by itself where the files of the installer are changed
  --long       all of it, with proofs at full size of minutes each: before a release

options:
  --stack S    the packages to test with: openmmlab (default) or onedl, the maintained fork

examples:
  bash tools/run_tests.sh --fast
  bash tools/run_tests.sh tests/models -k triplet
  # in one process, up to the first failure
  bash tools/run_tests.sh -n 0 -x
TEXT
}

fast=false
arguments=()
while (($#)); do
    case "$1" in
        --fast) fast=true && arguments+=(-m 'not slow and not installer and not long') ;;
        --stack) export MMPS_STACK="${2:?--stack needs openmmlab or onedl}" && shift ;;
        -h | --help) usage && exit 0 ;;
        *) arguments+=("$1") ;;
    esac
    shift
done

cd "$(dirname "${BASH_SOURCE[0]}")/.."
bash tools/setup_env.sh --tests
python="$(bash tools/setup_env.sh --print-python)"

"$python" -m ruff check .
"$python" -m ruff format --check .

installer=(tools/environment tools/setup_env.sh mmps/doctor mmps/versions.txt setup.py pyproject.toml)
if ! $fast && [[ -n "$(git status --porcelain -- "${installer[@]}" 2>/dev/null)" ]]; then
    arguments=(--installer ${arguments[@]+"${arguments[@]}"})
fi

# Threads of one process would wait for those of the others.
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"
processes="$(getconf _NPROCESSORS_ONLN)"
((processes <= 8)) || processes=8
# A file stays whole, as its tests share what they train; tests/conftest.py puts long files first.
"$python" -m pytest -n "$processes" --dist loadfile --no-loadscope-reorder \
    ${arguments[@]+"${arguments[@]}"}
