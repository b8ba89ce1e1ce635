#!/usr/bin/env bash
# Proves that Python's confluent-kafka, kafka-python and aiokafka do the round of docs/clients.md, signed in by
# OAUTHBEARER with the token of the published AWS MSK signer, by kafka-python's own AWS_MSK_IAM, and by SCRAM.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
"$clients/setup.sh" python
python_round() { client_round "$1-$2" env SIGN_IN="$2" "$clients/python/run" "$clients/python/round_$1.py"; }
python_round confluent_kafka oauthbearer
python_round confluent_kafka scram
python_round kafka_python oauthbearer
python_round kafka_python iam
python_round aiokafka oauthbearer
python_round aiokafka scram
await_rounds
