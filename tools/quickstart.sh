#!/usr/bin/env bash
# From a fresh clone to a trained, evaluated, pictured person search: sets up, then runs everything.
set -euo pipefail

tools="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
case " $* " in
    *" --help "* | *" -h "*)
        cat <<'TEXT'
usage: bash tools/quickstart.sh [--seed N] [--fresh] [--frames DIR] [--work-dir DIR]

Installs what is missing (the first time about 3 minutes beside the downloads), then draws
a small data set in CUHK-SYSU's layout, converts it, trains a detector once and the re-ID branches
J2, J3 and J4 on it, evaluates each, and writes results.json and pictures to work_dirs/quickstart.
About 5 minutes on 2 CPU cores. Run again, it goes on where it stopped.

  --seed N        draw other data (default: 0)
  --fresh         start over instead of going on
  --frames DIR    search the drawn people in a folder of your own pictures too
  --work-dir DIR  where everything is written (default: work_dirs/quickstart)
TEXT
        exit 0
        ;;
esac
bash "$tools/setup_env.sh"
exec "$(bash "$tools/setup_env.sh" --print-python)" "$tools/quickstart" "$@"
