#!/usr/bin/env bash
# Sets up the environment where needed, then checks the style and runs the tests.
set -euo pipefail

usage() {
    cat <<'TEXT'
usage: bash tools/run_tests.sh [--fast] [--stack {openmmlab,onedl}] [pytest arguments]

Sets up the environment where needed (tools/setup_env.sh), then runs ruff and pytest.

  --fast     leave out the tests that take more than a few seconds
  --stack S  the packages to test with: openmmlab (default) or onedl, the maintained fork
TEXT
}

fast=false
arguments=()
while (($#)); do
    case "$1" in
        --fast) fast=true ;;
        --stack) export MMPS_STACK="${2:?--stack needs openmmlab or onedl}" && shift ;;
        -h | --help) usage && exit 0 ;;
        *) arguments+=("$1") ;;
    esac
    shift
done

cd "$(dirname "${BASH_SOURCE[0]}")/.."
bash tools/setup_env.sh --tests
python="$(bash tools/setup_env.sh --print-python)"
if $fast; then
    arguments=(-m 'not slow' ${arguments[@]+"${arguments[@]}"})
fi

"$python" -m ruff check .
"$python" -m ruff format --check .
"$python" -m pytest ${arguments[@]+"${arguments[@]}"}
