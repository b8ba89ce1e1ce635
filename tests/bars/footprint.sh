#!/usr/bin/env bash
# Proves what the server takes of a machine: memory idle, after bulk and with 10,000 partitions, memory of
# an idle connection, open files, idle work, the time of a start, and what 2,400 active partitions cost in
# latency beside 24. The long form (LONG=1) also judges what depends on the machine's speed, and runs
# constant load for ten minutes. Names of measurements may be given: idle connections bulk flat partitions latency.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
bars=$(tool bars)
# Connections need a file each, on both sides.
ulimit -n "$(ulimit -Hn)"
flags=()
if long; then flags+=(--long); fi
"$bars" --binary "$server_bin" footprint "${flags[@]}" "$@"
