#!/usr/bin/env bash
# Proves that kill -9 under load, again and again, loses nothing that was acknowledged: idempotent
# producers' batches stand there once and in order, and the bill equals what is read back, to the byte.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
bars=$(tool bars)
rounds=10
if long; then rounds=200; fi
"$bars" kill9 --binary "$server_bin" --rounds "$rounds"
