import { expect, test } from 'vitest'
import { showsToken } from '../../src/platform/metrics.ts'
import { startServer } from '../kit/server.ts'

const token = 'a-token-of-a-test'

test('the state of each circuit is measured, and how often it opened', async () => {
  const server = await startServer({ environment: { METRICS_TOKEN: token } })
  const circuit = server.app.platform.circuits.of('model/tested', 'model')
  const scrape = async () => {
    const response = await fetch(`${server.url}/metrics`, { headers: { authorization: `Bearer ${token}` } })
    expect([response.status, response.headers.get('content-type')]).toEqual([
      200,
      expect.stringMatching(/^text\/plain/),
    ])
    return response.text()
  }
  expect(await scrape()).toContain('ocean_circuit_state{circuit="model/tested",state="CLOSED"} 1')
  for (let failures = 0; failures < 5; failures++)
    await circuit.execute(() => Promise.reject(new Error('away'))).catch(() => undefined)
  const measured = await scrape()
  expect(measured).toContain('ocean_circuit_state{circuit="model/tested",state="OPEN"} 1')
  expect(measured).toContain('ocean_circuit_state{circuit="model/tested",state="CLOSED"} 0')
  expect(measured).toContain('ocean_circuit_opens_total{circuit="model/tested"} 1')
  for (const authorization of ['', 'Bearer ', `Bearer ${token}x`, token, `Basic ${token}`]) {
    const { status } = await fetch(`${server.url}/metrics`, { headers: { authorization } })
    expect(status).toBe(401)
  }
  await server.close()
})

test('without a token there are no metrics', async () => {
  const server = await startServer()
  expect((await fetch(`${server.url}/metrics`, { headers: { authorization: 'Bearer ' } })).status).toBe(404)
  await server.close()
})

test('only the token itself is the token', () => {
  expect(showsToken(`Bearer ${token}`, token)).toBe(true)
  for (const shown of [undefined, '', 'Bearer', `bearer ${token}`, `Bearer ${token} `])
    expect(showsToken(shown, token)).toBe(false)
})
