#!/usr/bin/env bash
# Proves that Node's kafkajs and @platformatic/kafka do the round of docs/clients.md, signed in by OAUTHBEARER with
# the token of the published AWS MSK signer, and by kafkajs's plug-in for AWS_MSK_IAM.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
"$clients/setup.sh" node
node_round() { client_round "$1-$2" env SIGN_IN="$2" "$clients/node/run" "round-$1.js"; }
node_round kafkajs iam
node_round kafkajs oauthbearer
node_round platformatic oauthbearer
await_rounds
