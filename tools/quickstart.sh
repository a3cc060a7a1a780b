#!/usr/bin/env bash
# From a new clone to a trained and evaluated person search: installs, then runs everything.
set -euo pipefail

tools="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
case " $* " in
    *" --help "* | *" -h "*)
        cat <<'TEXT'
usage: bash tools/quickstart.sh [--seed N] [--fresh] [--frames DIR] [--work-dir DIR]

Installs what is missing (the first time about 3 minutes plus downloads), then draws
a small data set in CUHK-SYSU's layout, converts it, trains a detector once and the re-ID branches
J2, J3 and J4 on it, evaluates each, and writes results.json and figures to work_dirs/quickstart.
About 5 minutes on 2 CPU cores. A second run continues where the first stopped.

  --seed N        draw other data (default: 0)
  --fresh         start again instead of continuing
  --frames DIR    also search the drawn people in a folder of your own images
  --work-dir DIR  where everything is written (default: work_dirs/quickstart)
TEXT
        exit 0
        ;;
esac
bash "$tools/setup_env.sh"
exec "$(bash "$tools/setup_env.sh" --print-python)" "$tools/quickstart" "$@"
