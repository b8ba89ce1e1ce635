#!/usr/bin/env bash
# Proves that librdkafka's own tests pass against the server over TLS with SCRAM: those named in
# tests/clients/librdkafka/allowed.txt, and at least 75 numbers. The short form runs them with -Q and leaves
# out what is known to fail; the long form runs everything in full.
#
# The tests' output is kept in target/bars/librdkafka. ONLY=0030,0102 runs these numbers without a verdict.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
NUMBERS_MIN=75
"$clients/setup.sh" librdkafka
"$clients/setup.sh" kafka-tools
# shellcheck source=tests/clients/suite-cluster.sh
source "$clients/suite-cluster.sh"
logs=$root/target/bars/librdkafka
rm -rf "$logs"
mkdir -p "$logs"

# suite FLAG...: starts the server, runs the tests of one scenario against it, and stops it.
suite() {
  start_server
  { "$clients/properties" "$ready" && echo test.topic.random=true; } >"$work/client.conf"
  "$clients/kafka-tools/properties" "$ready" scram >"$work/client.properties"
  BROKERS=$(field "$ready" bootstrap) KAFKA_PATH=$clients/librdkafka/kafka KAFKA_TMP=$work \
    KAFKA_LIB=$root/target/clients/kafka-tools/lib KAFKA_COMMAND_CONFIG=$work/client.properties \
    "$clients/librdkafka/suite.py" "$root/target/clients/librdkafka" "$work/client.conf" "$work/results.json" "$logs" "$@"
  stop_server
}

flags=()
if long; then flags+=(--full); fi
if [ -n "${ONLY:-}" ]; then flags+=(--only "$ONLY"); fi
suite "${flags[@]}"
export TIDEGATE_CLUSTERS__DEMO__AUTO_CREATE_TOPICS=false
suite "${flags[@]}" --scenario noautocreate
cp "$work/results.json" "$logs/"
"$clients/verdict.py" "$clients/librdkafka" "$work/results.json" "$NUMBERS_MIN" || [ -n "${ONLY:-}" ]
