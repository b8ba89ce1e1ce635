#!/usr/bin/env bash
# Measures how fast the server is, every message verified: a hot partition beside its siblings under
# the serverless quotas; then, with the quotas lifted, a game's workload and bulk, beside Apache Kafka
# in turn. Loss, duplicates, disorder, a client's error or a throttle fail it; speed itself is judged in
# the long form only: 5 rounds, 60 s of game and 1 GB of bulk each.
#
# OUT=FOLDER keeps the reports as JSON and HTML; KAFKA_SYNC=1 compares also with an Apache Kafka that
# syncs every append.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
"$clients/setup.sh" rust
(cd "$root" && cargo build --profile checks -p loadtest)
loadtest=$(tool loadtest)
out=${OUT:-$work}
mkdir -p "$out"
scenarios=(game bulk-15k-5 bulk-15k-50 bulk-1k-50)
form=(--rounds 1 --megabytes 100) seconds=10 judge=()
if long; then form=(--rounds 5 --megabytes 1000) seconds=60 judge=(--judge); fi

export TIDEGATE_CLUSTERS__DEMO__LIMITS__PARTITION_BURST_S=0
start_server
"$loadtest" run hot-partition --target "tidegate=$ready" --seconds "$seconds" "${judge[@]}" --no-floors \
  --json "$out/hot-partition.json" --html "$out/hot-partition.html"
stop_server
rm -r "$work/data"
unset TIDEGATE_CLUSTERS__DEMO__LIMITS__PARTITION_BURST_S

export TIDEGATE_CLUSTERS__DEMO__PLAN=provisioned
start_server
compare=()
if have_oracle; then
  "$clients/setup.sh" java # the oracle needs java and mvn
  start_oracle kafka
  compare=(--compare "kafka=$work/kafka.json")
  if [ "${KAFKA_SYNC:-0}" = 1 ]; then
    start_oracle kafka_sync SYNC=1
    compare+=("kafka_sync=$work/kafka_sync.json")
  fi
else
  echo "skipped: the comparison with Apache Kafka, because ../shared/oracle is not there"
fi
status=0
"$loadtest" run "${scenarios[@]}" --target "tidegate=$ready" --seconds "$seconds" "${form[@]}" "${judge[@]}" \
  --floor-dir "$work" --json "$out/speed.json" --html "$out/speed.html" "${compare[@]}" || status=$?
stop_server
exit "$status"
