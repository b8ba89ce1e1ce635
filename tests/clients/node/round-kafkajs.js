// The round of kafkajs. SIGN_IN: `oauthbearer`, or `iam` for AWS_MSK_IAM by its published plug-in.

import { promisify } from 'node:util'
import zlib from 'node:zlib'
import { createMechanism } from '@jm18457/kafkajs-msk-iam-authentication-mechanism'
import kafkajs from 'kafkajs'
import snappy from 'kafkajs-snappy'
import lz4 from 'lz4js'
import { nameOf, runRound } from './steps.js'

const { CompressionCodecs, CompressionTypes, Kafka, logLevel } = kafkajs

// It has gzip built in; the others are for its user to add.
CompressionCodecs[CompressionTypes.Snappy] = snappy
CompressionCodecs[CompressionTypes.LZ4] = () => ({
  compress: async encoder => Buffer.from(lz4.compress(encoder.buffer)),
  decompress: async buffer => Buffer.from(lz4.decompress(buffer))
})
CompressionCodecs[CompressionTypes.ZSTD] = () => ({
  compress: encoder => promisify(zlib.zstdCompress)(encoder.buffer),
  decompress: promisify(zlib.zstdDecompress)
})

const CODECS = {
  none: CompressionTypes.None,
  gzip: CompressionTypes.GZIP,
  snappy: CompressionTypes.Snappy,
  lz4: CompressionTypes.LZ4,
  zstd: CompressionTypes.ZSTD
}

class KafkaJS {
  name = nameOf('kafkajs')
  codecs = Object.keys(CODECS)
  // It holds back, but tells only its log.
  throttle = 'felt'
  renewal = 'live'
  // It reads a header that is null, but does not write one.
  nullHeaders = false

  constructor(ready, signIn) {
    this.ready = ready
    this.isIam = signIn === 'iam'
    // It takes the answer that a token is invalid (RFC 7628, 3.2.2) for a success, and then only has a
    // closed connection.
    this.tellsWrongSecret = this.isIam
    this.mechanism = this.isIam ? 'AWS_MSK_IAM' : 'OAUTHBEARER'
  }

  kafka(user = this.ready.owner) {
    return new Kafka({
      brokers: [this.ready.bootstrap],
      ssl: { ca: this.ready.ca },
      sasl: this.sasl(user),
      // How long before a session's end it signs in again; by default a whole session of these.
      reauthenticationThreshold: 3_000,
      logLevel: logLevel.NOTHING
    })
  }

  sasl(user) {
    if (this.isIam) return createMechanism({ region: user.region, credentials: user.credentials() })
    return { mechanism: 'oauthbearer', oauthBearerProvider: async () => ({ value: await user.token() }) }
  }

  /** Lets an admin client do something, and gives its result. */
  async byAdmin(act) {
    const admin = this.kafka().admin()
    await admin.connect()
    try {
      return await act(admin)
    } finally {
      await admin.disconnect()
    }
  }

  create(topic, numPartitions) {
    return this.byAdmin(admin => admin.createTopics({ topics: [{ topic, numPartitions }], waitForLeaders: true }))
  }

  members(group) {
    return this.byAdmin(async admin => (await admin.describeGroups([group])).groups[0].members.length)
  }

  committed(groupId, topic) {
    return this.byAdmin(async admin => {
      const [{ partitions }] = await admin.fetchOffsets({ groupId, topics: [topic] })
      return partitions.sort((a, b) => a.partition - b.partition).map(({ offset }) => Number(offset))
    })
  }

  delete(topic, groups) {
    return this.byAdmin(async admin => {
      await admin.deleteGroups(groups)
      await admin.deleteTopics({ topics: [topic] })
    })
  }

  async producer({ codec, idempotent, user }) {
    const producer = this.kafka(user).producer({ idempotent })
    await producer.connect()
    return {
      async send(topic, partition, records) {
        const messages = records.map(({ timestamp, headers, ...rest }) => ({
          ...rest, partition, timestamp: String(timestamp), headers: Object.fromEntries(headers)
        }))
        const [{ baseOffset }] = await producer.send({ topic, messages, acks: -1, compression: CODECS[codec] })
        return Number(baseOffset)
      },
      close: () => producer.disconnect()
    }
  }

  async consumer(groupId, topic, onRecord, user) {
    const consumer = this.kafka(user).consumer({ groupId, maxWaitTimeInMs: 100, heartbeatInterval: 500 })
    let assigned = []
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => { assigned = payload.memberAssignment[topic] ?? [] })
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    await consumer.run({
      autoCommit: false,
      eachMessage: async ({ partition, message: { offset, timestamp, key, value, headers } }) => {
        const record = { timestamp: Number(timestamp), key, value, headers: Object.entries(headers) }
        onRecord(partition, Number(offset), record)
      }
    })
    return {
      assignment: () => assigned,
      commit: offsets => consumer.commitOffsets(
        offsets.map(({ partition, offset }) => ({ topic, partition, offset: String(offset) }))
      ),
      close: () => consumer.disconnect()
    }
  }

  isUnauthorized(error) {
    return error.type === 'TOPIC_AUTHORIZATION_FAILED'
  }

  async signIn(user) {
    await this.kafka(user).admin().connect()
  }

  isUnauthenticated(error) {
    return error.type === 'SASL_AUTHENTICATION_FAILED'
  }
}

runRound(KafkaJS)
