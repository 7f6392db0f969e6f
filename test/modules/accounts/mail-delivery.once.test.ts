import type { AddressInfo, Server } from 'node:net'
import { sql } from 'kysely'
import { type ParsedMail, simpleParser } from 'mailparser'
import { SMTPServer } from 'smtp-server'
import { expect } from 'vitest'
import { createLog } from '../../../src/platform/log.ts'
import { createSmtpMailer } from '../../../src/platform/mailer.ts'
import { LoginDocument, VerifyEmailDocument } from '../../gql/graphql.ts'
import { selfSignedCertificate } from '../../kit/certificate.ts'
import { type Client, createTestClient } from '../../kit/client.ts'
import { tokenIn } from '../../kit/mails.ts'
import { entered, newcomer, register } from '../../kit/newcomers.ts'
import { startServer, type TestServer } from '../../kit/server.ts'
import { test as base } from '../../kit/test.ts'

const JOB = 'accounts.registration-mail'
const certificate = selfSignedCertificate()

interface Delivery {
  readonly mail: ParsedMail
  readonly isSecure: boolean
}

/** A mail server that a test can make refuse, or take down. */
interface Post {
  readonly deliveries: readonly Delivery[]
  /** How often a recipient was named. */
  readonly attempts: () => number
  /** What the next recipients are answered, in order; then all are taken. */
  refuse(...replies: readonly number[]): void
  open(): Promise<void>
  close(): Promise<void>
}

function createPost(): Post & { readonly port: () => number } {
  const deliveries: Delivery[] = []
  const replies: number[] = []
  let [attempts, port] = [0, 0]
  let server: SMTPServer | undefined
  return {
    deliveries,
    attempts: () => attempts,
    port: () => port,
    refuse: (...next) => void replies.splice(0, replies.length, ...next),
    open: async () => {
      const opened = new SMTPServer({
        ...certificate,
        authOptional: true,
        closeTimeout: 100,
        onRcptTo({ address }, _session, callback) {
          attempts += 1
          const responseCode = replies.shift()
          callback(
            responseCode === undefined ? null : Object.assign(new Error(`not to <${address}>`), { responseCode }),
          )
        },
        onData(stream, { secure }, callback) {
          void simpleParser(stream).then((mail) => {
            deliveries.push({ mail, isSecure: secure })
            callback()
          })
        },
      })
      opened.on('error', () => {})
      server = opened
      const listener = opened.server as Server
      await new Promise<void>((resolve) => listener.listen(port, '127.0.0.1', resolve))
      port = (listener.address() as AddressInfo).port
    },
    close: () => new Promise<void>((resolve) => (server === undefined ? resolve() : server.close(() => resolve()))),
  }
}

interface Stage {
  readonly server: TestServer
  readonly client: Client
  readonly post: Post
  /** All that was logged. */
  readonly lines: string[]
}

const test = base.extend<{ mailing: Stage }>({
  mailing: [
    // biome-ignore lint/correctness/noEmptyPattern: vitest reads the names a fixture needs from its first parameter
    async ({}, use) => {
      const post = createPost()
      await post.open()
      const lines: string[] = []
      const log = createLog({ level: 'trace', destination: { write: (line) => void lines.push(line) } })
      const url = `smtp://127.0.0.1:${post.port()}?requireTLS=true`
      const tls = { ca: certificate.cert }
      const mailer = createSmtpMailer({ url, from: 'Ocean <ocean@example.org>', timeoutMillis: 5_000, tls })
      const server = await startServer({ mailer, log, environment: { EMAIL_VERIFICATION: 'required' } })
      const client = createTestClient(server.url)
      await use({ server, client, post, lines })
      await client.close()
      await server.close()
      await post.close()
    },
    { scope: 'file' },
  ],
})

/** Registers somebody and waits until the job of the mail has run once. */
async function ask({ server, client }: Stage): Promise<string> {
  const input = newcomer()
  expect((await register(client, input)).__typename).toBe('RegistrationPending')
  await server.app.platform.jobs.idle(15_000)
  return input.email
}

/** The newest job of a registration's mail. */
async function newestJob({ server }: Stage) {
  const { rows } = await sql<{ state: string; retries: number; waitSeconds: number | null; output: unknown }>`
    select state::text, retry_count as retries, output,
      extract(epoch from start_after - now())::float as "waitSeconds"
    from pgboss.job where name = ${JOB} order by created_on desc limit 1`.execute(server.app.platform.database.unscoped)
  return rows[0]
}

/** Makes what waits for another try due now, and waits until it was tried. */
async function letTimePass({ server }: Stage): Promise<void> {
  const { database, jobs } = server.app.platform
  await sql`update pgboss.job set start_after = now() where name = ${JOB} and state = 'retry'`.execute(
    database.unscoped,
  )
  jobs.wake([JOB])
  await jobs.idle(15_000)
}

const mailsTo = ({ post }: Stage, email: string) =>
  post.deliveries.filter(({ mail }) => JSON.stringify(mail.to).includes(email))

/** No line of the log names anybody's address or holds a token. */
function expectSilence({ lines }: Stage, since: number): void {
  const text = lines.slice(since).join('')
  expect(text).not.toMatch(/newcomer-\d/)
  expect(text).not.toMatch(/token=[\w-]|ey[AJ][\w-]{8,}\./)
}

test('a registration is mailed over TLS, as text and as HTML, both with a link that works', async ({ mailing }) => {
  const since = mailing.lines.length
  const input = newcomer()
  await register(mailing.client, input)
  await mailing.server.app.platform.jobs.idle(15_000)
  const [delivery, ...others] = mailsTo(mailing, input.email)
  expect(others).toEqual([])
  expect(delivery?.isSecure).toBe(true)
  expect(delivery?.mail).toMatchObject({ subject: 'Confirm your address', to: { text: input.email } })
  const { text = '', html } = delivery?.mail ?? {}
  const token = tokenIn(text)
  const link = `${mailing.server.app.platform.settings.publicUrl}/verify-email#token=${token}`
  expect(text).toContain(link)
  expect(html).toContain(link)
  const { verifyEmail } = await mailing.client.mutate(VerifyEmailDocument, {
    input: { token, password: input.password },
  })
  expect(verifyEmail).toMatchObject({ __typename: 'VerifiedEmail', email: input.email })
  const { login } = await mailing.client.mutate(LoginDocument, {
    input: { identifier: input.email, password: input.password },
  })
  entered(login)
  expectSilence(mailing, since)
})

test('a mail that the server defers is delivered by the next try, once', async ({ mailing }) => {
  const since = mailing.lines.length
  mailing.post.refuse(451)
  const email = await ask(mailing)
  expect(mailsTo(mailing, email)).toEqual([])
  const waiting = await newestJob(mailing)
  expect(waiting).toMatchObject({ state: 'retry' })
  expect(waiting?.waitSeconds).toBeGreaterThan(5)
  const attempts = mailing.post.attempts()
  await letTimePass(mailing)
  expect(mailing.post.attempts()).toBe(attempts + 1)
  expect(mailsTo(mailing, email)).toHaveLength(1)
  expect(await newestJob(mailing)).toMatchObject({ state: 'completed', retries: 1 })
  expect(mailing.lines.slice(since).join('')).toContain('a job failed')
  expectSilence(mailing, since)
})

test('a mail that the server rejects is given up at once, and the log says so without a name', async ({ mailing }) => {
  const since = mailing.lines.length
  mailing.post.refuse(550)
  const attempts = mailing.post.attempts()
  const email = await ask(mailing)
  expect(await newestJob(mailing)).toMatchObject({ state: 'failed', retries: 0 })
  await letTimePass(mailing)
  expect(mailing.post.attempts()).toBe(attempts + 1)
  expect(mailsTo(mailing, email)).toEqual([])
  await expect.poll(() => mailing.lines.slice(since).join('')).toContain('a job was given up')
  expect(JSON.stringify(await newestJob(mailing))).not.toContain(email)
  expectSilence(mailing, since)
})

test('while no server answers mails wait, and go out when it is back', async ({ mailing }) => {
  const since = mailing.lines.length
  await mailing.post.close()
  const email = await ask(mailing)
  expect(await newestJob(mailing)).toMatchObject({ state: 'retry' })
  await letTimePass(mailing)
  expect(await newestJob(mailing)).toMatchObject({ state: 'retry', retries: 1 })
  await mailing.post.open()
  await letTimePass(mailing)
  expect(mailsTo(mailing, email)).toHaveLength(1)
  expect(await newestJob(mailing)).toMatchObject({ state: 'completed' })
  expectSilence(mailing, since)
})
