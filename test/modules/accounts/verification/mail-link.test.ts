import { connect } from 'node:net'
import { print } from 'graphql'
import { afterAll, describe, expect } from 'vitest'
import corpus from '../../../corpora/host-headers.json' with { type: 'json' }
import {
  RegisterDocument,
  RequestPasswordResetDocument,
  ResendVerificationDocument,
  ResetPasswordDocument,
  VerifyEmailDocument,
} from '../../../gql/graphql.ts'
import { type Client, createTestClient } from '../../../kit/client.ts'
import { mailedToken, tokenIn } from '../../../kit/mails.ts'
import { newcomer } from '../../../kit/newcomers.ts'
import { startServer, type TestServer } from '../../../kit/server.ts'
import { test as base } from '../../../kit/test.ts'

const PUBLIC_URL = 'https://ocean.example.test/app'

interface Stage {
  readonly server: TestServer
  readonly client: Client
  /** Of an account whose address is proven. */
  readonly known: string
}

const test = base.extend<{ linking: Stage }>({
  linking: [
    // biome-ignore lint/correctness/noEmptyPattern: vitest reads the names a fixture needs from its first parameter
    async ({}, use) => {
      // The most gullible server there can be: whoever asks is a proxy that it trusts.
      const environment = { EMAIL_VERIFICATION: 'required', PUBLIC_URL, TRUSTED_PROXIES: '127.0.0.1' }
      const server = await startServer({ environment })
      const client = createTestClient(server.url)
      const input = newcomer()
      await client.mutate(RegisterDocument, { input })
      const token = await mailedToken(server, input, /verify-email/)
      await client.mutate(VerifyEmailDocument, { input: { token, password: input.password } })
      await use({ server, client, known: input.email })
      await client.close()
      await server.close()
    },
    { scope: 'file' },
  ],
})

interface Variant {
  readonly name: string
  readonly target?: string
  readonly headers: readonly (readonly string[])[]
}

/** Sends one operation in the very bytes of a variant, and answers the status line. */
function sendAs({ target = '/graphql', headers }: Variant, url: string, operation: object): Promise<string> {
  const { host, hostname, port } = new URL(url)
  const body = JSON.stringify(operation)
  const own = [
    ['Content-Type', 'application/json'],
    ['Accept', 'application/json'],
    ['Content-Length', String(Buffer.byteLength(body))],
    ['Connection', 'close'],
  ]
  const lines = [`POST ${target} HTTP/1.1`, ...[...headers, ...own].map(([name, value]) => `${name}: ${value}`)]
  // biome-ignore lint/suspicious/noTemplateCurlyInString: how the corpus writes our own host
  const head = lines.join('\r\n').replaceAll('${host}', host)
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(`${head}\r\n\r\n${body}`))
    const chunks: Buffer[] = []
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    socket.on('error', reject)
    socket.on('close', () => resolve(Buffer.concat(chunks).toString().split('\r\n')[0] ?? ''))
  })
}

const statuses = new Map<string, number>()

describe('Supabase Auth GHSA-3529-5m8x-rpv3: every mailed link begins with PUBLIC_URL, whatever the request says', () => {
  test.for(corpus as Variant[])('$name', async (variant, { linking }) => {
    const { server, known } = linking
    // Of each account no more than three mails of a kind go out in an hour.
    server.clock.advance({ hours: 1 })
    const input = newcomer()
    const before = server.mails.sent.length
    const operations = [
      { query: print(RegisterDocument), variables: { input } },
      { query: print(ResendVerificationDocument), variables: { input: { email: input.email } } },
      { query: print(RegisterDocument), variables: { input: { ...input, email: known } } },
      { query: print(RequestPasswordResetDocument), variables: { input: { email: known } } },
    ]
    let accepted = 0
    for (const operation of operations) {
      const status = await sendAs(variant, server.url, operation)
      expect(status).toMatch(/^HTTP\/1\.1 (200|4\d\d) /)
      if (status.includes(' 200 ')) accepted += 1
      statuses.set(variant.name, Number(status.split(' ')[1]))
      // One after the other, so that what is resent is there.
      await server.app.platform.jobs.idle(15_000)
    }
    const mails = server.mails.sent.slice(before)
    expect(mails).toHaveLength(accepted)
    for (const { subject, text, html } of mails) {
      // A token may hold any of it by chance.
      const words = `${subject}${text}${html}`.replaceAll(/(?<=#token=)[\w.-]+/g, '')
      expect(words).not.toMatch(/evil|192\.0\.2|javascript:|8081/i)
      const addresses = text.match(/\b[a-z]+:\/\/\S+/gi) ?? []
      expect(addresses).toHaveLength(1)
      for (const address of addresses) expect(address.replace(/\.$/, '')).toMatch(ours)
    }
  })

  afterAll(() => {
    // A corpus that the server refuses as a whole would show nothing.
    const accepted = [...statuses.values()].filter((status) => status === 200)
    expect(corpus.length).toBeGreaterThanOrEqual(20)
    expect(accepted.length).toBeGreaterThanOrEqual(20)
  })
})

const ours = /^https:\/\/ocean\.example\.test\/app(?:\/(?:verify-email|reset-password)#token=[\w.-]+)?$/

test('the token stands behind the # and nowhere else, so that no server is sent it', async ({ linking }) => {
  const { server, client, known } = linking
  server.clock.advance({ hours: 1 })
  await client.mutate(RequestPasswordResetDocument, { input: { email: known } })
  await server.app.platform.jobs.idle(15_000)
  const { text = '' } = server.mails.to(known).at(-1) ?? {}
  const address = new URL(/https:\/\/\S+/.exec(text)?.[0] ?? '')
  expect(address.hash).toBe(`#token=${tokenIn(text)}`)
  expect([address.origin, address.pathname, address.search]).toEqual([
    'https://ocean.example.test',
    '/app/reset-password',
    '',
  ])
  expect(tokenIn(text)).toMatch(/^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+){3}$/)
})

test('a token that was tampered with opens nothing, and the true one still does', async ({ linking }) => {
  const { server, client, known } = linking
  server.clock.advance({ hours: 1 })
  await client.mutate(RequestPasswordResetDocument, { input: { email: known } })
  const token = await mailedToken(server, { email: known }, /reset-password/)
  const parts = token.split('.')
  const withPart = (index: number, part: string) => parts.with(index, part).join('.')
  // Not the last character of a part, some of whose bits stand for nothing.
  const flipped = parts.flatMap((part, index) =>
    [0, Math.floor(part.length / 2)]
      .filter((at) => at < part.length - 1)
      .map((at) => withPart(index, part.slice(0, at) + (part[at] === 'A' ? 'B' : 'A') + part.slice(at + 1))),
  )
  const alone = JSON.stringify({ alg: 'none', enc: 'A256GCM' })
  const tampered = [
    ...flipped,
    token.slice(0, -8),
    token.slice(1),
    `${token}.`,
    ` ${token}`,
    `${token}AAAA`,
    token.toUpperCase(),
    parts.toReversed().join('.'),
    withPart(0, Buffer.from(alone).toString('base64url')),
    withPart(1, 'AAAA'),
    parts.slice(0, 3).join('.'),
  ]
  expect(flipped.length).toBeGreaterThanOrEqual(8)
  for (const forged of tampered) {
    const { verifyEmail } = await client.mutate(VerifyEmailDocument, { input: { token: forged } })
    expect(verifyEmail.__typename, forged).toBe('InvalidToken')
    const reset = { token: forged, newPassword: 'Another-Horse-7' }
    const { resetPassword } = await client.mutate(ResetPasswordDocument, { input: reset })
    expect(resetPassword.__typename, forged).toBe('InvalidToken')
  }
  const { resetPassword } = await client.mutate(ResetPasswordDocument, {
    input: { token, newPassword: 'Another-Horse-7' },
  })
  expect(resetPassword.__typename).toBe('Acknowledged')
})
