#!/usr/bin/env bash
# Prints first figures, without an aim yet: latency and CPU of a game's workload, and bulk produce and
# consume, of the server and of Apache Kafka with and without a sync for every append, in turn, in
# one run. The quotas are lifted. The long form repeats everything and tells medians.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
"$clients/setup.sh" figures
export TIDEGATE_CLUSTERS__DEMO__PLAN=provisioned
rounds=1 game_seconds=10 megabytes=300
if long; then rounds=5 game_seconds=30 megabytes=1000; fi
start_server
servers=("tidegate=$ready")
if have_oracle; then
  "$clients/setup.sh" java # the oracle needs java and mvn
  start_oracle kafka_sync SYNC=1
  start_oracle kafka
  servers+=("kafka_sync=$work/kafka_sync.json" "kafka=$work/kafka.json")
else
  echo "skipped: the comparison with Apache Kafka, because ../shared/oracle is not there"
fi
"$clients/figures/figures.py" "$rounds" "$game_seconds" "$megabytes" "${servers[@]}"
stop_server
