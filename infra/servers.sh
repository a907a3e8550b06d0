#!/usr/bin/env bash
# A private PostgreSQL and a private RabbitMQ for the live tests: own folders, free loopback ports,
# no system service touched. Works as root and as an ordinary user.
#
# Usage: infra/servers.sh start [--durable] [postgres] [rabbitmq]   start both or the one named, wait until ready
#        infra/servers.sh env                                       print the variables of what is started
#        infra/servers.sh crash postgres|rabbitmq                   end it as a power cut would, then start it again
#        infra/servers.sh stop                                      end what was started here, remove the folder
#
# --durable keeps fsync on in PostgreSQL, for tests of durability and for load figures; without it
# PostgreSQL is fast and forgets on a power cut. RabbitMQ always writes through.
# SPOTWRIGHT_SERVERS names the folder (default: one per user in the system's temporary folder).
set -euo pipefail

say() { printf '== %s\n' "$*" >&2; }
stop_with() { printf 'error: %s\n' "$*" >&2; exit 1; }

folder="${SPOTWRIGHT_SERVERS:-${TMPDIR:-/tmp}/spotwright-servers-$(id -u)}"
ready_seconds="${SPOTWRIGHT_SERVERS_READY_SECONDS:-150}"
postgres="$folder/postgres"
rabbit="$folder/rabbitmq"
rabbit_program=/usr/lib/rabbitmq/bin/rabbitmq-server

# --- Ports and processes ----------------------------------------------------------------------------
port_answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Prints a port that nobody answers on, below the range the kernel gives to outgoing connections.
taken_ports=" "
find_port() {
    local try port
    for ((try = 0; try < 200; try++)); do
        port=$((20000 + RANDOM % 10000))
        case "$taken_ports" in *" $port "*) continue ;; esac
        if ! port_answers "$port"; then
            taken_ports="$taken_ports$port "
            found_port="$port"
            return 0
        fi
    done
    stop_with "no free port between 20000 and 29999"
}

# Whether process $1 lives and names folder $2 in its command line or environment.
is_ours() {
    [ -n "$1" ] && grep -qsF -- "$2" "/proc/$1/cmdline" "/proc/$1/environ"
}

# Ends process $1 of folder $2 with signal $3 and waits up to $4 seconds; then kills it.
end_process() {
    local pid="$1" tick
    is_ours "$pid" "$2" || return 0
    kill "-$3" "$pid" 2>/dev/null || true
    for ((tick = 0; tick < $4 * 10; tick++)); do
        is_ours "$pid" "$2" || return 0
        sleep 0.1
    done
    is_ours "$pid" "$2" && kill -KILL "$pid" 2>/dev/null || true
}

# --- PostgreSQL -------------------------------------------------------------------------------------
postgres_bin() {
    local found
    found="$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)"
    [ -n "$found" ] && [ -x "$found/initdb" ] || stop_with "PostgreSQL is missing: run infra/setup.sh test"
    printf '%s' "$found"
}

# The server refuses to run as root; then it runs as the package's own user.
as_postgres() {
    if [ "$(id -u)" -eq 0 ]; then
        setpriv --reuid=postgres --regid=postgres --init-groups -- "$@"
    else
        "$@"
    fi
}

launch_postgres() {
    local bin port; bin="$(postgres_bin)"; port="$(cat "$postgres/port")"
    (cd "$postgres" && as_postgres "$bin/pg_ctl" -D "$postgres/data" -l "$postgres/server.log" -w -t "$ready_seconds" start \
        -o "-c listen_addresses=127.0.0.1 -p $port -c unix_socket_directories=$postgres -c max_connections=200 $(cat "$postgres/options")" \
        >"$postgres/pg_ctl.log" 2>&1) || { tail -n 20 "$postgres/server.log" "$postgres/pg_ctl.log" >&2; stop_with "PostgreSQL does not start"; }
}

start_postgres() {
    local bin; bin="$(postgres_bin)"
    # The socket's path has a hard limit of 107 bytes.
    [ "${#postgres}" -lt 80 ] || stop_with "$folder is too long a path for a socket: set SPOTWRIGHT_SERVERS"
    mkdir -p "$postgres"
    find_port; printf '%s\n' "$found_port" > "$postgres/port"
    if [ "$durable" = yes ]; then : > "$postgres/options"
    else printf '%s\n' "-c fsync=off -c synchronous_commit=off -c full_page_writes=off" > "$postgres/options"
    fi
    if [ "$(id -u)" -eq 0 ]; then chmod 0711 "$folder"; chown -R postgres:postgres "$postgres"; fi
    chmod 0700 "$postgres"
    (cd "$postgres" && as_postgres "$bin/initdb" -D "$postgres/data" -U spotwright --auth=trust --encoding=UTF8 \
        --locale=C.UTF-8 --no-sync >"$postgres/initdb.log" 2>&1) || { tail "$postgres/initdb.log" >&2; stop_with "initdb failed"; }
    launch_postgres
    (cd "$postgres" && as_postgres "$bin/createdb" -h 127.0.0.1 -p "$found_port" -U spotwright spotwright)
    say "PostgreSQL is ready on 127.0.0.1:$found_port (fsync $([ "$durable" = yes ] && echo on || echo off))"
}

stop_postgres() {
    [ -f "$postgres/data/postmaster.pid" ] || return 0
    end_process "$(head -n 1 "$postgres/data/postmaster.pid")" "$postgres" INT 30
}

# --- RabbitMQ ---------------------------------------------------------------------------------------
launch_rabbitmq() {
    rm -f "$rabbit/pid"
    # shellcheck disable=SC1091
    (set -a; . "$rabbit/variables"; set +a; cd "$rabbit"
     setsid "$rabbit_program" >>"$rabbit/startup.log" 2>&1 </dev/null &)
}

# The broker is ready when it answers the protocol header with a frame of its own.
amqp_answers() {
    local byte=
    { exec 3<>"/dev/tcp/127.0.0.1/$1"; } 2>/dev/null || return 1
    printf 'AMQP\x00\x00\x09\x01' >&3 2>/dev/null || { exec 3>&-; return 1; }
    IFS= read -r -t 3 -N 1 byte <&3 2>/dev/null || true
    exec 3>&-
    [ "$byte" = $'\x01' ]
}

wait_rabbitmq() {
    local port tick; port="$(cat "$rabbit/port")"
    for ((tick = 0; tick < ready_seconds * 2; tick++)); do
        if amqp_answers "$port"; then
            say "RabbitMQ is ready on 127.0.0.1:$port"
            return 0
        fi
        sleep 0.5
    done
    tail -n 30 "$rabbit/startup.log" "$rabbit"/log/*.log >&2 2>/dev/null || true
    stop_with "RabbitMQ is not ready after $ready_seconds s"
}

start_rabbitmq() {
    [ -x "$rabbit_program" ] || stop_with "RabbitMQ is missing: run infra/setup.sh test"
    local port distribution epmd
    find_port; port="$found_port"
    find_port; distribution="$found_port"
    find_port; epmd="$found_port"
    mkdir -p "$rabbit/home" "$rabbit/mnesia" "$rabbit/log"
    chmod 0700 "$rabbit" "$rabbit/home"
    printf '%s\n' "$port" > "$rabbit/port"
    printf '[rabbitmq_consistent_hash_exchange].\n' > "$rabbit/enabled_plugins"
    cat > "$rabbit/rabbitmq.conf" <<CONF
listeners.tcp.local = 127.0.0.1:$port
loopback_users.guest = true
log.console = false
log.file.level = warning
disk_free_limit.absolute = 256MB
vm_memory_high_watermark.absolute = 1GB
CONF
    # One scheduler without busy waiting; distribution and epmd on loopback only.
    cat > "$rabbit/variables" <<VARIABLES
HOME='$rabbit/home'
RABBITMQ_CONF_ENV_FILE=/dev/null
RABBITMQ_NODENAME='spotwright-$port@localhost'
RABBITMQ_NODE_IP_ADDRESS=127.0.0.1
RABBITMQ_NODE_PORT=$port
RABBITMQ_DIST_PORT=$distribution
ERL_EPMD_PORT=$epmd
ERL_EPMD_ADDRESS=127.0.0.1
RABBITMQ_BASE='$rabbit'
RABBITMQ_MNESIA_BASE='$rabbit/mnesia'
RABBITMQ_LOG_BASE='$rabbit/log'
RABBITMQ_PID_FILE='$rabbit/pid'
RABBITMQ_CONFIG_FILE='$rabbit/rabbitmq.conf'
RABBITMQ_ENABLED_PLUGINS_FILE='$rabbit/enabled_plugins'
RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='+S 1:1 +sbwt none'
RABBITMQ_SERVER_START_ARGS='-kernel inet_dist_use_interface {127,0,0,1}'
VARIABLES
    launch_rabbitmq
}

# The processes whose environment names the node's folder: the virtual machine `beam.smp`, its small
# helpers, and epmd, the port mapper that outlives the node.
rabbitmq_processes() {
    local file
    for file in $(grep -lsF "RABBITMQ_BASE=$rabbit" /proc/[0-9]*/environ); do
        file="${file%/environ}"
        if [ "${1:-any}" = any ] || [ "$(cat "$file/comm" 2>/dev/null)" = "$1" ]; then printf '%s\n' "${file#/proc/}"; fi
    done
}

stop_rabbitmq() {
    [ -f "$rabbit/port" ] || return 0
    local pid
    for pid in $(rabbitmq_processes beam.smp); do end_process "$pid" "$rabbit" TERM 60; done
    for pid in $(rabbitmq_processes); do end_process "$pid" "$rabbit" TERM 5; done
}

# --- Commands ---------------------------------------------------------------------------------------
print_env() {
    if [ -f "$postgres/port" ]; then
        printf 'export SPOTWRIGHT_TEST_POSTGRES_URL=%q\n' "postgres://spotwright@127.0.0.1:$(cat "$postgres/port")/spotwright"
    fi
    if [ -f "$rabbit/port" ]; then
        printf 'export SPOTWRIGHT_TEST_AMQP_URL=%q\n' "amqp://guest:guest@127.0.0.1:$(cat "$rabbit/port")/%2f"
    fi
}

command="${1:-}"; [ $# -gt 0 ] && shift
case "$command" in
    start)
        durable=no; wanted=()
        for argument in "$@"; do
            case "$argument" in
                --durable) durable=yes ;;
                postgres|rabbitmq) wanted+=("$argument") ;;
                *) stop_with "unknown argument $argument" ;;
            esac
        done
        [ "${#wanted[@]}" -gt 0 ] || wanted=(postgres rabbitmq)
        [ ! -e "$folder" ] || stop_with "$folder exists: servers are running (infra/servers.sh env), or stop them first"
        mkdir -m 0700 "$folder"
        trap 'say "stopping what was started"; "$0" stop || true' ERR
        # RabbitMQ takes longest: it boots while PostgreSQL is set up.
        case " ${wanted[*]} " in *" rabbitmq "*) start_rabbitmq ;; esac
        case " ${wanted[*]} " in *" postgres "*) start_postgres ;; esac
        case " ${wanted[*]} " in *" rabbitmq "*) wait_rabbitmq ;; esac
        print_env
        ;;
    env)
        [ -d "$folder" ] || stop_with "no servers are running: infra/servers.sh start"
        print_env
        ;;
    crash)
        case "${1:-}" in
            postgres)
                [ -f "$postgres/data/postmaster.pid" ] || stop_with "PostgreSQL is not running"
                end_process "$(head -n 1 "$postgres/data/postmaster.pid")" "$postgres" QUIT 30
                launch_postgres ;;
            rabbitmq)
                [ -f "$rabbit/port" ] || stop_with "RabbitMQ is not running"
                for pid in $(rabbitmq_processes beam.smp); do end_process "$pid" "$rabbit" KILL 10; done
                for pid in $(rabbitmq_processes); do end_process "$pid" "$rabbit" KILL 5; done
                launch_rabbitmq; wait_rabbitmq ;;
            *) stop_with "usage: infra/servers.sh crash postgres|rabbitmq" ;;
        esac
        ;;
    stop)
        [ -d "$folder" ] || exit 0
        stop_rabbitmq
        stop_postgres
        rm -rf "$folder"
        say "servers are stopped"
        ;;
    *) sed -n '2,15p' "$0" >&2; exit 2 ;;
esac
