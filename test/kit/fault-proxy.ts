import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { findFreePort } from './free-port.ts'

// A source is paused while this much of it is on its way, so that a blackhole or a slow reader holds bounded memory.
const maxHeldBytes = 1024 * 1024

/** A TCP proxy between a client and a service that misbehaves on request. */
export type FaultProxy = {
  /** Port on 127.0.0.1; it stays the same through refuse() and accept(). */
  readonly port: number
  /** Seed of the choice which chunks are dropped. */
  readonly seed: number
  /** Open client connections. */
  readonly connections: number
  /** Delays every chunk that arrives from now on, in each direction, order kept. */
  setLatency(millis: number): void
  /** Resets every open connection now; what was on its way is lost. */
  cut(): void
  /** Refuses new connections (ECONNREFUSED); open ones go on. */
  refuse(): void
  /** Takes new connections again. */
  accept(): Promise<void>
  /** Holds all bytes, ends and resets of open and new connections until resume(), as a network that swallows packets. */
  blackhole(): void
  /** Delivers what the blackhole held. */
  resume(): void
  /** Drops this share (0 to 1) of the chunks from the service to the client and prints the seed. */
  dropShare(share: number): void
  /** Cuts everything and frees the port. */
  close(): Promise<void>
}

type Faults = { latencyMillis: number; blackhole: boolean; dropShare: number; random: () => number }
type Link = { client: Socket; upstream: Socket; deliver: () => void }

/** Listens on a free port of 127.0.0.1 and forwards to the target, without faults until one is asked for. */
export async function startFaultProxy(options: {
  target: { host: string; port: number }
  seed?: number
}): Promise<FaultProxy> {
  const seed = options.seed ?? Math.floor(Math.random() * 2 ** 32)
  const faults: Faults = { latencyMillis: 0, blackhole: false, dropShare: 0, random: seededRandom(seed) }
  const links = new Set<Link>()
  const port = await findFreePort()
  const listen = () => listenOn(port, (client) => openLink(client, connectTo(options.target), faults, links))
  let server: Server | undefined = await listen()

  const cut = () => {
    for (const { client, upstream } of links) {
      reset(client)
      reset(upstream)
    }
  }
  const refuse = () => {
    server?.close()
    server = undefined
  }
  const setBlackhole = (on: boolean) => {
    faults.blackhole = on
    for (const link of links) link.deliver()
  }
  return {
    port,
    seed,
    get connections() {
      return [...links].filter(({ client }) => !client.destroyed).length
    },
    setLatency: (millis) => {
      faults.latencyMillis = millis
    },
    cut,
    refuse,
    accept: async () => {
      server ??= await listen()
    },
    blackhole: () => setBlackhole(true),
    resume: () => setBlackhole(false),
    dropShare: (share) => {
      if (share > 0) console.log(`fault proxy drops ${share} of the chunks, seed ${seed}`)
      faults.dropShare = share
    },
    close: async () => {
      refuse()
      const open = [...links].flatMap(({ client, upstream }) => [client, upstream]).filter((socket) => !socket.closed)
      const closed = open.map((socket) => once(socket, 'close'))
      cut()
      await Promise.all(closed)
    },
  }
}

async function listenOn(port: number, onClient: (client: Socket) => void): Promise<Server> {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, onClient)
  await once(server.listen(port, '127.0.0.1'), 'listening')
  return server
}

function connectTo(target: { host: string; port: number }): Socket {
  return connect({ ...target, allowHalfOpen: true, noDelay: true })
}

function openLink(client: Socket, upstream: Socket, faults: Faults, links: Set<Link>): void {
  const upward = relay(client, upstream, faults, () => false)
  const downward = relay(upstream, client, faults, () => faults.random() < faults.dropShare)
  const link: Link = {
    client,
    upstream,
    deliver: () => {
      upward()
      downward()
    },
  }
  links.add(link)
  // A link outlives its first closed socket: a blackhole may still hold the news for the other one.
  const forget = () => client.closed && upstream.closed && links.delete(link)
  client.once('close', forget)
  upstream.once('close', forget)
}

/** Moves bytes, the end and a reset of one socket to the other in order; answers the function that delivers what is due. */
function relay(from: Socket, to: Socket, faults: Faults, isDropped: () => boolean): () => void {
  const line: { dueAt: number; act: () => void }[] = []
  let heldBytes = 0
  let timer: NodeJS.Timeout | undefined

  const deliver = () => {
    clearTimeout(timer)
    while (!faults.blackhole && line[0] !== undefined) {
      const waitMillis = line[0].dueAt - performance.now()
      if (waitMillis > 0) {
        timer = setTimeout(deliver, Math.ceil(waitMillis))
        return
      }
      line.shift()?.act()
    }
  }
  const enqueue = (act: () => void) => {
    line.push({ dueAt: performance.now() + faults.latencyMillis, act })
    deliver()
  }
  const onWritten = (byteCount: number) => {
    heldBytes -= byteCount
    if (heldBytes < maxHeldBytes) from.resume()
  }
  from.on('data', (bytes) => {
    if (isDropped()) return
    heldBytes += bytes.length
    if (heldBytes >= maxHeldBytes) from.pause()
    enqueue(() => to.write(bytes, () => onWritten(bytes.length)))
  })
  from.on('end', () => enqueue(() => to.end()))
  from.on('error', () => enqueue(() => reset(to)))
  to.once('close', () => {
    clearTimeout(timer)
    line.length = 0
  })
  return deliver
}

function reset(socket: Socket): void {
  // While it connects, resetAndDestroy() would wait for the connection, which may never come; one that is ending it leaves
  // open (EINVAL).
  if (socket.connecting || socket.writableEnded) socket.destroy()
  else socket.resetAndDestroy()
}

/** mulberry32: numbers from 0 to below 1, the same for the same seed. */
function seededRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
