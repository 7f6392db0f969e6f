import { once } from 'node:events'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Stands before aimock and sets right how it begins a text of Cohere's: the provider always names the empty text. */
export async function correctedCohere(upstream: string): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer((incoming, outgoing) => {
    const { method = 'POST', headers, url: path = '/' } = incoming
    const forward = request(new URL(path, upstream), { method, headers }, (answer) => {
      const { 'content-length': _length, ...kept } = answer.headers
      outgoing.writeHead(answer.statusCode ?? 500, kept)
      answer.on('data', (chunk: Buffer) =>
        outgoing.write(String(chunk).replace('"content":{"type":"text"}', '"content":{"type":"text","text":""}')),
      )
      answer.on('end', () => outgoing.end())
      answer.on('error', () => outgoing.destroy())
    })
    forward.on('error', () => outgoing.destroy())
    incoming.pipe(forward)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
