"""Creates or deletes a topic for clients that cannot, such as kcat.

usage: topic.py READY_FILE create TOPIC PARTITIONS | READY_FILE delete TOPIC
"""

import sys

import cluster


def main():
    admin = cluster.Cluster(sys.argv[1]).admin()
    if sys.argv[2] == "create":
        cluster.create_topic(admin, sys.argv[3], int(sys.argv[4]))
    else:
        cluster.delete_topic(admin, sys.argv[3])


cluster.run(main)
