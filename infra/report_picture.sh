#!/usr/bin/env bash
# Draws docs/images/report.jpg: runs the English example and photographs the report it writes.
# Needs Chromium and ffmpeg. Usage: infra/report_picture.sh [SPOTWRIGHT-BINARY]
set -euo pipefail
top="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
cd "$top"
program="${1:-}"
if [ -z "$program" ]; then
    cargo build --locked --quiet
    program="${CARGO_TARGET_DIR:-$top/target}/debug/spotwright"
fi
browser="$(command -v chromium || command -v chromium-browser || command -v google-chrome)" \
    || { printf 'error: no Chromium\n' >&2; exit 1; }
command -v ffmpeg >/dev/null || { printf 'error: no ffmpeg\n' >&2; exit 1; }
scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT
"$program" run examples/coffee-en/brief.yaml --out "$scratch/run" --generations 2 --variants 12 --seed 7 >&2
# Frames of videos are shown once they are decoded: time runs on for as long as that takes.
"$browser" --headless=new --no-sandbox --disable-gpu --hide-scrollbars --window-size=1200,1161 \
    --virtual-time-budget=20000 --screenshot="$scratch/report.png" "file://$scratch/run/report.html" >&2
ffmpeg -v error -y -i "$scratch/report.png" -q:v 4 docs/images/report.jpg
ls -l docs/images/report.jpg >&2
