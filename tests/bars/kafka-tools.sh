#!/usr/bin/env bash
# Proves that Kafka's command-line tools print for the server, signed in by AWS_MSK_IAM, what they
# print for Apache Kafka: every case in tests/clients/kafka-tools/cases.txt. What is meant to differ stands in
# differences.txt beside it. What they print for Apache Kafka is kept in expected/cases.txt; the long
# form asks Apache Kafka again, and if it says something else renews that file and fails.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
tools=$clients/kafka-tools
"$clients/setup.sh" kafka-tools
# shellcheck source=tests/clients/suite-cluster.sh
source "$clients/suite-cluster.sh"
if long; then
  have_oracle || fail "there is no Apache Kafka to ask at $oracle_dir"
  start_oracle kafka
  "$tools/run" "$work/kafka.json" scram >"$work/kafka.txt"
  if ! "$tools/compare.py" "$tools/expected/cases.txt" "$work/kafka.txt"; then
    cp "$work/kafka.txt" "$tools/expected/cases.txt"
    fail "Apache Kafka says something else; expected/cases.txt is renewed: look at it, and keep it"
  fi
fi
start_server
"$tools/run" "$ready" iam >"$work/tidegate.txt"
stop_server
mkdir -p "$root/target/bars"
cp "$work/tidegate.txt" "$root/target/bars/kafka-tools.txt"
"$tools/compare.py" "$tools/expected/cases.txt" "$work/tidegate.txt" "$tools/differences.txt"
