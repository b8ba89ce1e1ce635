#!/usr/bin/env bash
# Proves that librdkafka's own tests pass against the server, over TLS with SCRAM: those named in
# tests/clients/librdkafka/allowed.txt, and at least 75 numbers. The short form runs them with -Q and leaves
# out what is known to fail; the long form runs everything in full.
#
# Of a number of which only a part passes, the sub-tests in tests/clients/librdkafka/parts/allowed.txt must pass;
# they do not count.
#
# The tests' output is kept in target/bars/librdkafka. ONLY=0030,0102 runs these numbers alone.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
NUMBERS_MIN=75
"$clients/setup.sh" librdkafka
"$clients/setup.sh" kafka-tools
# shellcheck source=tests/clients/suite-cluster.sh
source "$clients/suite-cluster.sh"
# Two consumers that come one after the other begin as one group: the tests are written for Kafka's default of 3 s.
export TIDEGATE_CLUSTERS__DEMO__GROUPS__INITIAL_REBALANCE_DELAY_MS=1000
logs=$root/target/bars/librdkafka
rm -rf "$logs"
mkdir -p "$logs"

# sign_in_config, plain_config: how librdkafka and Java reach the server.
sign_in_config() {
  { "$clients/properties" "$ready" && echo test.topic.random=true; } >"$work/client.conf"
  "$clients/kafka-tools/properties" "$ready" scram >"$work/client.properties"
  brokers=$(field "$ready" bootstrap)
}
plain_config() {
  brokers=$(field "$ready" plaintext)
  printf '%s\n' "bootstrap.servers=$brokers" test.topic.random=true >"$work/client.conf"
  : >"$work/client.properties"
}

# suite CONFIG RESULTS FLAG...: starts the server, runs tests against it, and stops it.
suite() {
  start_server
  "$1"
  BROKERS=$brokers KAFKA_PATH=$clients/librdkafka/kafka KAFKA_TMP=$work \
    KAFKA_LIB=$root/target/clients/kafka-tools/lib KAFKA_COMMAND_CONFIG=$work/client.properties \
    "$clients/librdkafka/suite.py" "$root/target/clients/librdkafka" "$work/client.conf" "$work/$2" "$logs" "${@:3}"
  stop_server
}

flags=()
wanted=$NUMBERS_MIN
if long; then flags+=(--full); fi
if [ -n "${ONLY:-}" ]; then flags+=(--only "$ONLY") wanted=some; fi
suite sign_in_config results.json "${flags[@]}"
# Short sessions, so that clients sign in again on live connections; 10 s is the shortest there is.
TIDEGATE_GATEWAY__REAUTH_MS_MAX=10000 suite sign_in_config parts.json "${flags[@]}" --parts
TIDEGATE_CLUSTERS__DEMO__AUTO_CREATE_TOPICS=false \
  suite sign_in_config results.json "${flags[@]}" --scenario noautocreate
if [ -z "${ONLY:-}" ]; then
  # It skips itself where clients sign in.
  TIDEGATE_CLUSTERS__DEMO__PLAINTEXT_LISTEN=127.0.0.1:0 suite plain_config results.json --only 0052
fi
cp "$work/results.json" "$work/parts.json" "$logs/"
parts_pass=true
"$clients/verdict.py" "$clients/librdkafka/parts" "$work/parts.json" ${ONLY:+some} || parts_pass=false
"$clients/verdict.py" "$clients/librdkafka" "$work/results.json" "$wanted"
$parts_pass
