#!/usr/bin/env bash
# Measures the REST API of one `spotwright serve` over loopback, on SQLite and on a durable PostgreSQL:
# POST /v1/briefs (every one durable, under an idempotency key of its own) with wrk, which can give
# each request its own header, at a little over 400 a second and as fast as it goes; and
# GET /v1/runs/{id} with oha at 3,000 a second and as fast as it goes.
#
# Usage: infra/bench_api.sh [--dev]      prints one JSON document; progress goes to standard error
#   --dev            the profile of run and tests instead of the release profile
#   BENCH_SECONDS    length of each measurement (20)
#   BENCH_CLIENTS    connections (16)
#   OHA              the oha program (oha)
#   SPOTWRIGHT_PROGRAM   a program that is built already
# Server, database and load generators share this machine.
set -euo pipefail
shopt -s inherit_errexit
top="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
say() { printf '== %s\n' "$*" >&2; }
stop_with() { printf 'error: %s\n' "$*" >&2; exit 1; }
profile=release
[ "${1:-}" = --dev ] && profile=dev
seconds="${BENCH_SECONDS:-20}"; clients="${BENCH_CLIENTS:-16}"; oha="${OHA:-oha}"
for program in wrk curl jq "$oha"; do
    command -v "$program" >/dev/null || stop_with "$program is missing"
done
cd "$top"
folder_of=debug; [ "$profile" = release ] && folder_of=release
program="${SPOTWRIGHT_PROGRAM:-${CARGO_TARGET_DIR:-$top/target}/$folder_of/spotwright}"
[ -n "${SPOTWRIGHT_PROGRAM:-}" ] || say "building ($profile)"
if [ -n "${SPOTWRIGHT_PROGRAM:-}" ]; then profile=given
elif [ "$profile" = release ]; then cargo build --locked --release --quiet -p spotwright-server
else cargo build --locked --quiet -p spotwright-server; fi

scratch="$(mktemp -d)"; chmod 0711 "$scratch"
server=
clean() {
    [ -z "$server" ] || { kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; }
    SPOTWRIGHT_SERVERS="$scratch/servers" "$top/infra/servers.sh" stop >&2 || true
    rm -rf "$scratch"
}
trap clean EXIT

port=$((20000 + RANDOM % 10000))
url="http://127.0.0.1:$port"
SPOTWRIGHT__SERVE__PEPPER="$("$program" pepper)"
export SPOTWRIGHT__SERVE__PEPPER
export SPOTWRIGHT__SERVE__ADDRESS="127.0.0.1:$port"

post() { # path, content type, file
    curl -sS --fail-with-body "$url$1" -H "Authorization: Bearer $key" -H "Idempotency-Key: setup-$RANDOM-$RANDOM" \
        -H "Content-Type: $2" --data-binary "@$3"
}

start() { # name
    mkdir -p "$scratch/$1"
    export SPOTWRIGHT__SERVE__FOLDER="$scratch/$1"
    key="$("$program" operator --json | jq -r .key)"
    "$program" serve 2>"$scratch/$1.log" &
    server=$!
    local up=no
    for _ in $(seq 300); do curl -sf "$url/openapi.json" >/dev/null && { up=yes; break; }; sleep 0.1; done
    [ "$up" = yes ] || { tail -n 5 "$scratch/$1.log" >&2; stop_with "the server does not start"; }
    echo '{"name":"Bench"}' > "$scratch/organization.json"
    key="$(post /v1/organizations application/json "$scratch/organization.json" | jq -r .secret)"
    local picture assets=
    for picture in $(jq -r '.product.pictures[].file' schemas/golden/brief/v1-*.json); do
        local id; id="$(post "/v1/assets?name=$picture" image/png examples/coffee-en/cup-tall.png | jq -r .id)"
        assets="${assets:+$assets,}\"$picture\":\"$id\""
    done
    jq -c --argjson assets "{$assets}" '{brief: ., assets: $assets}' schemas/golden/brief/v1-*.json > "$scratch/order.json"
    local brief; brief="$(post /v1/briefs application/json "$scratch/order.json" | jq -r .id)"
    echo "{\"brief\":\"$brief\",\"generations\":1,\"variants\":2,\"winners\":1,\"seed\":1}" > "$scratch/run.json"
    run="$(post /v1/runs application/json "$scratch/run.json" | jq -r .id)"
    # Held back, so that only the API works.
    : > "$scratch/empty"
    post "/v1/runs/$run/pause" application/json "$scratch/empty" >/dev/null
    sleep 2
}

end() {
    kill "$server"; wait "$server" || true
    server=
}

posts() { # mean wait before each request of a connection, in milliseconds
    export BENCH_KEY="$key" BENCH_BODY="$scratch/order.json" BENCH_RUN="bench-$RANDOM-$RANDOM" BENCH_DELAY="$1"
    wrk -t 1 -c "$clients" -d "${seconds}s" -s infra/bench_api.lua "$url" | sed -n 's/^RESULT //p'
}

gets() { # further options of oha
    "$oha" --no-tui --output-format json -z "${seconds}s" -c "$clients" "$@" \
        -H "Authorization: Bearer $key" "$url/v1/runs/$run" |
        jq '{per_second: .summary.requestsPerSec, p50_ms: (.latencyPercentiles.p50 * 1000),
             p99_ms: (.latencyPercentiles.p99 * 1000), answers: .statusCodeDistribution}'
}

measure() { # name
    start "$1"
    # Nine tenths of the time between two requests of a connection; the answers take the rest.
    local delay=$((clients * 900 / 400))
    say "$1: POST /v1/briefs at over 400 a second"; local paced_posts; paced_posts="$(posts "$delay")"
    say "$1: POST /v1/briefs as fast as it goes"; local posts; posts="$(posts 0)"
    say "$1: GET /v1/runs/{id} at 3,000 a second"; local paced; paced="$(gets -q 3000 --latency-correction)"
    say "$1: GET /v1/runs/{id} as fast as it goes"; local free; free="$(gets)"
    end
    jq -n --argjson paced_posts "$paced_posts" --argjson posts "$posts" --argjson paced "$paced" --argjson free "$free" \
        '{post_briefs_at_400: $paced_posts, post_briefs: $posts, get_run_at_3000: $paced, get_run: $free}' > "$scratch/$1.json"
}

measure sqlite
export SPOTWRIGHT_SERVERS="$scratch/servers"
infra/servers.sh start --durable postgres >&2
eval "$(infra/servers.sh env)"
export SPOTWRIGHT__STORE__URL="$SPOTWRIGHT_TEST_POSTGRES_URL"
measure postgres
jq -n --slurpfile sqlite "$scratch/sqlite.json" --slurpfile postgres "$scratch/postgres.json" --arg profile "$profile" \
    --arg version "$("$program" --version)" --arg oha "$("$oha" --version)" \
    --arg load "$(cat /proc/loadavg 2>/dev/null)" --argjson processors "$(nproc)" \
    --argjson seconds "$seconds" --argjson clients "$clients" \
    '{version: $version, profile: $profile, oha: $oha, machine: {processors: $processors, load: $load},
      seconds: $seconds, clients: $clients, sqlite: $sqlite[0], postgres: $postgres[0]}'
