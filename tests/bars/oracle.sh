#!/usr/bin/env bash
# Proves that Tidegate answers as Apache Kafka does: the same requests to both, every answer compared
# field by field. What may differ stands in tests/oracle/allowed.rs and docs/protocol.md.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
have_oracle || { echo "SKIPPED: there is no Apache Kafka to compare with at $oracle_dir"; exit 0; }
oracle=$(tool oracle)
# Kafka's defaults for what has a default here, and no quotas, which Kafka has none of.
export TIDEGATE_CLUSTERS__DEMO__PLAN=provisioned
export TIDEGATE_CLUSTERS__DEMO__DEFAULT_PARTITIONS=4
mkdir -p "$root/target/clients"
start_oracle kafka
start_server
"$oracle" --kafka "$work/kafka.json" --tidegate "$ready"
stop_server
