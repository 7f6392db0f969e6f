import { existsSync, readdirSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { type ParsedMail, simpleParser } from 'mailparser'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import { afterEach, expect, test, vi } from 'vitest'
import type { Clock } from '../../src/platform/clock.ts'
import { createLog } from '../../src/platform/log.ts'
import {
  createSmtpMailer,
  type Mail,
  MailDeferred,
  MailRejected,
  MailSettingInvalid,
} from '../../src/platform/mailer.ts'
import { createFileMailer } from '../../src/platform/mailer-file.ts'
import { selfSignedCertificate } from '../kit/certificate.ts'

const FROM = '"Ocean Čeština 海" <ocean@example.org>'
const MAIL: Mail = {
  to: 'bob@example.org',
  subject: 'Willkommen bei Øcean 🌊',
  text: 'Hello Bob\nhttps://ocean.example.org/verify#abc',
  html: '<p>Grüße</p>',
}
const CERTIFICATE = selfSignedCertificate()
const UNSIGNED = { rejectUnauthorized: false }

const openThings: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of openThings.splice(0).reverse()) await close()
})

interface Delivery {
  readonly mail: ParsedMail
  readonly raw: string
  readonly secure: boolean
  readonly recipients: string[]
}

async function startServer(options: SMTPServerOptions = {}) {
  const deliveries: Delivery[] = []
  const connections: string[] = []
  const server = new SMTPServer({
    ...CERTIFICATE,
    authOptional: true,
    closeTimeout: 100,
    onConnect(session, callback) {
      connections.push(session.id)
      callback()
    },
    onData(stream, session, callback) {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', async () => {
        const raw = Buffer.concat(chunks)
        const recipients = session.envelope.rcptTo.map((to) => to.address)
        deliveries.push({ mail: await simpleParser(raw), raw: raw.toString(), secure: session.secure, recipients })
        callback()
      })
    },
    ...options,
  })
  server.on('error', () => {})
  const port = await listen(server.server as Server)
  openThings.push(() => new Promise<void>((resolve) => server.close(() => resolve())))
  return { port, deliveries, connections, openConnections: () => server.connections.size }
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

/** A server that says only what it is told to, to each new connection and each line. */
async function startRawServer(answer: (line: string | null) => string | null) {
  const server = createServer((socket) => {
    const say = (text: string | null) => text !== null && socket.write(`${text}\r\n`)
    say(answer(null))
    socket.on('data', (lines) => void say(answer(lines.toString())))
    socket.on('error', () => {})
    openThings.push(async () => socket.destroy())
  })
  const port = await listen(server)
  openThings.push(async () => server.close())
  return port
}

function smtpMailer(url: string, options: { timeoutMillis?: number; tls?: object; from?: string } = {}) {
  const mailer = createSmtpMailer({ url, from: FROM, timeoutMillis: 5_000, ...options })
  openThings.push(() => mailer.close())
  return mailer
}

function refusal(replyCode: number, message = 'refused bob@example.org') {
  return Object.assign(new Error(message), { responseCode: replyCode })
}

async function failureOf(sending: Promise<void>): Promise<unknown> {
  return sending.then(
    () => 'sent',
    (error: unknown) => error,
  )
}

test('a mail arrives over STARTTLS when it is offered, with names and subject in unicode', async () => {
  const { port, deliveries } = await startServer()
  const mailer = smtpMailer(`smtp://127.0.0.1:${port}`, { tls: UNSIGNED })
  await mailer.send({ ...MAIL, to: '"Böb 鲍勃" <bob@example.org>' })
  const [delivery] = deliveries
  expect(delivery?.secure).toBe(true)
  expect(delivery?.recipients).toEqual(['bob@example.org'])
  expect(delivery?.mail.subject).toBe(MAIL.subject)
  expect(delivery?.mail.from?.value).toEqual([{ name: 'Ocean Čeština 海', address: 'ocean@example.org' }])
  expect(delivery?.mail.to).toMatchObject({ value: [{ name: 'Böb 鲍勃', address: 'bob@example.org' }] })
  expect(delivery?.mail.text?.trim()).toBe(MAIL.text)
  expect(delivery?.mail.html).toBe(MAIL.html)
  expect(delivery?.mail.headers.get('auto-submitted')).toBe('auto-generated')
})

test('a certificate signed by a trusted one is enough', async () => {
  const { port, deliveries } = await startServer()
  await smtpMailer(`smtp://127.0.0.1:${port}`, { tls: { ca: CERTIFICATE.cert } }).send(MAIL)
  expect(deliveries[0]?.secure).toBe(true)
})

test.each([
  ['bob@example.org', '', 'bob@example.org'],
  ['<bob@example.org>', '', 'bob@example.org'],
  ['Bob Stone <bob@example.org>', 'Bob Stone', 'bob@example.org'],
  ['"Stone, \\"Bob\\" <eve@example.org>" <bob+x@example.org>', 'Stone, "Bob" <eve@example.org>', 'bob+x@example.org'],
])('the recipient %s is one mailbox', async (to, name, address) => {
  const { port, deliveries } = await startServer()
  await smtpMailer(`smtp://127.0.0.1:${port}`, { tls: UNSIGNED }).send({ ...MAIL, to })
  expect(deliveries[0]?.recipients).toEqual([address])
  expect(deliveries[0]?.mail.to).toMatchObject({ value: [{ name, address }] })
})

test('a mail arrives in plain text when neither side asks for more', async () => {
  const { port, deliveries } = await startServer({ disabledCommands: ['STARTTLS', 'AUTH'] })
  await smtpMailer(`smtp://127.0.0.1:${port}`).send(MAIL)
  expect(deliveries[0]?.secure).toBe(false)
})

test('smtps:// speaks TLS from the start', async () => {
  const { port, deliveries } = await startServer({ secure: true })
  await smtpMailer(`smtps://127.0.0.1:${port}`, { tls: UNSIGNED }).send(MAIL)
  expect(deliveries[0]?.secure).toBe(true)
})

test('a certificate signed by nobody is refused by default, and neither mail nor credentials go out', async () => {
  const onAuth = vi.fn()
  for (const secure of [true, false]) {
    const { port, deliveries } = await startServer({ secure, onAuth })
    const mailer = smtpMailer(`${secure ? 'smtps' : 'smtp'}://ann:pw@127.0.0.1:${port}`)
    expect(await failureOf(mailer.send(MAIL))).toBeInstanceOf(MailDeferred)
    expect(deliveries).toEqual([])
  }
  expect(onAuth).not.toHaveBeenCalled()
})

test('the credentials of the URL are sent, percent-decoded', async () => {
  const seen: unknown[] = []
  const { port, deliveries } = await startServer({
    authOptional: false,
    onAuth(auth, session, callback) {
      seen.push([auth.username, auth.password, session.secure])
      callback(null, { user: 'ann' })
    },
  })
  await smtpMailer(`smtp://ann%40example.org:p%3Aw%2F%40@127.0.0.1:${port}`, { tls: UNSIGNED }).send(MAIL)
  expect(seen).toEqual([['ann@example.org', 'p:w/@', true]])
  expect(deliveries).toHaveLength(1)
})

test('credentials never travel in plain text, unless the URL says so', async () => {
  const onAuth = vi.fn<NonNullable<SMTPServerOptions['onAuth']>>((_auth, _session, callback) =>
    callback(null, { user: 'ann' }),
  )
  const { port, deliveries } = await startServer({ disabledCommands: ['STARTTLS'], allowInsecureAuth: true, onAuth })
  const url = `smtp://ann:pw@127.0.0.1:${port}`
  expect(await failureOf(smtpMailer(url).send(MAIL))).toBeInstanceOf(MailDeferred)
  expect(onAuth).not.toHaveBeenCalled()
  expect(deliveries).toEqual([])
  await smtpMailer(`${url}?requireTLS=false`).send(MAIL)
  expect(onAuth).toHaveBeenCalledOnce()
  expect(deliveries).toHaveLength(1)
})

test('requireTLS without an offer of STARTTLS defers the mail', async () => {
  const { port, deliveries } = await startServer({ disabledCommands: ['STARTTLS', 'AUTH'] })
  expect(await failureOf(smtpMailer(`smtp://127.0.0.1:${port}?requireTLS=true`).send(MAIL))).toBeInstanceOf(
    MailDeferred,
  )
  expect(deliveries).toEqual([])
})

test.each([
  ['550 to the recipient', 'onRcptTo', 550, MailRejected],
  ['550 to the sender', 'onMailFrom', 550, MailRejected],
  ['554 to the content', 'onData', 554, MailRejected],
  ['450 to the recipient', 'onRcptTo', 450, MailDeferred],
  ['451 to the content', 'onData', 451, MailDeferred],
  ['421 to the sender', 'onMailFrom', 421, MailDeferred],
  ['530 to the sender', 'onMailFrom', 530, MailDeferred],
  ['535 to the credentials', 'onAuth', 535, MailDeferred],
  ['554 to the connection', 'onConnect', 554, MailDeferred],
])('a reply of %s is told apart', async (_name, hook, replyCode, kind) => {
  const refuse = (...args: unknown[]) => {
    const [first] = args
    if (hook === 'onData') (first as NodeJS.ReadableStream).resume()
    const callback = args.at(-1) as (error: Error) => void
    callback(refusal(replyCode))
  }
  const { port } = await startServer({ [hook]: refuse })
  const credentials = hook === 'onAuth' ? 'ann:pw@' : ''
  const failure = await failureOf(smtpMailer(`smtp://${credentials}127.0.0.1:${port}`, { tls: UNSIGNED }).send(MAIL))
  expect(failure).toBeInstanceOf(kind)
  expect(failure).toMatchObject({ replyCode, message: expect.stringContaining(String(replyCode)) })
  expect(String(failure)).not.toContain('bob@')
})

test('after a refusal the next mail goes out', async () => {
  const { port, deliveries } = await startServer({
    onRcptTo: (to, _session, callback) => callback(to.address.startsWith('no') ? refusal(550) : null),
  })
  const mailer = smtpMailer(`smtp://127.0.0.1:${port}`, { tls: UNSIGNED })
  expect(await failureOf(mailer.send({ ...MAIL, to: 'no@example.org' }))).toBeInstanceOf(MailRejected)
  await mailer.send(MAIL)
  expect(deliveries).toHaveLength(1)
})

test.each([
  ['never greets', () => null],
  ['greets and falls silent', (line: string | null) => (line === null ? '220 raw' : null)],
  ['greets forever', (line: string | null) => (line === null ? '220-raw' : '250-more')],
])('a server that %s defers the mail within the time-out', async (_name, answer) => {
  const port = await startRawServer(answer)
  const start = performance.now()
  const failure = await failureOf(smtpMailer(`smtp://127.0.0.1:${port}`, { timeoutMillis: 300 }).send(MAIL))
  expect(failure).toBeInstanceOf(MailDeferred)
  expect(performance.now() - start).toBeLessThan(1_500)
})

test('a server that trickles its answer defers the mail within the time-out', async () => {
  const server = createServer((socket) => {
    const trickle = setInterval(() => socket.write('2'), 50)
    socket.on('close', () => clearInterval(trickle)).on('error', () => {})
  })
  openThings.push(async () => server.close())
  const port = await listen(server)
  const start = performance.now()
  const mailer = smtpMailer(`smtp://127.0.0.1:${port}`, { timeoutMillis: 300 })
  expect(await failureOf(mailer.send(MAIL))).toBeInstanceOf(MailDeferred)
  expect(performance.now() - start).toBeLessThan(1_500)
})

test('no server, and a server that hangs up, defer the mail', async () => {
  const { port } = await startServer()
  await openThings.pop()?.()
  expect(await failureOf(smtpMailer(`smtp://127.0.0.1:${port}`).send(MAIL))).toBeInstanceOf(MailDeferred)
  const server = createServer((socket) => socket.on('error', () => {}).destroy())
  openThings.push(async () => server.close())
  const hangUp = await listen(server)
  expect(await failureOf(smtpMailer(`smtp://127.0.0.1:${hangUp}`).send(MAIL))).toBeInstanceOf(MailDeferred)
})

test('an aborted signal ends the send with its reason', async () => {
  const greeted = vi.fn(() => null)
  const port = await startRawServer(greeted)
  const mailer = smtpMailer(`smtp://127.0.0.1:${port}`)
  const controller = new AbortController()
  const failure = failureOf(mailer.send(MAIL, controller.signal))
  await vi.waitFor(() => expect(greeted).toHaveBeenCalled())
  const reason = new Error('the client left')
  controller.abort(reason)
  expect(await failure).toBe(reason)
  expect(await failureOf(mailer.send(MAIL, controller.signal))).toBe(reason)
})

test('50 mails at once share at most 4 connections, and more than 200 waiting are deferred', async () => {
  const { port, deliveries, connections } = await startServer({ disabledCommands: ['STARTTLS', 'AUTH'] })
  const mailer = smtpMailer(`smtp://127.0.0.1:${port}`)
  await Promise.all(Array.from({ length: 50 }, () => mailer.send(MAIL)))
  expect(deliveries).toHaveLength(50)
  expect(connections.length).toBeLessThanOrEqual(4)
  const results = await Promise.all(Array.from({ length: 201 }, () => failureOf(mailer.send(MAIL))))
  expect(results.filter((result) => result === 'sent')).toHaveLength(200)
  expect(results.at(-1)).toBeInstanceOf(MailDeferred)
})

test('close waits for the mail on its way, hangs up, and later mails are deferred', async () => {
  let release: (() => void) | undefined
  const { port, deliveries, connections, openConnections } = await startServer({
    onRcptTo: (_to, _session, callback) => {
      release = () => callback()
    },
  })
  const mailer = createSmtpMailer({ url: `smtp://127.0.0.1:${port}`, from: FROM, timeoutMillis: 5_000, tls: UNSIGNED })
  const order: string[] = []
  const sending = mailer.send(MAIL).then(() => order.push('sent'))
  await vi.waitFor(() => expect(release).toBeDefined())
  const closing = mailer.close().then(() => order.push('closed'))
  await Promise.resolve()
  release?.()
  await Promise.all([sending, closing])
  expect(order).toEqual(['sent', 'closed'])
  expect(deliveries).toHaveLength(1)
  await vi.waitFor(() => expect(openConnections()).toBe(0))
  expect(await failureOf(mailer.send(MAIL))).toBeInstanceOf(MailDeferred)
  expect(connections).toHaveLength(1)
})

test.each([
  ['a header', 'Hi\r\nBcc: eve@example.org\r\nX-Evil: 1'],
  ['a header with a lone line feed', 'Hi\nBcc: eve@example.org\nX-Evil: 1'],
  ['a body', 'Hi\r\n\r\n<script>evil</script>'],
])('a line break in the subject does not inject %s', async (_name, subject) => {
  const { port, deliveries } = await startServer()
  await smtpMailer(`smtp://127.0.0.1:${port}`, { tls: UNSIGNED }).send({ ...MAIL, subject })
  const [delivery] = deliveries
  expect(delivery?.recipients).toEqual(['bob@example.org'])
  expect(delivery?.mail.headers.has('bcc')).toBe(false)
  expect(delivery?.mail.headers.has('x-evil')).toBe(false)
  expect(delivery?.mail.html).toBe(MAIL.html)
  expect(delivery?.mail.subject?.replace(/\s+/g, ' ')).toBe(subject.replace(/\s+/g, ' '))
})

test.each([
  '',
  'bob',
  'a@example.org, b@example.org',
  'a@example.org; b@example.org',
  'team: a@example.org, b@example.org;',
  'a@example.org\r\nBcc: eve@example.org',
  'a@example.org>\r\nRCPT TO:<eve@example.org',
  '<a@example.org> <b@example.org>',
  'a b@example.org c@example.org',
  'a@b@example.org',
  'Bob, Stone <bob@example.org>',
  '"Bob\r\nBcc: eve@example.org" <bob@example.org>',
  'Bob\0 <bob@example.org>',
  'eve@example.org <bob@example.org>',
  '"Bob" bob@example.org',
  `${'a'.repeat(2_000)}@example.org`,
])('what is not exactly one mailbox is rejected before anything is sent: %j', async (to) => {
  const { port, connections } = await startServer()
  const failure = await failureOf(smtpMailer(`smtp://127.0.0.1:${port}`, { tls: UNSIGNED }).send({ ...MAIL, to }))
  expect(failure).toBeInstanceOf(MailRejected)
  expect(failure).toMatchObject({ replyCode: null })
  expect(connections).toEqual([])
})

test.each([
  '',
  'mail.example.org',
  'http://u:hunter2@mail.example.org',
  'smtp://u:hunter2@',
  'smtp://u:%zzhunter2@mail.example.org',
  'smtp://u:hunter2@mail.example.org?tls.rejectUnauthorized=false',
  'smtp://u:hunter2@mail.example.org?logger=true',
  'smtp://u:hunter2@mail.example.org?requireTLS=perhaps',
])('a malformed URL is refused at once and not shown: %s', (url) => {
  const create = () => createSmtpMailer({ url, from: FROM, timeoutMillis: 100 })
  expect(create).toThrow(MailSettingInvalid)
  expect(create).not.toThrow(/hunter2/)
})

test('a malformed sender is refused at once', () => {
  for (const from of ['', 'ocean', 'a@example.org, b@example.org', 'a@example.org\r\nBcc: eve@example.org']) {
    const log = createLog({ level: 'silent' })
    expect(() => createSmtpMailer({ url: 'smtp://localhost', from, timeoutMillis: 100 })).toThrow(MailSettingInvalid)
    const directory = join(tmpdir(), 'never-made')
    expect(() => createFileMailer({ directory, from, log, clock: { now: () => new Date() } })).toThrow(
      MailSettingInvalid,
    )
  }
})

async function fileMailer(options: { from?: string; directory?: string } = {}) {
  const root = await mkdtemp(join(tmpdir(), 'ocean-mail-'))
  openThings.push(() => rm(root, { recursive: true }))
  const directory = options.directory ?? join(root, 'deep', 'mails')
  const lines: string[] = []
  const log = createLog({ level: 'info', destination: { write: (line) => void lines.push(line) } })
  const time = { now: new Date('2026-11-22T20:48:12.345Z') }
  const clock: Clock = { now: () => time.now }
  return { mailer: createFileMailer({ directory, from: FROM, log, clock }), directory, lines, time }
}

test('a mail file parses back, has CRLF line ends and the date of the clock', async () => {
  const { mailer, directory, time } = await fileMailer()
  await mailer.send({ ...MAIL, to: '"Böb 鲍勃" <bob@example.org>', subject: `${MAIL.subject}\r\nX-Evil: 1` })
  const [file = ''] = await readdir(directory)
  const raw = await readFile(join(directory, file))
  const mail = await simpleParser(raw)
  expect(raw.toString().replaceAll('\r\n', '')).not.toMatch(/[\r\n]/)
  expect(mail.subject).toBe(`${MAIL.subject} X-Evil: 1`)
  expect(mail.headers.has('x-evil')).toBe(false)
  expect(mail.from?.value).toEqual([{ name: 'Ocean Čeština 海', address: 'ocean@example.org' }])
  expect(mail.to).toMatchObject({ value: [{ name: 'Böb 鲍勃', address: 'bob@example.org' }] })
  expect(mail.text?.trim()).toBe(MAIL.text)
  expect(mail.html).toBe(MAIL.html)
  // A Date header has no milliseconds.
  expect(mail.date).toEqual(new Date(Math.floor(time.now.getTime() / 1_000) * 1_000))
})

test('a mail file holds what SMTP carries, but for the date and the random ids', async () => {
  const { port, deliveries } = await startServer()
  await smtpMailer(`smtp://127.0.0.1:${port}`, { tls: UNSIGNED }).send(MAIL)
  const { mailer, directory } = await fileMailer()
  await mailer.send(MAIL)
  const [file = ''] = await readdir(directory)
  const plain = (raw: string) =>
    raw
      .replace(/^(?:Date|Message-ID): .*\r\n/gim, '')
      .replace(/--_NmP-[\w-]+/g, 'boundary')
      .trimEnd()
  expect(plain(await readFile(join(directory, file), 'utf8'))).toBe(plain(deliveries[0]?.raw ?? ''))
})

test('directory and files are for their owner alone', async () => {
  const { mailer, directory } = await fileMailer()
  await mailer.send(MAIL)
  const [file = ''] = await readdir(directory)
  expect((await stat(directory)).mode & 0o777).toBe(0o700)
  expect((await stat(join(directory, file))).mode & 0o777).toBe(0o600)
})

test('names sort by time and order, are unique and hold nothing of the mail', async () => {
  const { mailer, directory, time } = await fileMailer()
  await Promise.all(Array.from({ length: 20 }, (_, index) => mailer.send({ ...MAIL, subject: `../../evil ${index}` })))
  time.now = new Date(time.now.getTime() + 1)
  await mailer.send({ ...MAIL, subject: '../../evil 20' })
  const files = (await readdir(directory)).sort()
  expect(files).toHaveLength(21)
  for (const file of files) expect(file).toMatch(/^20261122T204812\.34[56]Z-\d{8}-[0-9a-f]{8}\.eml$/)
  const mails = await Promise.all(files.map(async (file) => simpleParser(await readFile(join(directory, file)))))
  expect(mails.map((mail) => mail.subject)).toEqual(files.map((_, index) => `../../evil ${index}`))
})

test('the log line has subject, file and a masked recipient, and nothing of the body', async () => {
  const { mailer, directory, lines } = await fileMailer()
  await mailer.send({ ...MAIL, to: '"Bob Stone" <bob.stone@example.org>' })
  const [file] = await readdir(directory)
  expect(lines).toHaveLength(1)
  const { time, ...line } = JSON.parse(lines[0] ?? '') as Record<string, unknown>
  expect(time).toBeDefined()
  expect(line).toEqual({ level: 'info', msg: 'mail written', subject: MAIL.subject, file, to: 'b***@example.org' })
})

test('a directory that cannot be written defers the mail, and an abort leaves nothing behind', async () => {
  const blocked = await fileMailer({ directory: '/dev/null/mails' })
  expect(await failureOf(blocked.mailer.send(MAIL))).toBeInstanceOf(MailDeferred)
  const { mailer, directory, lines } = await fileMailer()
  const reason = new Error('shutting down')
  expect(await failureOf(mailer.send(MAIL, AbortSignal.abort(reason)))).toBe(reason)
  const controller = new AbortController()
  const failure = failureOf(mailer.send(MAIL, controller.signal))
  controller.abort(reason)
  expect(await failure).toBe(reason)
  expect(await readdir(directory).catch(() => [])).toEqual([])
  expect(lines).toEqual([])
})

test('an abort in the middle of a file leaves no part of it behind', async () => {
  const { mailer, directory, lines } = await fileMailer()
  const reason = new Error('shutting down')
  const controller = new AbortController()
  const failure = failureOf(mailer.send({ ...MAIL, text: 'a line of text\n'.repeat(500_000) }, controller.signal))
  // Looked at on every turn of the loop, and a chunk of the file takes at least one.
  const deadline = performance.now() + 10_000
  while (!existsSync(directory) || readdirSync(directory).length === 0) {
    expect(performance.now()).toBeLessThan(deadline)
    await setImmediate()
  }
  controller.abort(reason)
  expect(await failure).toBe(reason)
  expect(await readdir(directory)).toEqual([])
  expect(lines).toEqual([])
})

test('a closed file mailer has written what it took, and defers the rest', async () => {
  const { mailer, directory } = await fileMailer()
  const sending = mailer.send(MAIL)
  await mailer.close()
  expect(await readdir(directory)).toHaveLength(1)
  await sending
  expect(await failureOf(mailer.send(MAIL))).toBeInstanceOf(MailDeferred)
})
