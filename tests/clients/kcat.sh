#!/usr/bin/env bash
# Proves that Debian's kcat (librdkafka 2.0.2: old, and strict about version ranges) can list,
# produce and consume over TLS with SCRAM-SHA-512: every compression, keys, headers, offsets, a read
# by timestamp, a read from within a batch, a group that goes on where it stopped, and a wrong password
# refused as such.
# kcat can neither create nor delete a topic: python/topic.py does that.
#
# usage: kcat.sh READY_FILE
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ready=$1
records=20
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() { echo "FAILED: $*" >&2; exit 1; }

"$here/properties" "$ready" >"$work/client.conf"
topic=kcat-$RANDOM$RANDOM
kafka() { timeout 60 kcat -q -F "$work/client.conf" -t "$topic" "$@" 2>>"$work/log" </dev/null; }
topic() { SIGN_IN=scram "$here/python/run" "$here/python/topic.py" "$ready" "$@" >/dev/null; }

topic create "$topic" 3
kafka -L | grep -q "topic \"$topic\" with 3 partitions" || fail "-L does not show $topic with 3 partitions"

# Each codec writes its own lines, `key:value`, to partition 1.
for codec in none gzip snappy lz4 zstd; do
  for idempotence in false true; do
    for ((i = 0; i < records; i++)); do
      echo "$codec-$i:$codec $idempotence $i $(printf 'x%.0s' {1..200})"
    done >"$work/batch"
    cat "$work/batch" >>"$work/written"
    kafka -P -p 1 -K : -z "$codec" -H "codec=$codec" -X enable.idempotence=$idempotence -X linger.ms=200 \
      -l "$work/batch" || fail "producing with $codec, idempotence $idempotence: $(tail -n 1 "$work/log")"
  done
done
total=$((records * 10))

kafka -C -p 1 -o beginning -e -f '%k:%s\n' >"$work/read"
cmp -s "$work/written" "$work/read" || fail "what was read differs from what was written: $(diff "$work/written" "$work/read" | head -n 3)"
kafka -C -p 1 -o beginning -e -f '%o %T %h %k\n' >"$work/facts"
[ "$(cut -d' ' -f1 "$work/facts" | tr '\n' ' ')" = "$(seq -s ' ' 0 $((total - 1))) " ] || fail "the offsets are not 0..$((total - 1))"
awk '{ split($4, key, "-"); if ($3 != "codec=" key[1]) exit 1 }' "$work/facts" || fail "a header differs: $(head -n 1 "$work/facts")"

# By timestamp: the first record at or after the time of record 110, which is within the log.
time=$(awk '$1 == 110 { print $2 }' "$work/facts")
wanted=$(awk -v t="$time" '$2 >= t { print $1; exit }' "$work/facts")
found=$(kafka -C -p 1 -o "s@$time" -c 1 -f '%o\n')
[ "$found" = "$wanted" ] || fail "by timestamp $time: offset $found, not $wanted"

found=$(kafka -C -p 1 -o $((records * 4 + 7)) -c 1 -f '%o\n')
[ "$found" = $((records * 4 + 7)) ] || fail "from within a batch: offset $found"

# As a group: it commits when it leaves, and goes on there.
member() { timeout 60 kcat -q -F "$work/client.conf" -X auto.offset.reset=earliest "$@" -f '%o\n' -G "$topic-group" "$topic" 2>>"$work/log" </dev/null; }
member -c 70 >"$work/group" || fail "the group's first member: $(tail -n 1 "$work/log")"
member -c $((total - 70)) >>"$work/group" || fail "the group's second member: $(tail -n 1 "$work/log")"
[ "$(tr '\n' ' ' <"$work/group")" = "$(seq -s ' ' 0 $((total - 1))) " ] || fail "the group read the offsets $(tr '\n' ' ' <"$work/group")"

topic delete "$topic"
sed 's/^sasl.password=/&not /' "$work/client.conf" >"$work/wrong.conf"
if timeout 30 kcat -L -m 5 -F "$work/wrong.conf" >"$work/refused" 2>&1 </dev/null; then fail "a wrong password was accepted"; fi
grep -qi 'authentication' "$work/refused" || fail "a wrong password was refused without an authentication error: $(head -n 1 "$work/refused")"
echo "$(kcat -V | grep -o 'librdkafka [0-9.]*'), ${SASL_MECHANISM:-SCRAM-SHA-512}: $total records compared"
echo ok
