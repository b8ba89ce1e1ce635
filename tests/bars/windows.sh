#!/usr/bin/env bash
# Proves that usage is sealed by minute exactly, whatever crashes and however the clock steps: a
# sealed record is never changed, lost or repeated, and all windows together are what is read back and
# what was delivered, to the byte.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
bars=$(tool bars)
rounds=5
if long; then rounds=100; fi
"$bars" windows --binary "$server_bin" --rounds "$rounds"
