#!/usr/bin/env bash
# Proves that between gateway and node replies may be lost, repeated and late, appends lost and lanes
# broken: order is kept and each batch is there once, with and without idempotence, five in flight.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
bars=$(tool bars)
seeds=32
if long; then seeds=2000; fi
"$bars" lanes --seeds "$seeds"
