#!/usr/bin/env bash
# The fault suite alone, on a private PostgreSQL and RabbitMQ with fsync on: kills in every shape,
# cuts, stops, wrong clocks, repeated and poison messages, a full disk, a race for a budget, a
# migration under running programs, and servers that die.
# Usage: infra/faults.sh [--full]      --full: 200 kills for each shape instead of 30
set -euo pipefail
top="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
cd "$top"
ignored=only
if [ "${1:-}" = "--full" ]; then
    export SPOTWRIGHT_KILLS=200
    ignored=all
fi
SPOTWRIGHT_SERVERS="$(mktemp -d)/servers"
export SPOTWRIGHT_SERVERS
trap 'status=$?; "$top/infra/servers.sh" stop || true; rm -rf "$(dirname "$SPOTWRIGHT_SERVERS")"; exit $status' EXIT
# The server's user must reach the folder.
chmod 0711 "$(dirname "$SPOTWRIGHT_SERVERS")"
variables="$("$top/infra/servers.sh" start --durable)"
eval "$variables"
failed=0
# A part that fails does not keep the others from being run.
run() { cargo nextest run --locked --workspace --all-targets --no-fail-fast "$@" || failed=1; }
# Those that need no server; in the long profile the long ones among them too.
run --run-ignored "$([ "$ignored" = all ] && echo all || echo default)" \
    -E 'binary(kill) | binary(disk_full) | binary(histories) | binary(late_messages)'
run --run-ignored only -E 'binary(/^live_(fleet|replay|upgrade|rabbit|postgres)$/)'
# Last, because it ends the servers under everybody's feet.
run --run-ignored only -E 'binary(crash_servers)'
exit "$failed"
