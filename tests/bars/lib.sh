# shellcheck shell=bash
# What every bar needs: `tidegate serve` (and Apache Kafka beside it) on a temporary folder, started
# with a deadline and stopped by process id, whatever happens in between.
#
# A bar sources this file, exports the configuration it wants as TIDEGATE_... variables, calls
# start_server, and finds the ready file in $ready. LONG=1 asks for the long form.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck disable=SC2034 # for the bars
clients=$root/tests/clients
target=${CARGO_TARGET_DIR:-$root/target}
server_bin=${SERVER_BIN:-$target/release/tidegate}
oracle_dir=$root/../shared/oracle
work=$(mktemp -d)
ready=$work/ready.json
READY_DEADLINE_S=60
DRAIN_DEADLINE_S=5
oracle_pids=()
client_rounds=()
server_pid=

fail() {
  echo "FAILED: $*" >&2
  exit 1
}

# tool NAME: where one of our programs that test the server is.
tool() {
  [ -x "$target/checks/$1" ] || fail "no $1 at $target/checks: run cargo build --profile checks --workspace first"
  echo "$target/checks/$1"
}

# Whether the long form is wanted.
long() { [ "${LONG:-0}" = 1 ]; }

# await SECONDS PID LOG COMMAND...: waits until the command succeeds, while the process lives.
await() {
  local deadline=$((SECONDS + $1)) pid=$2 log=$3
  shift 3
  until "$@" 2>/dev/null; do
    kill -0 "$pid" 2>/dev/null || { tail -n 20 "$log" >&2; fail "the process ended before it was ready"; }
    [ "$SECONDS" -lt "$deadline" ] || { tail -n 20 "$log" >&2; fail "not ready in time"; }
    sleep 0.1
  done
}

# start_server FLAG...: starts the server on this bar's folder and waits for its ready file. Called
# again after stop_server, it finds the same data.
start_server() {
  [ -x "$server_bin" ] || fail "no server at $server_bin: run cargo build --release -p tidegate first"
  rm -f "$ready"
  "$server_bin" serve --data "$work/data" --listen 127.0.0.1:0 --ready-file "$ready" "$@" \
    >>"$work/server.log" 2>&1 </dev/null &
  server_pid=$!
  await "$READY_DEADLINE_S" "$server_pid" "$work/server.log" test -s "$ready"
}

# start_client_server FLAG...: the server as docs/clients.md has it.
start_client_server() { start_server --config "$clients/clients.toml" "$@"; }

# client_round NAME COMMAND...: runs a client's program, its last argument the ready file, against a server
# of its own, so that what the server counts is that client's; beside other rounds, until await_rounds.
client_round() {
  local name=$1
  (
    client_rounds=()
    work=$work/$name
    ready=$work/ready.json
    mkdir "$work"
    trap finish EXIT
    start_client_server
    "${@:2}" "$ready"
    stop_server
  ) >"$work/$name.log" 2>&1 &
  client_rounds+=("$!:$name")
}

# shared_round NAME COMMAND...: the same against the server that runs already.
shared_round() {
  "${@:2}" "$ready" >"$work/$1.log" 2>&1 </dev/null &
  client_rounds+=("$!:$1")
}

# Waits for all rounds and shows what they printed; fails if one failed.
await_rounds() {
  local each failed=
  for each in "${client_rounds[@]}"; do
    wait "${each%%:*}" || failed+=" ${each#*:}"
    cat "$work/${each#*:}.log"
  done
  client_rounds=()
  [ -z "$failed" ] || fail "these rounds:$failed"
}

# Stops the server and expects it to drain and to exit cleanly in time.
stop_server() {
  local pid=$server_pid deadline=$((SECONDS + DRAIN_DEADLINE_S + 1)) status=0
  kill -TERM "$pid" 2>/dev/null || fail "the server died during the bar"
  while kill -0 "$pid" 2>/dev/null; do
    [ "$SECONDS" -lt "$deadline" ] || fail "the server did not exit within $DRAIN_DEADLINE_S s of SIGTERM"
    sleep 0.1
  done
  server_pid=
  wait "$pid" || status=$?
  [ "$status" = 0 ] || fail "the server exited with status $status"
}

# field FILE KEY: one value of a ready file.
field() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$1" "$2"; }

# Whether Apache Kafka can be started beside the server.
have_oracle() { [ -x "$oracle_dir/start-kafka" ]; }

# Three free ports in a row, the lowest of them.
free_ports() {
  python3 - <<'P'
import random, socket
def free(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0
print(next(p for p in iter(lambda: random.randrange(20000, 30000), None) if all(map(free, (p, p + 1, p + 2)))))
P
}

# start_oracle NAME [SYNC=1]: starts Apache Kafka and writes $work/NAME.json in the ready file's form.
start_oracle() {
  local name=$1 dir=$work/$1 jars=$root/target/clients/oracle-lib port pid
  port=$(free_ports)
  mkdir -p "$dir"
  [ ! -d "$jars" ] || ln -s "$jars" "$dir/lib"
  env PORT="$port" JAVA_TOOL_OPTIONS="-Djava.io.tmpdir=$dir -XX:-UsePerfData" "${@:2}" "$oracle_dir/start-kafka" "$dir" >"$dir.log" 2>&1 </dev/null &
  pid=$!
  oracle_pids+=("$pid")
  await 300 "$pid" "$dir.log" listens "$((port + 2))"
  [ -d "$jars" ] || { cp -r "$dir/lib" "$jars.part" && mv "$jars.part" "$jars"; }
  cat >"$work/$name.json" <<J
{"bootstrap": "localhost:$((port + 2))", "ca_file": "$dir/ca.pem", "pid": $pid,
 "scram_username": "alice", "scram_password": "alice-secret"}
J
}

listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Ends what is still running, and shows the server's last words if the bar failed.
finish() {
  local status=$?
  trap - EXIT
  [ "$status" = 0 ] || [ ! -f "$work/server.log" ] || { echo "--- the server's last lines" && tail -n 15 "$work/server.log"; } >&2
  for pid in "${client_rounds[@]%%:*}"; do
    kill -TERM "$pid" 2>/dev/null || true
    wait "$pid" || true
  done
  for pid in ${server_pid:+"$server_pid"} "${oracle_pids[@]}"; do
    kill -KILL "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
  rm -rf "$work"
  exit "$status"
}
trap finish EXIT
