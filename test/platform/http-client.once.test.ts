import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { createHttpClient } from '../../src/platform/http-client.ts'

async function serve(listener: Parameters<typeof createServer>[1]) {
  const server = createServer(listener ?? (() => undefined))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const close = () => {
    server.closeAllConnections()
    server.close()
  }
  return { url: `http://127.0.0.1:${port}`, close }
}

test('a redirect is answered, not followed: whatever goes along stays', async () => {
  const asked: string[] = []
  const server = await serve((request, response) => {
    asked.push(request.url ?? '')
    response.writeHead(request.url === '/here' ? 307 : 200, { location: '/elsewhere' }).end()
  })
  const client = createHttpClient()
  const response = await client.fetch(`${server.url}/here`, {
    method: 'POST',
    headers: { 'x-api-key': 'k' },
    body: 'a',
  })
  expect([response.status, asked]).toEqual([307, ['/here']])
  await client.close()
  server.close()
})

test('closing ends what is under way, and nothing is asked afterwards', async () => {
  const server = await serve((_request, response) => response.write('some'))
  const client = createHttpClient()
  const response = await client.fetch(server.url)
  const text = response.text()
  text.catch(() => undefined)
  await client.close()
  await expect(text).rejects.toThrow()
  await expect(client.fetch(server.url)).rejects.toThrow()
  server.close()
})

test('an answer without end is cut before it fills the memory', async () => {
  const piece = Buffer.alloc(4 * 1024 * 1024)
  const server = await serve((_request, response) => {
    const more = () => {
      while (!response.destroyed && response.write(piece));
      response.once('drain', more)
    }
    more()
  })
  const client = createHttpClient()
  const response = await client.fetch(server.url)
  await expect(response.arrayBuffer()).rejects.toThrow()
  await client.close()
  server.close()
})
