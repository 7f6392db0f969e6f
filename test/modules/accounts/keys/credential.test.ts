import { randomBytes } from 'node:crypto'
import { expect } from 'vitest'
import { formatCredential } from '../../../../src/lib/credential.ts'
import { sha256Hex } from '../../../../src/lib/hash.ts'
import { RevokeApiKeyDocument } from '../../../gql/graphql.ts'
import { test } from '../../../kit/clocked.ts'
import { uuidIn } from '../../../kit/people.ts'
import { makeAgent, makeKey, tokenOf } from '../../../kit/programs.ts'
import type { TestServer } from '../../../kit/server.ts'
import { openSocket } from '../../../transport/raw-socket.ts'
import { ask } from '../../../transport/wire.ts'

const unknown = () => formatCredential('key', randomBytes(32))
const malformed = (secret: string) => `${secret.slice(0, -1)}${secret.endsWith('a') ? 'b' : 'a'}`
const asKey = { data: { viewer: { actor: { displayName: 'Alice' } } } }

/** Asks over HTTP who one is. */
async function whoAmI(url: string, headers: Record<string, string | string[]>, path?: string) {
  const body = { query: '{ viewer { actor { displayName } } }' }
  const answer = await ask(url, { headers: { accept: 'application/json', ...headers }, body, ...(path && { path }) })
  return { ...answer.body, requestId: String(answer.headers['x-request-id']) }
}

/** Asks on a socket who one is; the code of the close where the socket is refused. */
async function whoAmIOnSocket(url: string, payload: object, path?: string) {
  const socket = await openSocket(url, path === undefined ? {} : { path })
  socket.send({ type: 'connection_init', payload })
  const first = await Promise.race([socket.next(), socket.closed])
  if ('code' in first) return first.code
  socket.subscribe('who', '{ viewer { actor { displayName } } }')
  const { payload: result } = await socket.next('who')
  socket.ws.close()
  return result
}

/** What the trail says of refused secrets, oldest first. */
function denialsOn(server: TestServer) {
  return server.app.platform.database.unscoped
    .selectFrom('audit_event')
    .selectAll()
    .where('action', 'in', ['api_key.authenticate', 'agent_token.authenticate'])
    .orderBy('id')
    .execute()
}

/** Answers with the reason why a secret is refused. */
async function refusalOf(url: string, secret: string) {
  const { errors } = await whoAmI(url, { 'x-api-key': secret })
  expect(errors?.[0]?.extensions?.code).toBe('UNAUTHENTICATED')
  return errors?.[0]?.message
}

test('a secret is taken as a bearer token, in x-api-key and on a socket, and nowhere in an address', async ({
  clocked: { url },
  alice,
}) => {
  const { secret } = await makeKey(alice)
  const token = await tokenOf(alice, await makeAgent(alice))
  const asAgent = { data: { viewer: { actor: { displayName: 'An agent' } } } }
  for (const [shown, who] of [[secret, asKey] as const, [token, asAgent] as const]) {
    expect(await whoAmI(url, { authorization: `Bearer ${shown}` })).toMatchObject(who)
    expect(await whoAmI(url, { authorization: `bearer  ${shown}` })).toMatchObject(who)
    expect(await whoAmI(url, { 'x-api-key': shown })).toMatchObject(who)
    for (const name of ['authorization', 'Authorization'])
      expect(await whoAmIOnSocket(url, { [name]: `Bearer ${shown}` })).toMatchObject(who)
    for (const name of ['x-api-key', 'X-API-Key', 'apiKey', 'apikey'])
      expect(await whoAmIOnSocket(url, { [name]: shown })).toMatchObject(who)
    const path = `/graphql?x-api-key=${shown}&apiKey=${shown}&authorization=Bearer%20${shown}`
    expect(await whoAmI(url, {}, path)).toMatchObject({ data: { viewer: null } })
    expect(await whoAmIOnSocket(url, {}, path)).toMatchObject({ data: { viewer: null } })
  }
})

test('two secrets are nobody’s, since nothing tells which is meant', async ({ clocked: { url }, alice }) => {
  const { secret } = await makeKey(alice)
  const { accessToken } = alice.tokens
  for (const authorization of [`Bearer ${accessToken}`, `Bearer ${secret}`, 'Basic eDp5']) {
    const { errors, data } = await whoAmI(url, { authorization, 'x-api-key': secret })
    expect([data?.viewer, errors?.[0]?.extensions?.code]).toEqual([null, 'UNAUTHENTICATED'])
    expect(errors?.[0]?.message).toMatch(/both/i)
    expect(await whoAmIOnSocket(url, { authorization, 'x-api-key': secret })).toBe(4403)
  }
  const twice = await whoAmI(url, { 'x-api-key': [secret, secret] })
  expect(twice.errors?.[0]?.message).toBe('This is not an API key.')
  expect(await whoAmIOnSocket(url, { apiKey: secret, 'x-api-key': secret })).toBe(4403)
})

test('a browser of another origin may send x-api-key where it may send anything', async ({ clocked: { url } }) => {
  const headers = {
    origin: url,
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'content-type,x-api-key',
  }
  const answer = await ask(url, { method: 'OPTIONS', headers })
  expect(answer.headers['access-control-allow-headers']).toContain('x-api-key')
})

test('a secret is kept as its hash alone', async ({ clocked: { app }, alice }) => {
  const { id, secret } = await makeKey(alice)
  const token = await tokenOf(alice, await makeAgent(alice))
  const { unscoped } = app.platform.database
  const key = await unscoped.selectFrom('api_key').selectAll().where('id', '=', uuidIn(id)).executeTakeFirstOrThrow()
  expect(key).toMatchObject({ secret_hash: sha256Hex(secret), prefix: secret.slice(0, 13) })
  const tokens = await unscoped.selectFrom('agent_token').selectAll().execute()
  expect(tokens.map((row) => row.token_hash)).toContain(sha256Hex(token))
  const rows = JSON.stringify([key, ...tokens])
  for (const text of [secret.slice(-20), token.slice(-20)]) expect(rows).not.toContain(text)
})

test('a refused secret is in the trail: whose it was, where from, in which request', async ({
  clocked: server,
  alice,
}) => {
  const revoked = await makeKey(alice)
  await alice.mutate(RevokeApiKeyDocument, { input: { id: revoked.id } })
  server.clock.advance({ minutes: 1 })
  const before = (await denialsOn(server)).length
  const organization_id = uuidIn(alice.organizationId)
  const nobodys = { target: null, organization_id: null }
  const cases = [
    [malformed(revoked.secret), { action: 'api_key.authenticate', ...nobodys }],
    ['anything', { action: 'api_key.authenticate', ...nobodys }],
    ['oc_agent_x', { action: 'agent_token.authenticate', ...nobodys }],
    [unknown(), { action: 'api_key.authenticate', ...nobodys }],
    [revoked.secret, { action: 'api_key.authenticate', target: revoked.id, organization_id }],
  ] as const
  for (const [index, [secret, told]] of cases.entries()) {
    const { requestId } = await whoAmI(server.url, { 'x-api-key': secret })
    const common = { actor: null, on_behalf_of: null, outcome: 'denied', address: '127.0.0.1', request_id: requestId }
    expect((await denialsOn(server)).slice(before + index)).toMatchObject([{ ...common, ...told }])
  }
  expect(JSON.stringify(await denialsOn(server))).not.toContain('oc_key_')
})

test('a malformed secret costs no look-up, an unknown one a single one, a good one no more; garbage does not fill the trail', async ({
  clocked: server,
  alice,
}) => {
  const key = await makeKey(alice)
  expect(await whoAmI(server.url, { 'x-api-key': key.secret })).toMatchObject(asKey)
  expect(await leastStatements(server, () => key.secret)).toBe(1)

  server.clock.advance({ minutes: 1 })
  const before = (await denialsOn(server)).length
  // Only the row of the trail, and a look-up beside it.
  expect(await leastStatements(server, () => malformed(key.secret))).toBe(1)
  expect(await leastStatements(server, unknown)).toBe(2)
  for (let more = 0; more < 12; more += 1) await refusalOf(server.url, malformed(key.secret))
  expect((await denialsOn(server)).length - before).toBe(10)
  // From here on nothing is written either, and the refusal stays the same.
  expect(await leastStatements(server, () => malformed(key.secret))).toBe(0)
  expect(await leastStatements(server, unknown)).toBe(1)
  expect(await refusalOf(server.url, malformed(key.secret))).toBe('This is not an API key.')
  expect(await refusalOf(server.url, unknown())).toBe('This API key is not known.')

  server.clock.advance({ minutes: 1 })
  await refusalOf(server.url, unknown())
  expect((await denialsOn(server)).length - before).toBe(11)
})

/** What a request with a secret costs: the least of several, since the server has other work too. */
async function leastStatements(server: TestServer, secret: () => string): Promise<number> {
  const { database } = server.app.platform
  const costs: number[] = []
  for (let run = 0; run < 4; run += 1) {
    const before = database.statementCount()
    await ask(server.url, { headers: { 'x-api-key': secret() }, body: { query: '{ __typename }' } })
    costs.push(database.statementCount() - before)
  }
  return Math.min(...costs)
}
