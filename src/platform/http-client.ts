import { Agent, fetch as fetchOf } from 'undici'

/** Speaks HTTP to services outside, within limits. */
export interface HttpClient {
  /**
   * As everybody's `fetch`, but no redirect is followed: a key would go along to wherever it leads. What takes too long to
   * connect, goes silent or answers too much fails as any broken connection does.
   */
  readonly fetch: typeof globalThis.fetch
  /** Ends every connection, those in use as well. */
  close(): Promise<void>
}

const CONNECT_MILLIS = 10_000
/** Before the head of an answer, and between two pieces of it: above what any caller waits for. */
const SILENCE_MILLIS = 300_000
/** At once to one address; what is more waits in turn. */
const CONNECTIONS = 256
/** Bytes of one answer: above any of a model, far below what hurts. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024

/** Opens a client with connections of its own. */
export function createHttpClient(): HttpClient {
  const agent = new Agent({
    connections: CONNECTIONS,
    connect: { timeout: CONNECT_MILLIS },
    headersTimeout: SILENCE_MILLIS,
    bodyTimeout: SILENCE_MILLIS,
    maxResponseSize: MAX_ANSWER_BYTES,
  })
  // Its types differ from the global ones in nothing that callers see.
  const fetchWithin = fetchOf as unknown as (input: unknown, init: object) => Promise<Response>
  return {
    fetch: (input, init) => fetchWithin(input, { ...init, redirect: 'manual', dispatcher: agent }),
    close: () => agent.destroy(),
  }
}
