#!/usr/bin/env bash
# Measures the REST API of one `spotwright serve` over loopback, on SQLite and on a durable PostgreSQL:
# POST /v1/briefs (every one durable, under an idempotency key of its own) at a little over 400 a second and as
# fast as it goes; GET /v1/campaigns/{id} of a run that was played at about 3,000 a second and as fast as it goes,
# both with wrk; and listeners on the events of runs that go on meanwhile.
#
# Usage: infra/bench_api.sh [--dev]      prints one JSON document; progress goes to standard error
#   --dev            the profile of run and tests instead of the release profile
#   BENCH_SECONDS    length of each measurement (20)
#   BENCH_CLIENTS    connections of writers (16); readers have four times as many
#   BENCH_LISTENERS  listeners (1000), spread over BENCH_RUNS runs of as many organizations (40)
#   BENCH_STORES     which of `sqlite postgres` (both)
#   SPOTWRIGHT_PROGRAM   a program that is built already
# Server, database and load generators share this machine.
set -euo pipefail
shopt -s inherit_errexit
top="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
say() { printf '== %s\n' "$*" >&2; }
stop_with() { printf 'error: %s\n' "$*" >&2; exit 1; }
profile=release
[ "${1:-}" = --dev ] && profile=dev
seconds="${BENCH_SECONDS:-20}"; clients="${BENCH_CLIENTS:-16}"; readers=$((clients * 4))
listeners="${BENCH_LISTENERS:-1000}"; runs="${BENCH_RUNS:-40}"; stores="${BENCH_STORES:-sqlite postgres}"
for program in wrk curl jq python3; do
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
# All clients have one address here.
export SPOTWRIGHT__SERVE__CONNECTIONS=4096
export SPOTWRIGHT__SERVE__CONNECTIONS_PER_ADDRESS=4096

post() { # path, content type, file
    curl -sS --fail-with-body "$url$1" -H "Authorization: Bearer $key" -H "Idempotency-Key: setup-$RANDOM-$RANDOM" \
        -H "Content-Type: $2" --data-binary "@$3"
}

start() { # name
    mkdir -p "$scratch/$1"
    export SPOTWRIGHT__SERVE__FOLDER="$scratch/$1"
    operator="$("$program" operator --json | jq -r .key)"
    key="$operator"
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
    say "$1: a run until its campaign was played"
    local stage=
    for _ in $(seq 600); do
        stage="$(curl -sSf "$url/v1/runs/$run" -H "Authorization: Bearer $key" | jq -r .stage)"
        [ "$stage" = finished ] && break
        sleep 1
    done
    [ "$stage" = finished ] || stop_with "the run is in $stage after ten minutes"
    campaign="$(curl -sSf "$url/v1/campaigns?run=$run" -H "Authorization: Bearer $key" | jq -r '.data[0].id')"
    sleep 2
}

end() {
    kill "$server"; wait "$server" || true
    server=
}

load() { # connections, mean wait before each request of a connection in milliseconds, path to read or nothing
    export BENCH_KEY="$key" BENCH_BODY="$scratch/order.json" BENCH_RUN="bench-$RANDOM-$RANDOM" BENCH_DELAY="$2"
    if [ -n "$3" ]; then export BENCH_PATH="$3"; else unset BENCH_PATH; fi
    wrk -t 1 -c "$1" -d "${seconds}s" -s infra/bench_api.lua "$url" | sed -n 's/^RESULT //p'
}

measure() { # name
    start "$1"
    # Nine tenths of the time between two requests of a connection; the answers take the rest.
    say "$1: POST /v1/briefs at over 400 a second"
    local paced_posts; paced_posts="$(load "$clients" $((clients * 900 / 400)) '')"
    say "$1: POST /v1/briefs as fast as it goes"
    local posts; posts="$(load "$clients" 0 '')"
    say "$1: GET /v1/campaigns/{id} at about 3,000 a second"
    local paced; paced="$(load "$readers" $((readers * 950 / 3000)) "/v1/campaigns/$campaign")"
    say "$1: GET /v1/campaigns/{id} as fast as it goes"
    local free; free="$(load "$readers" 0 "/v1/campaigns/$campaign")"
    say "$1: $listeners listeners on $runs runs that go on"
    local heard; heard="$(python3 infra/bench_sse.py "$url" "$operator" "$scratch/order.json" \
        examples/coffee-en/cup-tall.png "$listeners" "$runs" "$((seconds * 3))")"
    end
    jq -n --argjson paced_posts "$paced_posts" --argjson posts "$posts" --argjson paced "$paced" --argjson free "$free" \
        --argjson heard "$heard" --arg load "$(cat /proc/loadavg)" \
        '{post_briefs_at_400: $paced_posts, post_briefs: $posts, get_campaign_at_3000: $paced, get_campaign: $free,
          listeners: $heard, load_at_the_end: $load}' > "$scratch/$1.json"
}

load_before="$(cat /proc/loadavg)"
for store in $stores; do
    if [ "$store" = postgres ]; then
        export SPOTWRIGHT_SERVERS="$scratch/servers"
        infra/servers.sh start --durable postgres >&2
        eval "$(infra/servers.sh env)"
        export SPOTWRIGHT__STORE__URL="$SPOTWRIGHT_TEST_POSTGRES_URL"
    fi
    measure "$store"
done
for store in sqlite postgres; do [ -e "$scratch/$store.json" ] || echo null > "$scratch/$store.json"; done
jq -n --slurpfile sqlite "$scratch/sqlite.json" --slurpfile postgres "$scratch/postgres.json" --arg profile "$profile" \
    --arg version "$("$program" --version)" --arg wrk "$(wrk --version 2>&1 | head -n 1 || true)" \
    --arg load "$load_before" --argjson processors "$(nproc)" \
    --argjson seconds "$seconds" --argjson clients "$clients" --argjson readers "$readers" \
    '{version: $version, profile: $profile, wrk: $wrk, machine: {processors: $processors, load_before: $load},
      seconds: $seconds, clients: $clients, readers: $readers, sqlite: $sqlite[0], postgres: $postgres[0]}'
