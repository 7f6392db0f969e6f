import { print } from 'graphql'
import { describe, expect } from 'vitest'
import { LoginDocument, LogoutDocument, RefreshTokensDocument, RegisterDocument } from '../../gql/graphql.ts'
import { newcomer } from '../../kit/newcomers.ts'
import { signIn, uuidIn } from '../../kit/people.ts'
import { startServer, type TestServer } from '../../kit/server.ts'
import { test } from '../../kit/test.ts'
import { openSocket } from '../../transport/raw-socket.ts'
import { type Answer, ask } from '../../transport/wire.ts'

const CSRF = { 'x-ocean-csrf': '1' }
const VIEWER = { query: '{ viewer { actor { id } } }' }
const names = ['ocean-access', 'ocean-refresh', 'ocean-device']
const jarred = { accessToken: null, refreshToken: null, deviceToken: null }

type Jar = ReadonlyMap<string, string>

/** The jar of a browser after an answer: what was set with an age of 0 is gone. */
function jarAfter({ headers }: Answer, before: Jar = new Map()): Map<string, string> {
  const jar = new Map(before)
  for (const cookie of headers['set-cookie'] ?? []) {
    const [name = '', value = ''] = cookie.split(';', 1)[0]?.split('=') ?? []
    if (/max-age=0(;|$)/i.test(cookie)) jar.delete(name)
    else jar.set(name, value)
  }
  return jar
}

function sendAs(url: string, jar: Jar, body: object, headers: Record<string, string> = CSRF): Promise<Answer> {
  const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
  return ask(url, { body, headers: { accept: 'application/json', ...(cookie !== '' && { cookie }), ...headers } })
}

const loginOf = (email: string, mode: string | null = 'COOKIE') => ({
  query: print(LoginDocument),
  variables: { input: { identifier: email, password: 'Correct-Horse-1', mode } },
})
const refreshOf = (mode = 'COOKIE', refreshToken?: string) => ({
  query: print(RefreshTokensDocument),
  variables: { input: { mode, ...(refreshToken !== undefined && { refreshToken }) } },
})
const logOut = { query: print(LogoutDocument), variables: { input: {} } }
const nobodyIn = ({ body }: Answer) => body.errors?.[0]?.extensions?.code

async function sessionsOf({ app }: TestServer, userId: string): Promise<number> {
  const sessions = app.platform.database.unscoped.selectFrom('device_session').select('id')
  return (await sessions.where('user_id', '=', uuidIn(userId)).execute()).length
}

describe('signing in for cookies', () => {
  test('puts the tokens where no script can read them, and none into the answer', async ({ server, alice }) => {
    const input = { ...newcomer(), mode: 'COOKIE' }
    const answers = {
      login: await sendAs(server.url, new Map(), loginOf(alice.email)),
      register: await sendAs(server.url, new Map(), { query: print(RegisterDocument), variables: { input } }),
    }
    for (const [field, answer] of Object.entries(answers)) {
      expect(answer.body.data?.[field]).toMatchObject({ __typename: 'AuthPayload', expiresIn: 900, ...jarred })
      const jar = jarAfter(answer)
      expect([...jar.keys()]).toEqual(names)
      for (const token of jar.values()) expect(answer.text).not.toContain(token)
      const ages = [900, 7 * 86_400, 400 * 86_400]
      expect(answer.headers['set-cookie']).toEqual(
        names.map((name, index) =>
          expect.stringMatching(
            new RegExp(`^${name}=[\\w.-]+; Max-Age=${ages[index]}; Path=/; HttpOnly; SameSite=Lax$`),
          ),
        ),
      )
    }
  })

  test('lets the cookies speak beside the header, and without it for nobody', async ({ server, alice }) => {
    const jar = jarAfter(await sendAs(server.url, new Map(), loginOf(alice.email)))
    const answer = await sendAs(server.url, jar, VIEWER)
    expect(answer.body.data).toEqual({ viewer: { actor: { id: alice.userId } } })
    for (const headers of [{}, { 'x-ocean-csrf': '' }]) {
      expect(nobodyIn(await sendAs(server.url, jar, VIEWER, headers as Record<string, string>))).toBe('UNAUTHENTICATED')
    }
  })

  test('marks them as of this host and https alone where PUBLIC_URL is https', async () => {
    const server = await startServer({ environment: { PUBLIC_URL: 'https://ocean.example.test' } })
    try {
      const body = { query: print(RegisterDocument), variables: { input: { ...newcomer(), mode: 'COOKIE' } } }
      const answer = await sendAs(server.url, new Map(), body)
      const cookies = answer.headers['set-cookie'] ?? []
      expect(cookies).toHaveLength(3)
      for (const [index, cookie] of cookies.entries()) {
        expect(cookie).toMatch(
          new RegExp(`^__Host-${names[index]}=[\\w.-]+; Max-Age=\\d+; Path=/; HttpOnly; Secure; SameSite=Lax$`),
        )
      }
      const jar = jarAfter(answer)
      expect((await sendAs(server.url, jar, VIEWER)).body.data?.viewer).toMatchObject({ actor: {} })
      // Planted without the prefix, as another site of the domain could, they count for nothing.
      const planted = new Map([...jar].map(([name, value]) => [name.replace('__Host-', ''), value]))
      expect((await sendAs(server.url, planted, VIEWER)).body.data).toEqual({ viewer: null })
    } finally {
      await server.close()
    }
  })
})

describe('refreshing by cookies alone', () => {
  test('rotates them, and the device stays the same', async ({ server, alice }) => {
    const first = jarAfter(await sendAs(server.url, new Map(), loginOf(alice.email)))
    const opened = await sessionsOf(server, alice.userId)
    let jar = first
    for (let round = 0; round < 3; round++) {
      const answer = await sendAs(server.url, jar, refreshOf())
      expect(answer.body.data?.refreshTokens).toMatchObject({ __typename: 'AuthPayload', ...jarred })
      const next = jarAfter(answer, jar)
      expect(next.get('ocean-refresh')).not.toBe(jar.get('ocean-refresh'))
      expect((await sendAs(server.url, next, VIEWER)).body.data).toEqual({ viewer: { actor: { id: alice.userId } } })
      jar = next
    }
    expect(await sessionsOf(server, alice.userId)).toBe(opened)
    // A copy of what was spent long ago ends the session, cookies or not.
    const { body } = await sendAs(server.url, first, refreshOf())
    expect(body.data?.refreshTokens).toMatchObject({ code: 'INVALID_REFRESH_TOKEN' })
    expect(nobodyIn(await sendAs(server.url, jar, VIEWER))).toBe('UNAUTHENTICATED')
  })

  test('shows no script a token, whatever mode it asks for', async ({ server, alice }) => {
    const jar = jarAfter(await sendAs(server.url, new Map(), loginOf(alice.email)))
    const answer = await sendAs(server.url, jar, refreshOf('BEARER'))
    expect(answer.body.data?.refreshTokens).toMatchObject({ __typename: 'AuthPayload', ...jarred })
    expect(jarAfter(answer, jar).get('ocean-refresh')).not.toBe(jar.get('ocean-refresh'))
  })

  test('without the header does nothing, whatever mode was asked for', async ({ server, alice }) => {
    const jar = jarAfter(await sendAs(server.url, new Map(), loginOf(alice.email)))
    const bearer = await sendAs(server.url, jar, refreshOf('BEARER'), {})
    expect(bearer.body.data?.refreshTokens).toMatchObject({ code: 'INVALID_REFRESH_TOKEN' })
    const cookie = await sendAs(server.url, jar, refreshOf('COOKIE'), {})
    expect(cookie.body.data?.refreshTokens).toMatchObject({ __typename: 'InvalidInput', fields: [{ path: ['mode'] }] })
    for (const answer of [bearer, cookie]) expect(answer.headers['set-cookie']).toBeUndefined()
    expect((await sendAs(server.url, jar, refreshOf())).body.data?.refreshTokens).toMatchObject({ ...jarred })
  })

  test('signing in again on the same device is known by its cookie', async ({ server, alice }) => {
    const jar = jarAfter(await sendAs(server.url, new Map(), loginOf(alice.email)))
    await sendAs(server.url, jar, loginOf(alice.email))
    const devices = server.app.platform.database.unscoped.selectFrom('device_session').select('device_id')
    const rows = await devices.where('user_id', '=', uuidIn(alice.userId)).orderBy('created_at').execute()
    expect(rows).toHaveLength(3)
    expect(rows[1]).toEqual(rows[2])
    expect(rows[0]).not.toEqual(rows[1])
  })
})

test('logging out ends the session and takes the cookies back, but not the device', async ({ server, alice }) => {
  const jar = jarAfter(await sendAs(server.url, new Map(), loginOf(alice.email)))
  const answer = await sendAs(server.url, jar, logOut)
  expect(answer.body.data?.logout).toMatchObject({ __typename: 'LogoutPayload' })
  expect(answer.headers['set-cookie']).toEqual([
    'ocean-access=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax',
    'ocean-refresh=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax',
  ])
  expect([...jarAfter(answer, jar).keys()]).toEqual(['ocean-device'])
  expect((await sendAs(server.url, jarAfter(answer, jar), VIEWER)).body.data).toEqual({ viewer: null })
  expect(nobodyIn(await sendAs(server.url, jar, VIEWER))).toBe('UNAUTHENTICATED')
  expect((await sendAs(server.url, jar, refreshOf())).body.data?.refreshTokens).toMatchObject({
    code: 'INVALID_REFRESH_TOKEN',
  })
})

describe('cookies where they cannot go', () => {
  test('without the header are refused before anything is done', async ({ server, alice }) => {
    const before = await sessionsOf(server, alice.userId)
    const newOne = { ...newcomer(), mode: 'COOKIE' }
    const refusal = { __typename: 'InvalidInput', fields: [{ path: ['mode'] }] }
    for (const headers of [{}, { 'x-ocean-csrf': '' }, { 'x-ocean-csrf': '1', origin: 'https://evil.example' }]) {
      const send = (body: object) => sendAs(server.url, new Map(), body, headers as Record<string, string>)
      const login = await send(loginOf(alice.email))
      expect(login.body.data?.login).toMatchObject(refusal)
      const register = await send({ query: print(RegisterDocument), variables: { input: newOne } })
      expect(register.body.data?.register).toMatchObject(refusal)
      for (const answer of [login, register]) expect(answer.headers['set-cookie']).toBeUndefined()
    }
    expect(await sessionsOf(server, alice.userId)).toBe(before)
    const users = server.app.platform.database.unscoped.selectFrom('user').select('id')
    expect(await users.where('email_key', '=', newOne.email).execute()).toEqual([])
  })

  test('on a socket are refused before anything is done', async ({ server, alice }) => {
    const person = await signIn(server, alice.email)
    const before = await sessionsOf(server, alice.userId)
    const socket = await openSocket(server.url, { origin: server.url })
    socket.send({ type: 'connection_init' })
    await socket.next()
    const refusal = { __typename: 'InvalidInput', fields: [{ path: ['mode'] }] }
    const login = loginOf(alice.email)
    socket.subscribe('1', login.query, login.variables)
    expect(await socket.next('1')).toMatchObject({ payload: { data: { login: refusal } } })
    const refresh = refreshOf('COOKIE', person.tokens.refreshToken)
    socket.subscribe('2', refresh.query, refresh.variables)
    expect(await socket.next('2')).toMatchObject({ payload: { data: { refreshTokens: refusal } } })
    expect(await sessionsOf(server, alice.userId)).toBe(before)
    // The refresh token was not spent.
    const opened = await server.app.platform.database.unscoped
      .selectFrom('device_session')
      .select('refresh_counter as counter')
      .where('user_id', '=', uuidIn(alice.userId))
      .execute()
    expect(opened.map(({ counter }) => counter)).toEqual(opened.map(() => 0))
    socket.ws.close()
    await person.close()
  })
})
