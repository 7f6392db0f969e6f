import { Client, Pool, type PoolClient, type PoolConfig } from 'pg'
import type { Circuit } from '../circuit.ts'
import { isUnreachable } from '../service-unreachable.ts'

/**
 * A pool whose places come back whatever becomes of their connections; options as of pg's own. With a circuit that opens,
 * nobody waits for a database that is away. @throws {CircuitOpen} then, in place of a connection
 */
export function createPool(options: PoolConfig, circuit?: Circuit): Pool {
  const settings = { ...options, Client: ClosingClient }
  const pool = circuit === undefined ? new Pool(settings) : new GuardedPool(settings, circuit)
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

// What pg's pool throws when all its connections were held for as long as one may be waited for.
const WAIT_TIMEOUT = 'timeout exceeded when trying to connect'

/** All connections were held for as long as one may be waited for, by others whom the database answered meanwhile. */
export class PoolBusy extends Error {
  override readonly name = 'PoolBusy'
  constructor(cause: unknown) {
    super(WAIT_TIMEOUT, { cause })
  }
}

/** Whether a connection was not to be had because the database does not answer. */
export function isAway(error: unknown): boolean {
  return isUnreachable(error) && !(error instanceof PoolBusy)
}

type Connected = (error: Error | undefined, client: PoolClient | undefined, release: PoolClient['release']) => void

/**
 * Gets connections through a circuit. What becomes of them is not counted: a statement that breaks off has failed already,
 * sixteen may for one restart that is over at once, and the next connection shows whether there is a database.
 */
class GuardedPool extends Pool {
  readonly #circuit: Circuit
  /** How many connections came back that were in order. */
  #returned = 0

  constructor(options: PoolConfig, circuit: Circuit) {
    super(options)
    this.#circuit = circuit
    this.on('release', (error) => {
      if (!error) this.#returned++
    })
  }

  override connect(): Promise<PoolClient>
  override connect(callback: Connected): void
  override connect(callback?: Connected): Promise<PoolClient> | undefined {
    const client = this.#circuit.execute(() => this.#connect())
    if (callback === undefined) return client
    client.then(
      (client) => callback(undefined, client, client.release),
      (error) => callback(error, undefined, () => undefined),
    )
    return undefined
  }

  async #connect(): Promise<PoolClient> {
    const returned = this.#returned
    try {
      return await super.connect()
    } catch (error) {
      const isWait = error instanceof Error && error.message === WAIT_TIMEOUT
      throw isWait && this.#returned > returned ? new PoolBusy(error) : error
    }
  }
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
