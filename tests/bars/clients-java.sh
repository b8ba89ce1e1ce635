#!/usr/bin/env bash
# Proves that Java's kafka-clients, of versions 2.8, 3.9 and 4.3, make the round of docs/clients.md,
# signed in with aws-msk-iam-auth by AWS_MSK_IAM and by OAUTHBEARER, and the newest by SCRAM-SHA-512. The
# oldest, which MSK Serverless names, signs in by AWS_MSK_IAM by a name like Amazon's, from which it takes
# the region. All rounds are made side by side.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
"$clients/setup.sh" java
name=boot-bars.c1.kafka-serverless.us-east-1.amazonaws.com
start_client_server --name "$name"
export JAVA_HEAP="-Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1"

# java_round NAME VARIABLE=VALUE... READY: one round; of what it logs, the end, and only if it fails.
java_round() {
  env "${@:2:$#-2}" "$clients/java/run" Round "${!#}" 2>"$work/$1.err" && return
  tail -n 20 "$work/$1.err"
  return 1
}
round() { shared_round "$1" java_round "$@"; }

echo "127.0.0.1 $name" >"$work/hosts"
round 2.8-iam KAFKA_CLIENTS=2.8 HOSTS="$work/hosts" BOOTSTRAP="$name:$(field "$ready" bootstrap | sed 's/.*://')"
round 3.9-iam KAFKA_CLIENTS=3.9
round 4.3-iam
for version in 2.8 3.9 4.3; do round "$version-oauthbearer" KAFKA_CLIENTS="$version" SIGN_IN=oauthbearer; done
round 4.3-scram SIGN_IN=scram

await_rounds
stop_server
