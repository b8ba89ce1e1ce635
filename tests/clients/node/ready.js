// What every program needs: the ready file, who signs in, expectations, waiting, and the end.

import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { generateAuthTokenFromCredentialsProvider } from 'aws-msk-iam-sasl-signer-js'

const WAIT_MS = 30_000
const RUN_MS = 120_000

/** An expectation that did not hold, told in one sentence. */
export class Failed extends Error {}

/** Fails the run with `sentence` unless `holds`. */
export function expect(holds, sentence) {
  if (!holds) throw new Failed(sentence)
}

/** Asks until `condition` holds; at the deadline the run fails with `sentence()`. */
export async function waitFor(condition, sentence) {
  const deadline = Date.now() + WAIT_MS
  while (!(await condition())) {
    expect(Date.now() < deadline, `${sentence()} (waited ${WAIT_MS / 1000} s)`)
    await sleep(5)
  }
}

/** Runs a program's `main`, and says what failed. */
export async function run(main) {
  setTimeout(() => end(new Failed(`not done in ${RUN_MS / 1000} s`)), RUN_MS).unref()
  await main().catch(end)
  process.exit()
}

function end(error) {
  console.error('FAILED:', error instanceof Failed ? error.message : error)
  process.exit(1)
}

/** Who signs in: the credentials of every mechanism. */
class User {
  constructor(region, facts) {
    this.region = region
    this.accessKeyId = facts.access_key_id
    this.secretAccessKey = facts.secret_access_key
  }

  /** The same user with a secret that the server does not know. */
  withWrongSecret() {
    return Object.assign(Object.create(User.prototype), this, { secretAccessKey: `not ${this.secretAccessKey}` })
  }

  /** As AWS's libraries take them. */
  credentials() {
    return { accessKeyId: this.accessKeyId, secretAccessKey: this.secretAccessKey }
  }

  /** A token of AWS's published signer. */
  async token() {
    const { token } = await generateAuthTokenFromCredentialsProvider({
      region: this.region,
      awsCredentialsProvider: async () => this.credentials()
    })
    return token
  }
}

/** The ready file of a server. */
export class Ready {
  constructor(path) {
    this.facts = JSON.parse(readFileSync(path, 'utf8'))
    this.bootstrap = this.facts.bootstrap
    this.ca = readFileSync(this.facts.ca_file, 'utf8')
    this.owner = new User(this.facts.region, this.facts)
    this.reader = new User(this.facts.region, this.facts.users.reader)
  }

  /** How often the server saw a sign-in on a connection that was signed in. */
  async signInsRenewed() {
    const answer = await fetch(`${this.facts.admin_url}/metrics`)
    const found = (await answer.text()).match(/^tidegate_gateway_sign_ins_renewed_total (\d+)$/m)
    expect(found, 'the server does not count the sign-ins that were renewed')
    return Number(found[1])
  }
}
