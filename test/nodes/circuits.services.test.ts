import { expect, test, vi } from 'vitest'
import { createApp } from '../../src/app.ts'
import { ViewerDocument, ViewerEventsDocument } from '../gql/graphql.ts'
import { cheapPasswords } from '../kit/fakes.ts'
import { startFaultProxy } from '../kit/fault-proxy.ts'
import { makePlatformAdmin } from '../kit/inside.ts'
import { databaseUrlOf } from '../kit/lane.ts'
import { signIn, signUp } from '../kit/people.ts'
import { startServer } from '../kit/server.ts'
import { createPage } from '../kit/test.ts'

// Two nodes on one database and one Redis. They share no circuit: each judges by its own calls.

vi.setConfig({ testTimeout: 60_000 })

/** A node of which only the way to the database is broken, beside one that is whole. */
async function startTwo() {
  await using stack = new AsyncDisposableStack()
  const whole = stack.adopt(await startServer(), ({ close }) => close())
  const url = new URL(whole.config.services?.databaseUrl ?? databaseUrlOf('none'))
  const target = { host: url.hostname, port: Number(url.port) }
  const proxy = stack.adopt(await startFaultProxy({ target }), ({ close }) => close())
  url.host = `127.0.0.1:${proxy.port}`
  const redisUrl = whole.config.services?.redisUrl ?? ''
  const config = { ...whole.config, services: { databaseUrl: url.href, redisUrl } }
  const overrides = { clock: whole.clock, mailer: whole.mails, passwordCost: cheapPasswords, keyPrefix: 'ocean-two:' }
  const app = stack.adopt(await createApp(config, overrides), ({ close }) => close())
  const broken = { app, ...(await app.listen()) }
  const moved = stack.move()
  return { whole, broken, proxy, clock: whole.clock, [Symbol.asyncDispose]: () => moved.disposeAsync() }
}

test('a node whose own way is broken is the only one whose circuit opens, and the other serves', async () => {
  await using stage = await startTwo()
  const { whole, broken, proxy, clock } = stage
  const alice = await signUp(whole, 'Alice')
  const there = await signIn(broken, alice.email)
  await makePlatformAdmin(whole, alice)
  const { viewer } = await alice.query(ViewerDocument, {})
  const events = alice.subscribe(ViewerEventsDocument, { after: viewer?.eventsCursor ?? null })
  const stateOf = ({ app }: Pick<typeof broken, 'app'>) =>
    app.platform.circuits.list().flatMap(({ name, state }) => (name === 'database' ? [state] : []))
  expect([stateOf(whole), stateOf(broken)]).toEqual([['CLOSED'], ['CLOSED']])

  proxy.refuse()
  proxy.cut()
  await vi.waitUntil(async () => {
    await there.send(ViewerDocument, {})
    return stateOf(broken)[0] === 'OPEN'
  })
  // By `movableClock` time goes on: the recovery is of 5 s.
  const extensions = { code: 'SERVICE_UNAVAILABLE', retryAfterSeconds: expect.toBeOneOf([4, 5]) }
  const refused = await there.send(ViewerDocument, {})
  expect([refused.status, refused.errors]).toMatchObject([503, [{ extensions }]])
  const mutation = await there.send('mutation { login(input: { identifier: "x", password: "y" }) { __typename } }')
  expect(mutation.errors).toMatchObject([{ extensions }])
  expect(stateOf(whole)).toEqual(['CLOSED'])
  await expect(createPage(alice, 'Here')).resolves.toMatchObject({ id: expect.any(String) })

  await proxy.accept()
  // The way is whole, yet nothing is asked before the recovery is over.
  expect((await there.send(ViewerDocument, {})).status).toBe(503)
  clock.advance({ seconds: 5 })
  await vi.waitUntil(async () => (await there.send(ViewerDocument, {})).status === 200)
  expect(stateOf(broken)).toEqual(['CLOSED'])
  // That it opened could not be written down; that it is closed could.
  expect(await events.next()).toMatchObject({ viewerEvents: { name: 'database', state: 'CLOSED' } })
  events.stop()
  await Promise.all([alice.close(), there.close()])
})

test('a provider that one node has given up is still asked by the other', async () => {
  await using stage = await startTwo()
  const [one, other] = [stage.broken.app, stage.whole.app].map(({ platform }) => platform.circuits.of('acme', 'model'))
  for (let n = 0; n < 5; n++)
    await expect(one?.execute(() => Promise.reject(new Error('away')))).rejects.toThrow('away')
  await expect(one?.execute(async () => 'answer')).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' })
  expect(await other?.execute(async () => 'answer')).toBe('answer')
})
