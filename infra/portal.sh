#!/usr/bin/env bash
# Builds Spotwright and opens its portal with a demo organization, signed in by the link that is printed.
# Usage: infra/portal.sh [FOLDER]
#   FOLDER  where the demo keeps its files; spotwright-out/portal without it
set -euo pipefail
top="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
"$top/infra/setup.sh" run
folder="$(realpath -m "${1:-$top/spotwright-out/portal}")"
cd "$top"
printf '== building (the first time takes some minutes)\n' >&2
cargo build --locked --quiet --package spotwright-server --bin spotwright
target="${CARGO_TARGET_DIR:-$top/target}"
export SPOTWRIGHT__SERVE__FOLDER="$folder"
exec "$target/debug/spotwright" serve --demo
