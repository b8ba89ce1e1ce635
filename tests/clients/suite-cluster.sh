# shellcheck shell=bash
# The virtual cluster that the foreign test suites expect: no quotas, topics made by asking, four
# partitions each, short sessions of groups, and no wait for more members of a new group.
export TIDEGATE_CLUSTERS__DEMO__PLAN=provisioned
export TIDEGATE_CLUSTERS__DEMO__AUTO_CREATE_TOPICS=true
export TIDEGATE_CLUSTERS__DEMO__DEFAULT_PARTITIONS=4
export TIDEGATE_CLUSTERS__DEMO__GROUPS__SESSION_TIMEOUT_MS_MIN=100
export TIDEGATE_CLUSTERS__DEMO__GROUPS__INITIAL_REBALANCE_DELAY_MS=0
