#!/usr/bin/env bash
# Proves that every limit of a virtual cluster holds as docs/limits.md says: librdkafka drives past each,
# and what it sees and what /metrics says is asserted, while another tenant produces at a low rate. The
# other tenant's p99 beside its p99 in a quiet run is printed, and judged in the long form.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
"$clients/setup.sh" python
export TIDEGATE_LOG=warn
# The driven tenant: rates that one client can pass, and nothing in the way of them.
export TIDEGATE_CLUSTERS__DEMO__TENANT=1
export TIDEGATE_CLUSTERS__DEMO__LIMITS__INGRESS_BYTES_PER_S=20000000
export TIDEGATE_CLUSTERS__DEMO__LIMITS__EGRESS_BYTES_PER_S=30000000
export TIDEGATE_CLUSTERS__DEMO__LIMITS__PARTITION_INGRESS_BYTES_PER_S=1000000000
export TIDEGATE_CLUSTERS__DEMO__LIMITS__PARTITION_EGRESS_BYTES_PER_S=1000000000
export TIDEGATE_CLUSTERS__DEMO__LIMITS__REQUESTS_PER_S=300
export TIDEGATE_CLUSTERS__DEMO__LIMITS__PARTITION_CHANGES_PER_5_MIN=60
export TIDEGATE_CLUSTERS__DEMO__LIMITS__MESSAGE_BYTES_MAX=1048576
# A tenant for the limits on numbers and sizes.
export TIDEGATE_CLUSTERS__STRICT__TENANT=2
export TIDEGATE_CLUSTERS__STRICT__LIMITS__CONNECTIONS_MAX=10
export TIDEGATE_CLUSTERS__STRICT__LIMITS__CONNECTION_ATTEMPTS_PER_S=10
export TIDEGATE_CLUSTERS__STRICT__LIMITS__FETCH_BYTES_MAX=4000000
export TIDEGATE_CLUSTERS__STRICT__LIMITS__FETCH_OVER_LIMIT=refuse
export TIDEGATE_CLUSTERS__STRICT__LIMITS__PARTITIONS_MAX=4
export TIDEGATE_CLUSTERS__STRICT__LIMITS__COMPACTED_PARTITION_BYTES_MAX=2000000
# The tenant that must not notice.
export TIDEGATE_CLUSTERS__QUIET__TENANT=3
start_server
status=0
rounds=1
if long; then rounds=5; fi
LONG=${LONG:-0} "$clients/python/run" "$clients/limits/limits.py" "$ready" "$work/data" "$rounds" || status=1
"$server_bin" limits --data "$work/data" | head -n 40
stop_server
exit "$status"
