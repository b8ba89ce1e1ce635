#!/usr/bin/env bash
# Proves that librdkafka drains more than 1 GB of one partition, and of 50 partitions at once, at
# full speed without a stall and with every offset in its turn; and that a fetch is answered as soon
# as fetch.min.bytes is there. The long form drains 4 GB.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
"$clients/setup.sh" python
export TIDEGATE_CLUSTERS__DEMO__PLAN=provisioned
megabytes=1100
if long; then megabytes=4000; fi
start_server
"$clients/python/run" "$clients/bulk/min_bytes.py" "$ready"
for partitions in 1 50; do
  "$clients/python/run" "$clients/bulk/bulk.py" "$ready" "$partitions" "$megabytes"
done
stop_server
