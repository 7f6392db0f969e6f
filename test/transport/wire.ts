import { once } from 'node:events'
import { type IncomingMessage, type OutgoingHttpHeaders, request } from 'node:http'
import { expect } from 'vitest'

/** A request as it goes over the wire; a body that is no string is sent as JSON. */
export interface Ask {
  readonly method?: string
  readonly path?: string
  /** A list of two keeps both headers of one name. */
  readonly headers?: OutgoingHttpHeaders
  readonly body?: unknown
  /** Sends the body without saying how long it is. */
  readonly chunked?: boolean
}

/** An answer as it came over the wire. */
export interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly text: string
  /** Of a JSON answer, else an empty object. */
  readonly body: {
    readonly data?: Record<string, unknown> | null
    readonly errors?: readonly WireError[]
  }
}

/** An error as a client reads it. */
export interface WireError {
  readonly message: string
  readonly path?: readonly (string | number)[]
  readonly extensions?: Readonly<Record<string, unknown>>
}

/** Sends one request on a connection of its own; whatever comes back is checked by `expectClean`. */
export async function ask(url: string, { method = 'POST', path = '/graphql', ...rest }: Ask): Promise<Answer> {
  const { headers = {}, body, chunked = false } = rest
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body)
  const type = body === undefined ? {} : { 'content-type': 'application/json' }
  const length = text === undefined || chunked ? {} : { 'content-length': Buffer.byteLength(text) }
  const sent = request(`${url}${path}`, { method, headers: { ...type, ...length, ...headers }, agent: false })
  sent.on('error', () => undefined) // told by `once`; a refused body may break the pipe after the answer
  sent.end(text)
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  const received = await response.setEncoding('utf8').toArray()
  const answer = answerOf(response, received.join(''))
  expectClean(answer)
  return answer
}

function answerOf(response: IncomingMessage, text: string): Answer {
  const isJson = /json/.test(response.headers['content-type'] ?? '')
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    text,
    body: isJson && text !== '' ? JSON.parse(text) : {},
  }
}

/** Nothing on the wire holds SQL, a path, a stack, an address or a guess at a name. */
const LEAKS = [
  /\b(select\s[^?]+\sfrom|insert into|delete from|update "\w+" set|violates|duplicate key|relation ")/i,
  /node_modules|node:internal|file:\/\/|\.(ts|js|mjs)\b|\/(src|root|home|work|tmp|usr)\//,
  /\bat \S+ \(|:\d+:\d+\)|"stack"|originalError/,
  /ECONN|127\.0\.0\.1|postgres|kysely|mikro|pg-boss|\bpool\b/i,
  /did you mean/i,
  /"http":|"spec":/,
]

/** Sweeps one message of the server for what is nobody's business, and its errors for what clients rely on. */
export function expectClean(answer: Answer): void {
  expectNoLeak(answer.text)
  const requestId = answer.headers['x-request-id']
  expect(requestId, 'x-request-id').toMatch(/^[\w-]{8,64}$/)
  for (const error of answer.body.errors ?? []) expectComplete(error, requestId)
}

/** JWS and JWE: three parts or five, of which some are random and may come to any word. */
const TOKENS = /\beyJ[\w-]+(\.[\w-]*){2,4}/g

/** Nothing internal is in a text that came over the wire. */
export function expectNoLeak(text: string): void {
  // A person may see where their own devices are.
  const readable = text.replace(TOKENS, 'TOKEN').replaceAll('"ipAddress":"127.0.0.1"', '')
  for (const leak of LEAKS) expect(readable).not.toMatch(leak)
}

/** An error carries its code, the family of it, the id of its request and, after RATE_LIMITED, when to come back. */
export function expectComplete(error: WireError, requestId: unknown): void {
  expect(error.extensions).toEqual({
    code: expect.stringMatching(/^[A-Z][A-Z_]+$/),
    family: expect.stringMatching(/^(API_4\d\d|APP_00\d|EXT_00\d)$/),
    requestId,
    ...(error.extensions?.code === 'RATE_LIMITED' ? { retryAfterSeconds: expect.any(Number) } : {}),
  })
}
