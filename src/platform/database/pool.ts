import { Client, Pool, type PoolClient, type PoolConfig } from 'pg'

/** A pool whose places come back whatever becomes of their connections; options as of pg's own. */
export function createPool(options: PoolConfig): Pool {
  const pool = new Pool({ ...options, Client: ClosingClient })
  const held = new Set<PoolClient>()
  pool.on('acquire', (client) => held.add(client))
  pool.on('release', (_, client) => held.delete(client))
  pool.on('connect', (client) => {
    // A connection that the server drops is an 'error' event, and one without a listener ends the process.
    client.on('error', () => undefined)
    // Whoever holds it learns of the end in this turn and may release it; Kysely's transactions never do, because they
    // release only after a COMMIT or ROLLBACK that succeeded.
    client.once('end', () => setImmediate(() => held.has(client) && takeBack(client)))
  })
  return pool
}

function takeBack(client: PoolClient): void {
  client.release(true)
  // The holder may still do so later, and a second release throws.
  client.release = () => undefined
}

// What pg throws when its own limit (`query_timeout`) passes; it has no code.
const READ_TIMEOUT = 'Query read timeout'

/**
 * Ends with the first statement that gets no answer in time. pg keeps such a connection, on which every later statement,
 * the ROLLBACK first, waits for the answer that never comes.
 */
class ClosingClient extends Client {
  // `apply` hands on whichever of pg's overloads was called. Only promises matter: with a callback it is pg's pool that
  // asks, and that drops the connection itself.
  override query = new Proxy(super.query, {
    apply: (query, self, parameters) => {
      const answer: unknown = Reflect.apply(query, self, parameters)
      if (answer instanceof Promise) answer.catch((error: unknown) => this.#endAfter(error))
      return answer
    },
  })

  #endAfter(error: unknown): void {
    // With a statement still unanswered, `end` does not say goodbye but destroys the socket.
    if (error instanceof Error && error.message === READ_TIMEOUT) void this.end()
  }
}
