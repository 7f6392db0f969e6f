import { once } from 'node:events'
import { createServer } from 'node:net'

// Below every system's range for outgoing connections (Linux 32768, macOS 49152). A port out of that range can be
// taken by any client while its server is down, and a client that reconnects to it may even reach itself.
const lowestPort = 20_000
const portCount = 12_000

/** Answers a port of 127.0.0.1 that nothing listens on and that stays usable by a server which stops and starts again. */
export async function findFreePort(): Promise<number> {
  for (;;) {
    const port = lowestPort + Math.floor(Math.random() * portCount)
    if (await isFree(port)) return port
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  try {
    await once(server.listen(port, '127.0.0.1'), 'listening')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') return false
    throw error
  }
  server.close()
  await once(server, 'close')
  return true
}
