import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { type IncomingHttpHeaders, request } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { compileFunction } from 'node:vm'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { print } from 'graphql'
import { createClient } from 'graphql-ws'
import { describe, expect } from 'vitest'
import { tour } from '../../src/transport/graphiql-tour.ts'
import { PageEventsDocument } from '../gql/graphql.ts'
import { test, type World, write } from '../kit/test.ts'

const chrome = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8'

interface Answer {
  readonly status: number | undefined
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

// Not fetch: it decodes bodies, and sets headers of its own.
function get(url: string, headers: Record<string, string>, method = 'GET'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { headers, method, agent: false, timeout: 10_000 }, (response) => {
      buffer(response).then((body) => resolve({ status: response.statusCode, headers: response.headers, body }), reject)
    })
    sent.on('timeout', () => sent.destroy(new Error('No answer')))
    sent.on('error', reject).end()
  })
}

async function pageOf(url: string): Promise<string> {
  return (await get(`${url}/graphql`, { accept: chrome })).body.toString()
}

function scriptsOf(html: string): string[] {
  return [...html.matchAll(/<script>([\s\S]*?)<\/script>/g)].map(([, script = '']) => script)
}

function policyOf(answer: Answer): Map<string, string[]> {
  const directives = String(answer.headers['content-security-policy']).split('; ')
  return new Map(directives.map((directive) => directive.split(' ')).map(([name = '', ...sources]) => [name, sources]))
}

describe('who gets GraphiQL', () => {
  const ask = async (url: string, headers: Record<string, string>, path = '/graphql?query=%7B__typename%7D') =>
    (await get(url + path, headers)).headers['content-type']?.split(';')[0]

  test.for([
    ['Chrome', chrome],
    ['Firefox', 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'],
    ['a browser that would take JSON as well', 'text/html, application/json;q=0.9'],
  ] as const)('%s gets the page, also when its address has a query', async ([, accept], { server }) => {
    expect(await ask(server.url, { accept })).toBe('text/html')
    expect(await ask(server.url, { accept }, '/graphql')).toBe('text/html')
  })

  test.for([
    ['curl', '*/*'],
    ['a GraphQL client', 'application/graphql-response+json, application/json, multipart/mixed'],
    ['a client that would take a page if there were no JSON', 'application/json, text/html;q=0.5'],
    ['a client that takes anything but a page', 'application/json;q=0.1, text/html;q=0'],
  ] as const)('%s gets the API', async ([, accept], { server }) => {
    expect(await ask(server.url, { accept })).toMatch(/^application\/(graphql-response\+)?json$/)
  })

  test('a program that does not say what it takes gets the API', async ({ server }) => {
    expect(await ask(server.url, {})).toMatch(/^application\/(graphql-response\+)?json$/)
  })
})

describe('the page', () => {
  test('loads nothing', async ({ server }) => {
    const html = await pageOf(server.url)
    expect(html).toContain('<title>Ocean Graph</title>')
    const markup = html
      .replace(/(<script>)[\s\S]*?(<\/script>)/g, '$1$2')
      .replace(/(<style>)[\s\S]*?(<\/style>)/g, '$1$2')
    const addresses = [...markup.matchAll(/\b(?:src|srcset|href|action|data|poster)="([^"]*)"/g)].map(([, at]) => at)
    expect(addresses.filter((address) => !address?.startsWith('data:'))).toEqual([])
    const css = html.slice(html.indexOf('<style>'), html.indexOf('</style>'))
    expect(css).not.toContain('@import')
    expect([...css.matchAll(/url\((?!["']?data:)[^)]{0,80}/g)].map(([found]) => found)).toEqual([])
    const loads =
      /\b(?:import|importScripts|fetch|from|Worker|EventSource|WebSocket|sendBeacon)\s*\(?\s*["'`](?:\w+:)?\/\/[^"'`]*/g
    expect(scriptsOf(html).flatMap((script) => script.match(loads) ?? [])).toEqual([])
  })

  test('may run its own scripts by their hashes and talk to its own host, and nothing else', async ({ server }) => {
    const answer = await get(`${server.url}/graphql`, { accept: chrome })
    const hashes = scriptsOf(answer.body.toString()).map(
      (script) => `'sha256-${createHash('sha256').update(script).digest('base64')}'`,
    )
    const { host } = new URL(server.url)
    expect(Object.fromEntries(policyOf(answer))).toEqual({
      'default-src': ["'none'"],
      'script-src': hashes,
      'worker-src': ['blob:'],
      'style-src': ["'unsafe-inline'"],
      'font-src': ['data:'],
      'img-src': ['data:'],
      'connect-src': ["'self'", `ws://${host}`, `wss://${host}`],
      'base-uri': ["'none'"],
      'form-action': ["'none'"],
      'frame-ancestors': ["'none'"],
    })
    expect(hashes).toHaveLength(4)
    expect(answer.headers['x-frame-options']).toBe('DENY')
  })

  test.for(['elsewhere.example; script-src *', '* http:', "x'"])(
    'does not take %s for the name of its host',
    async (host, { server }) => {
      const answer = await get(`${server.url}/graphql`, { accept: chrome, host })
      expect(policyOf(answer).get('connect-src')).toEqual(["'self'"])
      expect(answer.headers['content-security-policy']).not.toContain(host)
    },
  )

  test('holds no value that could end the script it stands in', async ({ server }) => {
    const values = scriptsOf(await pageOf(server.url)).flatMap(
      (script) => script.match(/^const (workers|documents) = .*/gm) ?? [],
    )
    expect(values.map((value) => value.includes('<'))).toEqual([false, false])
  })

  test('opens with the documents of schema/operations in the order of the tour, ready to run', async ({ server }) => {
    const [, documents = '[]'] =
      /^const documents = (.*)$/m.exec(scriptsOf(await pageOf(server.url)).at(-1) ?? '') ?? []
    const tabs: { query: string; variables?: string }[] = JSON.parse(documents)
    const directory = new URL('../../schema/operations/', import.meta.url)
    expect(tabs.map(({ query }) => query)).toEqual(
      Object.keys(tour).map((name) => readFileSync(new URL(`${name}.graphql`, directory), 'utf8')),
    )
    expect(tabs.map(({ variables = '{}' }) => JSON.parse(variables))).toEqual(Object.values(tour))
  })
})

describe('the page on the wire', () => {
  test.for([
    ['br', 'gzip, deflate, br, zstd'],
    ['gzip', 'gzip, deflate'],
    ['gzip', 'br;q=0, gzip;q=0.5'],
    ['br', '*'],
    ['identity', 'deflate'],
    ['identity', 'br;q=0, *;q=0'],
    ['identity', ''],
  ] as const)('comes as %s to who takes "%s"', async ([encoding, accepted], { server }) => {
    const answer = await get(`${server.url}/graphql`, { accept: chrome, 'accept-encoding': accepted })
    expect(answer.headers['content-encoding'] ?? 'identity').toBe(encoding)
    expect(Number(answer.headers['content-length'])).toBe(answer.body.length)
    expect(answer.headers.vary).toBe('accept, accept-encoding')
    const decode = { br: brotliDecompressSync, gzip: gunzipSync, identity: (body: Buffer) => body }[encoding]
    expect(decode(answer.body).equals(Buffer.from(await pageOf(server.url)))).toBe(true)
    if (encoding !== 'identity') expect(answer.body.length).toBeLessThan(3_000_000)
  })

  test('is not sent again to who has it', async ({ server }) => {
    const asked = { accept: chrome, 'accept-encoding': 'br' }
    const first = await get(`${server.url}/graphql`, asked)
    const etag = String(first.headers.etag)
    expect(etag).toMatch(/^"[\w-]+"$/)
    expect(first.headers['cache-control']).toBe('no-cache')
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`]) {
      const again = await get(`${server.url}/graphql`, { ...asked, 'if-none-match': known })
      expect(again).toMatchObject({ status: 304, headers: { etag, vary: first.headers.vary } })
      expect(again.headers['content-security-policy']).toBe(first.headers['content-security-policy'])
      expect(again.body).toHaveLength(0)
    }
    const other = await get(`${server.url}/graphql`, { ...asked, 'if-none-match': '"other"' })
    expect(other.status).toBe(200)
    const gzipped = await get(`${server.url}/graphql`, {
      accept: chrome,
      'accept-encoding': 'gzip',
      'if-none-match': etag,
    })
    expect(gzipped.status).toBe(200)
  })
})

// The page's script around the sockets of Node, driven the way GraphiQL drives it: its headers are in each operation.
describe('the sockets of the page', () => {
  async function clientOf(url: string) {
    const sent: string[] = []
    class RecordedSocket extends WebSocket {
      override send(text: string): void {
        sent.push(text)
        super.send(text)
      }
    }
    const window: { WebSocket?: unknown } = {}
    compileFunction(scriptsOf(await pageOf(url))[0] ?? '', ['window', 'WebSocket'])(window, RecordedSocket)
    const client = createClient({ url: `${url.replace('http', 'ws')}/graphql`, webSocketImpl: window.WebSocket })
    const watch = (page: World['page'], headers: Record<string, string>) =>
      client.iterate({
        query: print(PageEventsDocument),
        variables: { pageId: page.id, after: page.eventsCursor },
        extensions: { headers, requestId: 'of-the-test' },
      })
    return { client, sent, watch }
  }

  test('open with the headers of the operation, which then no longer has them', async ({ server, alice, page }) => {
    const { client, sent, watch } = await clientOf(server.url)
    const headers = { AUTHORIZATION: `Bearer ${alice.tokens.accessToken}` }
    const events = watch(page, headers)
    await write(alice, page.id, 'A wave')
    const event = await events.next()
    expect(event.value).toMatchObject({
      data: { pageEvents: { __typename: 'BlockCreated', block: { text: 'A wave' } } },
    })
    await events.return?.()
    const [opening, subscribe] = sent.map((text) => JSON.parse(text))
    expect(opening).toEqual({ type: 'connection_init', payload: headers })
    expect(subscribe).toMatchObject({ type: 'subscribe', payload: { extensions: { requestId: 'of-the-test' } } })
    expect(sent.slice(1).join()).not.toContain(alice.tokens.accessToken)
    await client.dispose()
  })

  test('open anew with the headers of the next run', async ({ server, alice, stranger, page }) => {
    const { client, watch } = await clientOf(server.url)
    const codes: unknown[] = []
    for (const headers of [{}, { authorization: `Bearer ${stranger.tokens.accessToken}` }]) {
      const refused = await watch(page, headers as Record<string, string>).next()
      codes.push(refused.value?.errors?.[0]?.extensions?.code)
    }
    expect(codes).toEqual(['UNAUTHENTICATED', 'NOT_FOUND'])
    const events = watch(page, { authorization: `Bearer ${alice.tokens.accessToken}` })
    await write(alice, page.id, 'Another wave')
    expect((await events.next()).value).toMatchObject({ data: { pageEvents: { __typename: 'BlockCreated' } } })
    await events.return?.()
    await client.dispose()
  })

  test('say at once that credentials were refused, and do not try them again', async ({ server, page }) => {
    const { client, sent, watch } = await clientOf(server.url)
    const refused = watch(page, { authorization: 'Bearer nonsense' }).next()
    await expect(refused).rejects.toThrow('The server refused these credentials (4403 Forbidden).')
    expect(sent).toHaveLength(1)
    await client.dispose()
  })
})
