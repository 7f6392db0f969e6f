import { PGlite } from '@electric-sql/pglite'

type StreamOptions = Parameters<PGlite['execProtocolRawStream']>[1]

// Message types of the extended query protocol, which leave a batch open until the client's Sync.
// https://www.postgresql.org/docs/18/protocol-message-formats.html
const opensBatch = new Set(Buffer.from('PBDECH'))
const endsBatch = new Set(Buffer.from('SQF'))
const syncMessage = Uint8Array.of(0x53, 0, 0, 0, 4)
const checkpointMessage = Uint8Array.from(Buffer.from('Q\0\0\0\x0fCHECKPOINT\0', 'latin1'))

// 'Z', its length of 5, and in a sixth byte the transaction's status.
const readyForQuery = Buffer.of(0x5a, 0, 0, 0, 5)
const readyForQueryBytes = 6
// PQ_SEND_BUFFER_SIZE in Postgres' pqcomm.c
const sendBufferBytes = 8192

/**
 * PGlite as the socket server should see it: the one session is held from a batch's first message to its Sync.
 *
 * The server asks `isInTransaction` before it lets another connection in. Without this, the batches of two connections
 * interleave and one binds its parameters to the other's statement (electric-sql/pglite#1046).
 */
export class SharedSession extends PGlite {
  #batchOpen = false
  #changed = false

  override isInTransaction(): boolean {
    return this.#batchOpen || super.isInTransaction()
  }

  override async execProtocolRawStream(message: Uint8Array, options: StreamOptions): Promise<void> {
    const type = message[0] ?? 0
    if (opensBatch.has(type)) this.#batchOpen = true
    if (endsBatch.has(type)) this.#batchOpen = false
    this.#changed = true
    try {
      await super.execProtocolRawStream(message, this.#batchOpen ? withoutReadyForQuery(options) : options)
    } catch (cause) {
      // An SQL error is an answer; what is thrown is the engine's end. The server would never answer again, so die loudly.
      setImmediate(() => {
        throw new Error(`the engine stopped: ${reasonOf(cause)}`, { cause })
      })
      throw cause
    }
  }

  /** The server calls this with ROLLBACK for a connection that went away; after an error, only Sync lets it through. */
  override async exec(...parameters: Parameters<PGlite['exec']>): ReturnType<PGlite['exec']> {
    if (this.#batchOpen) await this.execProtocolRawStream(syncMessage, { onRawData: () => {} })
    return super.exec(...parameters)
  }

  /**
   * Writes what changed to the tables' files, unless a connection holds the session.
   * Nobody else does before `close`: without it the write-ahead log, and the start after a kill, grow without bound.
   */
  checkpoint(): void {
    if (!this.#changed || this.isInTransaction()) return
    // No await before the engine runs, so that no connection's message comes between the check and this.
    void this.execProtocolRawStream(checkpointMessage, { onRawData: () => {} })
    this.#changed = false
  }
}

/**
 * After an error inside a batch PGlite announces that it is ready, and again at the Sync. Taking the first for the second,
 * node-postgres ends its next query early, with no rows and no error.
 */
function withoutReadyForQuery({ onRawData, ...options }: StreamOptions): StreamOptions {
  return {
    ...options,
    onRawData: (chunk) => onRawData(endsReady(chunk) ? chunk.subarray(0, -readyForQueryBytes) : chunk),
  }
}

/** Only a full buffer is sent before a message's end, so in a shorter chunk these bytes cannot be a part of a row. */
function endsReady(chunk: Uint8Array): boolean {
  return chunk.length < sendBufferBytes && readyForQuery.equals(chunk.subarray(-readyForQueryBytes, -1))
}

/** The engine's exit is thrown as a plain object. */
function reasonOf(cause: unknown): string {
  return typeof cause === 'object' && cause !== null && 'message' in cause ? String(cause.message) : String(cause)
}
