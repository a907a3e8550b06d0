#!/usr/bin/env bash
# Everything that must hold before a change lands: format, lints, layout, generated files, tests,
# and the live tests on a private PostgreSQL and RabbitMQ, which it starts and stops.
# Usage: infra/test.sh
set -euo pipefail
top="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
"$top/infra/setup.sh" test
cd "$top"

# Tests look for model files and public data sets here, and say so when they skip for want of them.
export SPOTWRIGHT_MODELS="${SPOTWRIGHT_MODELS:-${XDG_CACHE_HOME:-$HOME/.cache}/spotwright/models}"
if [ -z "${SPOTWRIGHT_DATA:-}" ] && [ -d "$top/../shared/data" ]; then
    SPOTWRIGHT_DATA="$(cd "$top/../shared/data" && pwd)"
    export SPOTWRIGHT_DATA
fi

step() { printf '\n== %s (%ss)\n' "$*" "$SECONDS" >&2; }
step "format"
cargo fmt --all --check
step "lints"
cargo clippy --locked --quiet --workspace --all-targets -- -D warnings
step "build"
cargo build --locked --quiet --workspace --all-targets
target="${CARGO_TARGET_DIR:-$top/target}"
step "layout and generated files"
"$target/debug/xtask" tidy
"$target/debug/xtask" codegen --check
"$target/debug/xtask" additive
step "tests"
if cargo nextest --version >/dev/null 2>&1; then
    cargo nextest run --locked --workspace --all-targets --no-fail-fast
else
    cargo test --locked --quiet --workspace --all-targets
fi
step "portal"
"$top/infra/portal_web.sh" check
"$top/infra/portal_web.sh" browser
step "live tests"
# Servers of their own, so that another checkout's, or those started by hand, are left alone.
SPOTWRIGHT_SERVERS="$(mktemp -d)/servers"
export SPOTWRIGHT_SERVERS
trap 'status=$?; "$top/infra/servers.sh" stop || true; rm -rf "$(dirname "$SPOTWRIGHT_SERVERS")"; exit $status' EXIT
# The server's user must reach the folder.
chmod 0711 "$(dirname "$SPOTWRIGHT_SERVERS")"
variables="$("$top/infra/servers.sh" start --durable)"
eval "$variables"
# Live tests are the ignored ones of the binaries whose name begins with `live_`; other ignored tests
# take minutes and are run by hand.
if cargo nextest --version >/dev/null 2>&1; then
    cargo nextest run --locked --workspace --all-targets --no-fail-fast --run-ignored only -E 'binary(/^live_/)'
    # Last, because it ends the servers under everybody's feet.
    cargo nextest run --locked --workspace --all-targets --run-ignored only -E 'binary(crash_servers)'
else
    live=()
    for file in services/*/tests/live_*.rs; do live+=(--test "$(basename "$file" .rs)"); done
    cargo test --locked --quiet --workspace "${live[@]}" -- --ignored
    cargo test --locked --quiet --workspace --test crash_servers -- --ignored
fi
step "documentation tests"
cargo test --locked --workspace --quiet --doc
step "all checks passed"
