import { expect, test, vi } from 'vitest'
import { createApp } from '../../src/app.ts'
import { cheapPasswords, mailbox } from '../kit/fakes.ts'
import { startFaultProxy } from '../kit/fault-proxy.ts'
import { configOf, currentLane, serviceUrls } from '../kit/lane.ts'
import { signUp } from '../kit/people.ts'
import { copyTemplate } from '../kit/server.ts'
import { signedIn } from './raw-socket.ts'
import { ask } from './wire.ts'

test('a server whose database is away runs, is not ready, says to come back, and recovers by itself', async () => {
  const database = await copyTemplate()
  const config = configOf(currentLane, database.name, database.dataDir)
  const target = new URL(config.services?.databaseUrl ?? '')
  const proxy = await startFaultProxy({ target: { host: target.hostname, port: Number(target.port) } })
  target.host = `127.0.0.1:${proxy.port}`
  const services = { databaseUrl: target.href, redisUrl: serviceUrls().redisUrl }
  const overrides = { mailer: mailbox(), passwordCost: cheapPasswords, keyPrefix: `ocean-test-outage-${process.pid}` }
  const app = await createApp({ ...config, services, logLevel: 'silent' }, overrides)
  try {
    const { url } = await app.listen()
    const alice = await signUp({ url }, 'Alice')
    const headers = { authorization: `Bearer ${alice.tokens.accessToken}` }
    const query = '{ viewer { role } }'
    const socket = await signedIn(url, alice.tokens.accessToken)
    const statusOf = async (path: string) => (await ask(url, { method: 'GET', path })).status
    expect([await statusOf('/health'), await statusOf('/ready')]).toEqual([200, 200])

    proxy.refuse()
    proxy.cut()
    expect([await statusOf('/health'), await statusOf('/ready')]).toEqual([200, 503])
    const failed = await ask(url, { body: { query }, headers })
    expect([failed.status, failed.body.errors]).toMatchObject([503, [{ extensions: { code: 'SERVICE_UNAVAILABLE' } }]])
    expect(failed.headers['retry-after']).toBe('1')
    socket.subscribe('away', query)
    expect(await socket.next('away')).toMatchObject({ type: 'error', payload: [{ extensions: { family: 'APP_003' } }] })

    await proxy.accept()
    await vi.waitFor(async () => expect(await statusOf('/ready')).toBe(200), { timeout: 10_000 })
    socket.subscribe('back', query)
    expect(await socket.next('back')).toMatchObject({ payload: { data: { viewer: { role: 'OWNER' } } } })
    socket.ws.close()
    await alice.close()
  } finally {
    await app.close()
    await proxy.close()
    await database.remove()
  }
})
