#!/usr/bin/env bash
# Measures the spine beside other crates for durable work, on the same workload and the same durable
# PostgreSQL: 64 chains of 250 steps, enqueue to start on an idle system, one and two workers.
#
# Usage: infra/bench_peers.sh [--json] [--dev] [further options of spotwright-peers]
#   --json   one JSON document instead of a table
#   --dev    the dev profile on both sides instead of the release profile
# Not part of CI: it builds dependencies that the program itself does not have (infra/peers), and
# takes some minutes.
set -euo pipefail
top="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
say() { printf '== %s\n' "$*" >&2; }
json=no; profile=release
while [ $# -gt 0 ]; do
    case "$1" in
        --json) json=yes; shift ;;
        --dev) profile=dev; shift ;;
        *) break ;;
    esac
done
command -v jq >/dev/null || { printf 'error: jq is missing\n' >&2; exit 1; }
cd "$top"
target="${CARGO_TARGET_DIR:-$top/target}"
peers_target="${PEERS_TARGET_DIR:-$target/peers}"
say "building ($profile)"
folder_of=debug; [ "$profile" = release ] && folder_of=release
if [ "$profile" = release ]; then cargo build --locked --quiet --release -p spotwright-server
else cargo build --locked --quiet -p spotwright-server; fi
CARGO_TARGET_DIR="$peers_target" cargo build --locked --quiet --profile "$profile" \
    --manifest-path infra/peers/Cargo.toml

scratch="$(mktemp -d)"; chmod 0711 "$scratch"
export SPOTWRIGHT_SERVERS="$scratch/servers"
clean() { "$top/infra/servers.sh" stop >&2 || true; rm -rf "$scratch"; }
trap clean EXIT
infra/servers.sh start --durable postgres >&2
eval "$(infra/servers.sh env)"

before="$(cat /proc/loadavg 2>/dev/null || true)"
say "spotwright bench pipeline"
SPOTWRIGHT__STORE__URL="$SPOTWRIGHT_TEST_POSTGRES_URL" "$target/$folder_of/spotwright" bench pipeline --json >"$scratch/ours.json"
# One store for all connections of the runtime; peers get a pool of the same size.
DUROXIDE_PG_POOL_MAX=20 "$peers_target/$folder_of/spotwright-peers" --url "$SPOTWRIGHT_TEST_POSTGRES_URL" \
    --out "$scratch/peers.json" "$@" >&2
after="$(cat /proc/loadavg 2>/dev/null || true)"
jq -n --slurpfile ours "$scratch/ours.json" --slurpfile peers "$scratch/peers.json" \
    --arg profile "$profile" --arg rustc "$(rustc --version)" --arg before "$before" --arg after "$after" '
    $ours[0] as $o | $peers[0] as $p |
    {spotwright: {version: $o.version, steps_per_second: $o.postgres_steps_per_second,
                  enqueue_to_start_p50_ms: $o.enqueue_to_start_p50_ms,
                  enqueue_to_start_p99_ms: $o.enqueue_to_start_p99_ms,
                  two_worker_speedup: $o.claims.two_worker_speedup,
                  sqlite_steps_per_second: $o.sqlite_steps_per_second},
     peers: $p.peers,
     ratios: [$p.peers[] | {peer: .name,
              steps_per_second: ($o.postgres_steps_per_second / .steps_per_second),
              enqueue_to_start_p50: ($o.enqueue_to_start_p50_ms / .enqueue_to_start_p50_ms),
              enqueue_to_start_p99: ($o.enqueue_to_start_p99_ms / .enqueue_to_start_p99_ms),
              two_worker_speedup: ($o.claims.two_worker_speedup / .two_worker_speedup)}],
     unfinished: $p.unfinished, sizes: $p.sizes, postgres: $p.postgres, profile: $profile, rustc: $rustc,
     machine: ($o.machine + {load_before: $before, load_after: $after})}' >"$scratch/all.json"
if [ "$json" = yes ]; then cat "$scratch/all.json"; exit 0; fi
jq -r '(["name", "steps/s", "p50 ms", "p99 ms", "two workers"] | @tsv),
    (([.spotwright + {name: "spotwright"}] + .peers)[] |
     [.name, (.steps_per_second | round), .enqueue_to_start_p50_ms, .enqueue_to_start_p99_ms,
      (.two_worker_speedup * 100 | round / 100)] | @tsv)' "$scratch/all.json"
