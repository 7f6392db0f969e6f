import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { expect, onTestFinished, test, vi } from 'vitest'
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts'

// More than the kernel's buffers and the proxy hold together.
const bulk = 'x'.repeat(32 * 1024 * 1024)

test('what goes in comes out, and an end is passed on', async () => {
  const { proxy } = await startEcho()
  const client = await dial(proxy)
  client.send('hello')
  await vi.waitFor(() => expect(client.received()).toBe('hello'))
  client.socket.end()
  await vi.waitFor(() => expect(client.ended()).toBe(true))
  expect(client.errorCode()).toBeUndefined()
  await vi.waitFor(() => expect(proxy.connections).toBe(0))
})

test('latency delays each direction and keeps the order', async () => {
  const { proxy } = await startEcho()
  const client = await dial(proxy)
  proxy.setLatency(100)
  const sentAt = performance.now()
  for (const word of ['one ', 'two ', 'three']) client.send(word)
  await vi.waitFor(() => expect(client.received()).toBe('one two three'))
  expect(performance.now() - sentAt).toBeGreaterThanOrEqual(199)
})

test('a cut resets both sides of every open connection, even of a reader that reads nothing', async () => {
  const { proxy, service } = await startEcho()
  const [one, two] = [await dial(proxy), await dial(proxy)]
  await vi.waitFor(() => expect(service.open()).toBe(2))
  two.socket.pause()
  two.send(bulk)
  expect(proxy.connections).toBe(2)
  proxy.cut()
  expect(proxy.connections).toBe(0)
  two.socket.resume()
  await vi.waitFor(() => expect(one.errorCode()).toBe('ECONNRESET'))
  await vi.waitFor(() => expect(two.errorCode()).toMatch(/ECONNRESET|EPIPE/))
  await vi.waitFor(() => expect(service.open()).toBe(0))
  expect(service.errorCodes()).toContain('ECONNRESET')
  const three = await dial(proxy)
  three.send('again')
  await vi.waitFor(() => expect(three.received()).toBe('again'))
})

test('refused connections fail while open ones go on, and the port is the same when accepted again', async () => {
  const { proxy } = await startEcho()
  const open = await dial(proxy)
  proxy.refuse()
  await expect(dial(proxy)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  open.send('still here')
  await vi.waitFor(() => expect(open.received()).toBe('still here'))
  await proxy.accept()
  const next = await dial(proxy)
  next.send('welcome')
  await vi.waitFor(() => expect(next.received()).toBe('welcome'))
})

test('a blackhole holds bytes and resets without closing anything, and gives them back', async () => {
  const { proxy, service } = await startEcho()
  const [client, leaver] = [await dial(proxy), await dial(proxy)]
  await vi.waitFor(() => expect(service.open()).toBe(2))
  proxy.blackhole()
  client.send('held')
  leaver.socket.resetAndDestroy()
  const late = await dial(proxy)
  late.send('late')
  await vi.waitFor(() => expect(proxy.connections).toBe(2))
  await vi.waitFor(() => expect(service.open()).toBe(3))
  // A direct connection is served meanwhile: the silence is the proxy's.
  const direct = await dial(service)
  direct.send('direct')
  await vi.waitFor(() => expect(direct.received()).toBe('direct'))
  expect([client.received(), late.received()]).toEqual(['', ''])
  expect(client.errorCode()).toBeUndefined()
  proxy.resume()
  await vi.waitFor(() => expect([client.received(), late.received()]).toEqual(['held', 'late']))
  await vi.waitFor(() => expect(service.errorCodes()).toContain('ECONNRESET'))
})

test('a blackhole holds bounded memory, and loses nothing', async () => {
  const { proxy, service } = await startEcho()
  const client = await dial(proxy)
  proxy.blackhole()
  client.send(bulk)
  await roundTrip(service)
  expect(client.socket.writableLength).toBeGreaterThan(0)
  proxy.resume()
  await vi.waitFor(() => expect(client.received().length).toBe(bulk.length), { timeout: 10_000 })
})

test('the same seed drops the same chunks, and only those of the service', async () => {
  const survivors = async (seed: number) => {
    const { proxy, service } = await startEcho(seed)
    const client = await dial(proxy)
    proxy.dropShare(0.5)
    for (let number = 10; number < 40; number += 1) {
      // One chunk at a time, so that a chunk is a number.
      const before = service.received().length
      client.send(`${number} `)
      await vi.waitFor(() => expect(service.received().length).toBe(before + 3), { interval: 2 })
      await vi.waitFor(() => expect(service.echoed()).toBe(before + 3), { interval: 2 })
    }
    proxy.dropShare(0)
    client.send('end')
    await vi.waitFor(() => expect(client.received()).toMatch(/end$/))
    return client.received()
  }
  const first = await survivors(7)
  expect(first.split(' ').length).toBeGreaterThan(5)
  expect(first.split(' ').length).toBeLessThan(26)
  expect(await survivors(7)).toBe(first)
  expect(await survivors(8)).not.toBe(first)
})

test('a service that is down shows as a reset', async () => {
  const { proxy, service } = await startEcho()
  await service.close()
  const client = await dial(proxy)
  await vi.waitFor(() => expect(client.errorCode()).toBe('ECONNRESET'))
})

test('closing cuts what is open and frees the port', async () => {
  const { proxy } = await startEcho()
  const client = await dial(proxy)
  await proxy.close()
  await vi.waitFor(() => expect(client.errorCode()).toBe('ECONNRESET'))
  await expect(dial(proxy)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
})

/** An echo service and a proxy before it; both are closed when the test ends. */
async function startEcho(seed?: number) {
  const sockets = new Set<Socket>()
  const errorCodes: string[] = []
  let received = ''
  let echoed = 0
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', (error) => errorCodes.push('code' in error ? String(error.code) : error.message))
    socket.on('end', () => socket.end())
    socket.on('data', (bytes) => {
      if (received.length < 1000) received += bytes.toString()
      socket.write(bytes, () => {
        echoed += bytes.length
      })
    })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('EchoNotListening')
  const { port } = address
  const proxy = await startFaultProxy({ target: { host: '127.0.0.1', port }, ...(seed === undefined ? {} : { seed }) })
  const close = async () => {
    for (const socket of sockets) socket.destroy()
    server.close()
  }
  onTestFinished(async () => {
    await proxy.close()
    await close()
  })
  const service = {
    port,
    close,
    open: () => sockets.size,
    errorCodes: () => errorCodes,
    received: () => received,
    echoed: () => echoed,
  }
  return { proxy, service }
}

/** Sends the bulk there and back beside the proxy: in that time the proxy would have swallowed as much, were it not held up. */
async function roundTrip(service: { port: number }): Promise<void> {
  const direct = await dial(service)
  direct.send(bulk)
  await vi.waitFor(() => expect(direct.received().length).toBe(bulk.length), { timeout: 10_000 })
  direct.socket.destroy()
}

/** A raw client that remembers what it saw. @throws the connection error. */
async function dial({ port }: Pick<FaultProxy, 'port'>) {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  await once(socket, 'connect')
  let received = ''
  let ended = false
  let errorCode: string | undefined
  socket.on('data', (bytes) => {
    received += bytes.toString()
  })
  socket.on('end', () => {
    ended = true
  })
  socket.on('error', (error) => {
    errorCode = 'code' in error ? String(error.code) : error.message
  })
  onTestFinished(() => {
    socket.destroy()
  })
  return {
    socket,
    send: (text: string) => socket.write(text),
    received: () => received,
    ended: () => ended,
    errorCode: () => errorCode,
  }
}
