// The round that every Node library makes against the server; its steps are those of docs/clients.md.
//
// usage: node PROGRAM.js READY_FILE   (SIGN_IN: the mechanism)
//
// A library is an object with
//   name, mechanism, throttle, renewal   as they stand in the line that is printed
//   codecs                               those it has, by their names in that line
//   nullHeaders                          whether it writes headers that are null
//   tellsWrongSecret                     whether it has an error for a wrong secret
//   create(topic, partitions)            creates the topic and waits until it has leaders
//   members(group)                       how many members the group has, by the admin client
//   committed(group, topic)              the offsets that the group committed, by partition
//   delete(topic, groups)                deletes all of them
//   producer({ codec, idempotent, user })        `send(topic, partition, records)`, which gives the
//                                                offset of the first, and `close()`
//   consumer(group, topic, onRecord, user)       `assignment()`, `commit(offsets)` and `close()`; begins
//                                                where the group committed, else with the first record
//   isUnauthorized(error)                whether this is its error for a topic the user may not write
//   signIn(user)                         signs in, and gives what came of it
//   isUnauthenticated(error)             whether this is its error for a wrong secret

import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { inspect, isDeepStrictEqual } from 'node:util'
import { expect, Ready, run, waitFor } from './ready.js'

const PARTITIONS = [0, 1, 2]
const BATCH_RECORDS = 40
const STEP_MS = 10
// 12 MB. At 4 MB/s that takes 3 s, less the quarter of a second that is let through at once and the last
// batch, which is answered before its own bytes are paid.
const THROTTLE = { batches: 12, records: 10, recordBytes: 100_000, leastMs: 2_500 }
const SESSIONS_MS = 25_000

class Round {
  constructor(library, ready) {
    this.library = library
    this.ready = ready
    this.topic = `node-${randomUUID()}`
    this.group = `${this.topic}-group`
    this.groups = new Set()
    this.written = PARTITIONS.map(() => [])
  }

  /** Makes all steps, and gives their words. */
  async run() {
    const { throttle, renewal, tellsWrongSecret } = this.library
    await this.library.create(this.topic, PARTITIONS.length)
    const kinds = await this.produce()
    await this.readAll(this.ready.owner)
    await this.readAsGroup()
    await this.beThrottled()
    await this.beRefused()
    if (tellsWrongSecret) await this.signInWrongly()
    await this.outliveSessions()
    await this.library.delete(this.topic, [...this.groups])
    const words = [
      'create', `produce(${kinds})`, 'read', 'group', 'commit', `throttle(${throttle})`, 'refused',
      ...(tellsWrongSecret ? ['wrong-secret'] : []), `re-authenticated(${renewal})`
    ]
    return words.join(' ')
  }

  /** A batch of each codec, once with and once without idempotence, to one partition after the other. */
  async produce() {
    const firstMs = Date.now() - 3_600_000
    const kinds = [false, true].flatMap(idempotent => this.library.codecs.map(codec => ({ codec, idempotent })))
    for (const [n, kind] of kinds.entries()) {
      const partition = n % PARTITIONS.length
      const written = this.written[partition]
      const base = written.length
      const batch = Array.from({ length: BATCH_RECORDS }, (_, i) => this.record(base + i, kind.codec, firstMs))
      await this.send(kind, partition, batch)
    }
    return [...this.library.codecs, 'idempotent'].join(' ')
  }

  /** Sends one batch with a producer of its own. */
  async send(kind, partition, batch) {
    const producer = await this.library.producer({ user: this.ready.owner, ...kind })
    const offset = await producer.send(this.topic, partition, batch)
    const base = this.written[partition].length
    expect(offset === base, `${inspect(kind)}: acknowledged at offset ${offset}, not ${base}`)
    this.written[partition].push(...batch)
    await producer.close()
  }

  /** A consumer whose records are compared as they come; `seen` counts them by partition. */
  async consume(group, user = this.ready.owner) {
    this.groups.add(group)
    const seen = PARTITIONS.map(() => new Set())
    const failures = []
    const consumer = await this.library.consumer(group, this.topic, (partition, offset, read) => {
      const wanted = this.written[partition][offset]
      if (!isDeepStrictEqual(read, wanted)) {
        failures.push(`offset ${offset} of partition ${partition}: ${inspect(read)}, not ${inspect(wanted)}`)
      }
      seen[partition].add(offset)
    }, user)
    const check = () => expect(failures.length === 0, failures[0])
    return { consumer, seen, check }
  }

  /** Everything that was written, and nothing else. */
  async readAll(user) {
    const { consumer, seen, check } = await this.consume(`${this.topic}-${user.accessKeyId}`, user)
    await waitFor(() => this.count(seen) >= this.count(this.written), () => `only ${this.count(seen)} records came`)
    await sleep(300)
    check()
    await consumer.close()
  }

  count(byPartition) {
    return byPartition.reduce((sum, each) => sum + (each.size ?? each.length), 0)
  }

  /** Two members share the partitions, read everything and commit it. */
  async readAsGroup() {
    const members = [await this.consume(this.group), await this.consume(this.group)]
    const [one, other] = members
    const shares = () => members.map(({ consumer }) => consumer.assignment())
    const isDone = () => {
      const all = PARTITIONS.map(partition => one.seen[partition].union(other.seen[partition]))
      return shares().every(share => share.length > 0) &&
        isDeepStrictEqual(shares().flat().sort(), PARTITIONS) &&
        this.count(all) === this.count(this.written)
    }
    await waitFor(isDone, () => `two members did not read all of it: they have ${inspect(shares())}`)
    const found = await this.library.members(this.group)
    expect(found === 2, `the group has ${found} members, not 2`)
    for (const { consumer, check } of members) {
      check()
      const ends = consumer.assignment().map(partition => ({ partition, offset: this.written[partition].length }))
      await consumer.commit(ends)
    }
    for (const { consumer } of members) await consumer.close()
    const committed = await this.library.committed(this.group, this.topic)
    const wanted = this.written.map(records => records.length)
    expect(isDeepStrictEqual(committed, wanted), `committed is ${committed}, not ${wanted}`)
  }

  /** 12 MB at once into 4 MB/s. */
  async beThrottled() {
    const producer = await this.library.producer({ user: this.ready.owner, codec: 'none', idempotent: false })
    const base = this.written[0].length
    const value = Buffer.alloc(THROTTLE.recordBytes)
    const batch = Array(THROTTLE.records).fill({ timestamp: Date.now(), key: null, value, headers: [] })
    const began = Date.now()
    const offsets = await Promise.all(
      Array.from({ length: THROTTLE.batches }, () => producer.send(this.topic, 0, batch))
    )
    const tookMs = Date.now() - began
    const wanted = offsets.map((_, i) => base + i * THROTTLE.records)
    expect(isDeepStrictEqual(offsets.sort((a, b) => a - b), wanted), `acknowledged at ${offsets}, not ${wanted}`)
    expect(tookMs >= THROTTLE.leastMs, `12 MB at 4 MB/s took ${tookMs} ms`)
    for (const _ of offsets) this.written[0].push(...batch)
    await producer.close()
  }

  /** Who may only read reads, and is refused a produce. */
  async beRefused() {
    await this.readAll(this.ready.reader)
    const producer = await this.library.producer({ user: this.ready.reader, codec: 'none', idempotent: false })
    const error = await producer.send(this.topic, 1, this.written[1].slice(0, 1)).catch(refusal => refusal)
    expect(this.library.isUnauthorized(error), `a produce of who may only read got ${inspect(error)}`)
    await producer.close()
  }

  /** A wrong secret ends in an authentication error, well before the deadline. */
  async signInWrongly() {
    const error = await this.library.signIn(this.ready.owner.withWrongSecret()).catch(refusal => refusal)
    expect(this.library.isUnauthenticated(error), `a wrong secret got ${inspect(error)}`)
  }

  /** Producer, consumer and coordinator are used for longer than two sessions last. */
  async outliveSessions() {
    const renewed = await this.ready.signInsRenewed()
    const producer = await this.library.producer({ user: this.ready.owner, codec: 'none', idempotent: false })
    const { consumer, seen, check } = await this.consume(this.group)
    const [partition, written] = [2, this.written[2]]
    for (const until = Date.now() + SESSIONS_MS; Date.now() < until;) {
      written.push(this.record(written.length, 'none', Date.now()))
      const offset = await producer.send(this.topic, partition, written.slice(-1))
      expect(offset === written.length - 1, `acknowledged at ${offset}, not ${written.length - 1}`)
      await waitFor(() => seen[partition].has(offset), () => `offset ${offset} did not come`)
      await consumer.commit([{ partition, offset: written.length }])
    }
    check()
    await Promise.all([producer.close(), consumer.close()])
    const found = (await this.ready.signInsRenewed()) > renewed ? 'live' : 'reconnects'
    expect(found === this.library.renewal, `at the end of a session the client ${found}`)
  }

  /** The record at offset n of a partition. All combinations of a key and a value that are null, empty or neither. */
  record(n, codec, firstMs) {
    const text = Buffer.from(`${codec} ${n} `.repeat(20))
    const headers = [['codec', Buffer.from(codec)], ['empty', Buffer.alloc(0)]]
    if (this.library.nullHeaders) headers.push(['null', null])
    return {
      timestamp: firstMs + n * STEP_MS,
      key: [null, Buffer.alloc(0), Buffer.from(`key-${n}`)][n % 3],
      value: [text, Buffer.alloc(0), null][Math.floor(n / 3) % 3],
      headers: n % 2 ? headers : []
    }
  }
}

/** A package's name and the version that is installed. */
export function nameOf(name) {
  const manifest = new URL(`../node_modules/${name}/package.json`, import.meta.url)
  return `${name} ${JSON.parse(readFileSync(manifest, 'utf8')).version}`
}

/** Makes the round of one library and prints its line. */
export function runRound(Library) {
  run(async () => {
    const ready = new Ready(process.argv[2])
    const library = new Library(ready, process.env.SIGN_IN ?? 'oauthbearer')
    const words = await new Round(library, ready).run()
    console.log(`checked: ${library.name}, ${library.mechanism}: ${words}`)
  })
}
