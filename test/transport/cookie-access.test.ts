import { randomUUID } from 'node:crypto'
import { print } from 'graphql'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { encodeTypeId } from '../../src/lib/typeid.ts'
import type { Context } from '../../src/platform/context.ts'
import { createLog } from '../../src/platform/log.ts'
import { CreatePageDocument, PageEventsDocument } from '../gql/graphql.ts'
import { type Person, signUp } from '../kit/people.ts'
import { startServer, type TestServer } from '../kit/server.ts'
import { test, write } from '../kit/test.ts'
import { openSocket } from './raw-socket.ts'
import { type Answer, type Ask, ask } from './wire.ts'

const CSRF = { 'x-ocean-csrf': '1' }
const QUERY = '{ viewer { role } }'
const FOREIGN = 'https://evil.example'
const OWNER = { viewer: { role: 'OWNER' } }
const NOBODY = { viewer: null }
const UNGUARDED = 'Cookies are credentials only beside the header x-ocean-csrf.'
const STRANGE = 'Cookies are credentials only on pages of an allowed origin.'
const TWICE = 'The access cookie came more than once.'

type Wire = NonNullable<Ask['headers']>

const cookieOf = (person: { tokens: { accessToken: string } }) => `ocean-access=${person.tokens.accessToken}`
/** Whom the server takes somebody for, or why it takes nobody. */
const viewerIn = ({ body }: Pick<Answer, 'body'>) => {
  const [error] = body.errors ?? []
  if (error !== undefined) expect(error.extensions?.code).toBe('UNAUTHENTICATED')
  return error?.message ?? body.data
}
const viewerOf = async (url: string, headers: Wire = {}) =>
  viewerIn(await ask(url, { body: { query: QUERY }, headers }))
const createPage = { query: print(CreatePageDocument), variables: { input: { title: 'Forged' } } }

describe('over HTTP the access cookie', () => {
  test('signs its person in beside the header', async ({ server, alice }) => {
    const cookie = cookieOf(alice)
    expect(await viewerOf(server.url, { cookie, ...CSRF })).toEqual(OWNER)
    expect(await viewerOf(server.url, { cookie: `a=b; ${cookie}; c=d`, ...CSRF, origin: server.url })).toEqual(OWNER)
    const { body } = await ask(server.url, { body: createPage, headers: { cookie, ...CSRF } })
    expect(body.data).toMatchObject({ createPage: { __typename: 'Page' } })
  })

  test('without the header, or with an empty one, is nobody, who is told why', async ({ server, alice }) => {
    for (const headers of [{}, { 'x-ocean-csrf': '' }, { origin: server.url }]) {
      const all = { cookie: cookieOf(alice), ...headers }
      expect(await viewerOf(server.url, all)).toBe(UNGUARDED)
      expect((await ask(server.url, { body: createPage, headers: all })).body.errors).toMatchObject([
        { message: UNGUARDED, extensions: { code: 'UNAUTHENTICATED' } },
      ])
    }
  })

  test('from a page of another origin is nobody, and the page is not let read that', async ({ server, alice }) => {
    for (const origin of [FOREIGN, 'null']) {
      const headers = { cookie: cookieOf(alice), ...CSRF, origin }
      const answer = await ask(server.url, { body: { query: QUERY }, headers })
      expect(viewerIn(answer)).toBe(STRANGE)
      expect(answer.headers['access-control-allow-origin']).toBeUndefined()
    }
  })

  test('does the same for a query by GET', async ({ server, alice }) => {
    const path = `/graphql?${new URLSearchParams({ query: QUERY })}`
    const get = async (headers: Wire) => viewerIn(await ask(server.url, { method: 'GET', path, headers }))
    const cookie = cookieOf(alice)
    expect(await get({ cookie, ...CSRF })).toEqual(OWNER)
    expect(await get({ cookie })).toBe(UNGUARDED)
    expect(await get({ cookie, origin: FOREIGN, ...CSRF })).toBe(STRANGE)
  })

  test('gives way to the Authorization header, be that good or bad', async ({ server, alice, bob }) => {
    const both = { cookie: cookieOf(bob), authorization: `Bearer ${alice.tokens.accessToken}` }
    for (const headers of [both, { ...both, ...CSRF }]) expect(await viewerOf(server.url, headers)).toEqual(OWNER)
    const bad = { cookie: cookieOf(alice), authorization: 'Bearer garbage', ...CSRF }
    expect(await viewerOf(server.url, bad)).toBe('The access token is not valid.')
  })

  test.for([
    ['text/plain', JSON.stringify(createPage)],
    ['application/x-www-form-urlencoded', new URLSearchParams({ query: createPage.query }).toString()],
    ['multipart/form-data; boundary=x', `--x\r\ncontent-disposition: form-data; name="query"\r\n\r\n{a}\r\n--x--`],
    ['', JSON.stringify(createPage)],
  ] as const)('is of no use to a form of another site: %s', async ([type, body], { server, alice }) => {
    const headers = { cookie: cookieOf(alice), origin: FOREIGN, 'content-type': type }
    expect((await ask(server.url, { body, headers })).status).toBe(415)
    const asJson = await ask(server.url, {
      body: createPage,
      headers: { ...headers, 'content-type': 'application/json' },
    })
    expect(asJson.body.errors?.[0]?.extensions).toMatchObject({ code: 'UNAUTHENTICATED' })
  })

  test('is ignored when it came twice, and cookies of other names are none', async ({ server, alice, stranger }) => {
    const [good, evil] = [cookieOf(alice), cookieOf(stranger)]
    for (const cookie of [`${evil}; ${good}`, `${good}; ${evil}`, `${good}; ${good}`]) {
      expect(await viewerOf(server.url, { cookie, ...CSRF })).toBe(TWICE)
    }
    expect(await viewerOf(server.url, { cookie: [evil, good], ...CSRF })).toBe(TWICE)
    for (const prefix of ['__Host-', '__Secure-', 'x']) {
      expect(await viewerOf(server.url, { cookie: `${prefix}${evil}`, ...CSRF })).toEqual(NOBODY)
      expect(await viewerOf(server.url, { cookie: `${prefix}${evil}; ${good}`, ...CSRF })).toEqual(OWNER)
    }
  })

  test.for(['garbage', 'a.b.c', '%', '%E0%A4%A', 'a%20b', '"', '"quoted"', 'é\u00ff', '{}', 'x'.repeat(12_000)])(
    'that is garbage is nobody: %s',
    async (garbage, { server }) => {
      const cookie = `ocean-access=${garbage}`
      expect(await viewerOf(server.url, { cookie, ...CSRF })).toMatch(
        /^The access (token is not valid|cookie is not a token)\.$/,
      )
      expect(await viewerOf(server.url, { cookie })).toBe(UNGUARDED)
      for (const other of [garbage, `;;=${garbage}; ocean-access`]) {
        expect(await viewerOf(server.url, { cookie: other, ...CSRF })).toEqual(NOBODY)
      }
    },
  )

  test('is asked for by browsers of allowed origins alone', async ({ server }) => {
    const preflight = (origin: string) =>
      ask(server.url, {
        method: 'OPTIONS',
        headers: {
          origin,
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'content-type,x-ocean-csrf',
        },
      })
    expect((await preflight(server.url)).headers).toMatchObject({
      'access-control-allow-origin': server.url,
      'access-control-allow-credentials': 'true',
      'access-control-allow-headers': 'content-type,x-ocean-csrf',
    })
    const { headers } = await preflight(FOREIGN)
    expect(Object.keys(headers).filter((name) => name.startsWith('access-control-allow'))).toEqual([])
  })
})

describe('on a stream the access cookie', () => {
  const watch = (url: string, page: { id: string; eventsCursor: string }, headers: Record<string, string>) =>
    fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { accept: 'text/event-stream', 'content-type': 'application/json', ...headers },
      body: JSON.stringify({
        query: print(PageEventsDocument),
        variables: { pageId: page.id, after: page.eventsCursor },
      }),
    })

  test('brings the events of its person beside the header', async ({ server, alice, page }) => {
    await write(alice, page.id, 'seen')
    const response = await watch(server.url, page, { cookie: cookieOf(alice), ...CSRF })
    for await (const text of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      if (text.includes('seen')) break
      expect(text).not.toContain('errors')
    }
  })

  test('without the header brings a refusal', async ({ server, alice, page }) => {
    await write(alice, page.id, 'unseen')
    const text = await (await watch(server.url, page, { cookie: cookieOf(alice) })).text()
    expect(text).toContain('UNAUTHENTICATED')
    expect(text).not.toContain('unseen')
  })
})

describe('on a socket the access cookie', () => {
  const viewerOn = async (url: string, options: { origin?: string; cookie?: string }, payload?: object) => {
    const socket = await openSocket(url, options)
    socket.send({ type: 'connection_init', payload })
    const closed = socket.closed.then(({ code }) => code)
    const ack = await Promise.race([socket.next().catch(() => null), closed])
    if (typeof ack === 'number' || ack === null) return closed
    socket.subscribe('1', QUERY)
    const { payload: answer } = await socket.next('1')
    socket.ws.close()
    return answer?.data
  }

  test('signs its person in on an allowed page', async ({ server, alice }) => {
    const [origin, cookie] = [server.url, cookieOf(alice)]
    for (const payload of [undefined, {}, { authorization: '' }, { authorization: null }]) {
      expect(await viewerOn(server.url, { origin, cookie }, payload)).toEqual(OWNER)
    }
  })

  test('without an origin is refused, and with another one the socket is', async ({ server, alice }) => {
    const cookie = cookieOf(alice)
    expect(await viewerOn(server.url, { cookie })).toBe(4403)
    await expect(viewerOn(server.url, { cookie, origin: FOREIGN })).rejects.toThrow('403')
    await expect(viewerOn(server.url, { cookie, origin: 'null' })).rejects.toThrow('403')
  })

  test('gives way to the payload, be that good or bad', async ({ server, alice, bob }) => {
    const options = { origin: server.url, cookie: cookieOf(bob) }
    const payload = { Authorization: `Bearer ${alice.tokens.accessToken}` }
    expect(await viewerOn(server.url, options, payload)).toEqual(OWNER)
    expect(await viewerOn(server.url, { cookie: cookieOf(bob) }, payload)).toEqual(OWNER)
    expect(await viewerOn(server.url, options, { authorization: 'Bearer garbage' })).toBe(4403)
  })

  test('that is garbage or came twice is refused', async ({ server, alice, stranger }) => {
    const origin = server.url
    for (const cookie of ['ocean-access=garbage', 'ocean-access=%', `${cookieOf(stranger)}; ${cookieOf(alice)}`]) {
      expect(await viewerOn(server.url, { origin, cookie })).toBe(4403)
    }
    expect(await viewerOn(server.url, { origin, cookie: '=; ocean-access=;' })).toEqual(NOBODY)
  })
})

test('what a request brought as cookies is in no log line', async () => {
  const lines: string[] = []
  const log = createLog({ level: 'trace', destination: { write: (line) => void lines.push(line) } })
  const server = await startServer({ log })
  const cookie = 'ocean-access=canary-1; ocean-refresh=canary-2; ocean-device=canary-3; other=canary-4'
  for (const headers of [{ cookie }, { cookie, ...CSRF }, { cookie, ...CSRF, origin: FOREIGN }]) {
    expect((await ask(server.url, { body: createPage, headers })).text).not.toContain('canary')
  }
  const socket = await openSocket(server.url, { cookie, origin: server.url })
  socket.send({ type: 'connection_init' })
  expect((await socket.closed).reason).toBe('Forbidden')
  await server.close()
  expect(lines.join()).toContain('refused')
  expect(lines.join()).not.toContain('canary')
})

describe('a cookie that an operation writes', () => {
  let server: TestServer
  let alice: Person
  let useCookies: (ctx: Context) => void
  beforeAll(async () => {
    server = await startServer()
    alice = await signUp(server, 'Alice')
    // What somebody was refused is written down by a function that gets the operation's context: here it writes cookies.
    Object.assign(server.app.platform, { recordDenial: async (ctx: Context) => useCookies(ctx) })
  })
  afterAll(async () => {
    await alice.close()
    await server.close()
  })
  const answerWith = (use: (ctx: Context) => void, headers: Wire): Promise<Answer> => {
    useCookies = use
    const variables = { input: { title: 'Nowhere', projectId: encodeTypeId('project', randomUUID()) } }
    const authorization = `Bearer ${alice.tokens.accessToken}`
    return ask(server.url, { body: { ...createPage, variables }, headers: { authorization, ...headers } })
  }

  test.for(['application/json', 'application/graphql-response+json', 'text/event-stream'])(
    'goes out with the answer, as %s',
    async (accept) => {
      const both = ({ cookies }: Context) => {
        cookies?.write('access', 'one', 60)
        cookies?.write('device', 'two', 60)
      }
      const answer = await answerWith(both, { accept, ...CSRF })
      expect(answer.headers['content-type']).toContain(accept)
      expect(answer.text).toContain('NOT_FOUND')
      expect(answer.headers['set-cookie']).toEqual([
        'ocean-access=one; Max-Age=60; Path=/; HttpOnly; SameSite=Lax',
        'ocean-device=two; Max-Age=60; Path=/; HttpOnly; SameSite=Lax',
      ])
    },
  )

  test('goes out only where the request could not be forged', async () => {
    const seen: unknown[] = []
    const look = ({ cookies }: Context) => void seen.push(cookies?.mayWrite, cookies?.read('refresh'))
    const cookie = 'ocean-refresh=r'
    expect((await answerWith(look, { cookie })).headers['set-cookie']).toBeUndefined()
    await answerWith(look, { cookie, ...CSRF })
    expect(seen).toEqual([false, null, true, 'r'])
  })
})
