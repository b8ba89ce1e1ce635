// The round of @platformatic/kafka, by OAUTHBEARER: it has no AWS_MSK_IAM.

import { Admin, Consumer, Producer, saslOAuthBearer, stringDeserializer, stringSerializer } from '@platformatic/kafka'
import { nameOf, runRound } from './steps.js'

class Platformatic {
  name = nameOf('@platformatic/kafka')
  mechanism = 'OAUTHBEARER'
  codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd']
  throttle = 'felt'
  renewal = 'live'
  nullHeaders = true
  tellsWrongSecret = true

  constructor(ready) {
    this.ready = ready
  }

  settings(user = this.ready.owner) {
    return {
      clientId: 'round',
      bootstrapBrokers: [this.ready.bootstrap],
      tls: { ca: this.ready.ca },
      sasl: {
        mechanism: 'OAUTHBEARER',
        token: () => user.token(),
        // Else it takes the answer that a token is invalid (RFC 7628, 3.2.2) for a success.
        authBytesValidator: saslOAuthBearer.jwtValidateAuthenticationBytes
      }
    }
  }

  async byAdmin(act) {
    const admin = new Admin(this.settings())
    try {
      return await act(admin)
    } finally {
      await admin.close()
    }
  }

  create(topic, partitions) {
    return this.byAdmin(admin => admin.createTopics({ topics: [topic], partitions, replicas: -1 }))
  }

  members(group) {
    return this.byAdmin(async admin => (await admin.describeGroups({ groups: [group] })).get(group).members.size)
  }

  committed(groupId, topic) {
    return this.byAdmin(async admin => {
      const [{ topics }] = await admin.listConsumerGroupOffsets({ groups: [groupId] })
      const { partitions } = topics.find(({ name }) => name === topic)
      return partitions
        .sort((a, b) => a.partitionIndex - b.partitionIndex)
        .map(({ committedOffset }) => Number(committedOffset))
    })
  }

  delete(topic, groups) {
    return this.byAdmin(async admin => {
      await admin.deleteGroups({ groups })
      await admin.deleteTopics({ topics: [topic] })
    })
  }

  async producer({ codec, idempotent, user }) {
    const producer = new Producer({
      ...this.settings(user), acks: -1, compression: codec, idempotent, serializers: { headerKey: stringSerializer }
    })
    return {
      async send(topic, partition, records) {
        const messages = records.map(({ timestamp, headers, ...rest }) => ({
          ...rest, topic, partition, timestamp: BigInt(timestamp), headers: new Map(headers)
        }))
        const { offsets } = await producer.send({ messages })
        return Number(offsets[0].offset)
      },
      close: () => producer.close()
    }
  }

  async consumer(groupId, topic, onRecord, user) {
    const consumer = new Consumer({
      ...this.settings(user), groupId, autocommit: false, maxWaitTime: 100, heartbeatInterval: 500,
      deserializers: { headerKey: stringDeserializer }
    })
    const stream = await consumer.consume({ topics: [topic], mode: 'committed', fallbackMode: 'earliest' })
    stream.on('data', ({ partition, offset, timestamp, key, value, headers }) => {
      onRecord(partition, Number(offset), {
        timestamp: Number(timestamp),
        key: key ?? null,
        value: value ?? null,
        headers: [...headers].map(([name, content]) => [name, content ?? null])
      })
    })
    return {
      assignment: () => consumer.assignments?.flatMap(({ partitions }) => partitions) ?? [],
      commit: offsets => consumer.commit({
        offsets: offsets.map(({ partition, offset }) => ({ topic, partition, offset: BigInt(offset), leaderEpoch: 0 }))
      }),
      close: () => consumer.close(true)
    }
  }

  isUnauthorized(error) {
    return isWithin(error, ({ apiId }) => apiId === 'TOPIC_AUTHORIZATION_FAILED')
  }

  async signIn(user) {
    const admin = new Admin(this.settings(user))
    try {
      await admin.listTopics()
    } finally {
      await admin.close()
    }
  }

  isUnauthenticated(error) {
    return isWithin(error, ({ code }) => code === 'PLT_KFK_AUTHENTICATION')
  }
}

/** Whether an error, or one that it was made of or caused by, passes the test. */
function isWithin(error, test) {
  if (!(error instanceof Error)) return false
  return test(error) || [error.cause, ...(error.errors ?? [])].some(inner => isWithin(inner, test))
}

runRound(Platformatic)
