#!/usr/bin/env bash
# Proves that Java's kafka-clients does its whole round against the server, signed in by AWS_MSK_IAM
# with aws-msk-iam-auth: once by the address in the ready file, once by a name like Amazon's, from
# which the client takes the region; and by SCRAM-SHA-512.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
"$clients/setup.sh" java
name=boot-bars.c1.kafka-serverless.us-east-1.amazonaws.com
start_server --name "$name"
"$clients/java/run" RoundTrip "$ready"
echo "127.0.0.1 $name" >"$work/hosts"
port=$(field "$ready" bootstrap | sed 's/.*://')
HOSTS=$work/hosts BOOTSTRAP=$name:$port "$clients/java/run" RoundTrip "$ready"
SIGN_IN=scram "$clients/java/run" RoundTrip "$ready"
stop_server
