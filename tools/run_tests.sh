#!/usr/bin/env bash
# Sets up the environment where needed, then checks the style and runs the tests.
set -euo pipefail

usage() {
    cat <<'TEXT'
usage: bash tools/run_tests.sh [--fast | --long] [--stack {openmmlab,onedl}] [pytest arguments]

Sets up the environment where needed (tools/setup_env.sh), then runs ruff and pytest, one process
per core with one thread each.

tiers:
  --fast     seconds each: while you write code
  (default)  whole runs too, small: before you commit
  --long     proofs at full size too, minutes each: before a release

options:
  --stack S  the packages to test with: openmmlab (default) or onedl, the maintained fork

examples:
  bash tools/run_tests.sh --fast
  bash tools/run_tests.sh tests/models -k triplet
  # in one process, up to the first failure
  bash tools/run_tests.sh -n 0 -x
TEXT
}

arguments=()
while (($#)); do
    case "$1" in
        --fast) arguments+=(-m 'not slow and not long') ;;
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

# Threads of one process would wait for those of the others.
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"
processes="$(getconf _NPROCESSORS_ONLN)"
((processes <= 8)) || processes=8
# A file stays whole, as its tests share what they train; tests/conftest.py puts long files first.
"$python" -m pytest -n "$processes" --dist loadfile --no-loadscope-reorder \
    ${arguments[@]+"${arguments[@]}"}
