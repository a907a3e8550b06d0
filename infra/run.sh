#!/usr/bin/env bash
# Builds Spotwright and takes one brief to placed winners.
# Usage: infra/run.sh [BRIEF] [further options of `spotwright run`]
set -euo pipefail
top="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
"$top/infra/setup.sh" run

if [ $# -gt 0 ] && [ "${1#-}" = "$1" ]; then
    brief="$(realpath -m "$1")"; shift
else
    brief="$top/examples/coffee-en/brief.yaml"
fi

cd "$top"
printf '== building (the first time takes some minutes)\n' >&2
# The same features as the tests build with, so that neither compiles the other's crates again.
cargo build --locked --quiet --package spotwright-server --bin spotwright
target="${CARGO_TARGET_DIR:-$top/target}"
exec "$target/debug/spotwright" run "$brief" "$@"
