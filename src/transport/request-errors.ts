import { type ExecutionResult, GraphQLError } from 'graphql'
import type { GraphQLHTTPExtensions, Plugin } from 'graphql-yoga'
import { maskError } from '../graphql/errors.ts'
import type { Platform, RequestFacts } from '../platform/context.ts'

/**
 * Reads requests instead of the engine, which trips over odd but lawful ones. A form post needs no permission from a
 * browser, so another site could send one: only JSON is read.
 */
export const readOnlyJson: Plugin = {
  onRequestParse({ request, requestParser, setRequestParser }) {
    if (request.method === 'POST') {
      const type = request.headers.get('content-type')?.split(/[;,]/)[0]?.trim().toLowerCase()
      if (type !== 'application/json') {
        const headers = { accept: 'application/json' }
        throw badRequest('Send the operation as application/json.', { status: 415, headers })
      }
      setRequestParser((post) => orBadRequest(() => post.json(), 'The body is not valid JSON.'))
    } else if (requestParser !== undefined) {
      setRequestParser((get) =>
        orBadRequest(() => requestParser(get), 'variables and extensions have to be valid JSON.'),
      )
    }
  },
  onParams({ params }) {
    const { operationName } = params ?? {}
    if (typeof operationName === 'string' || operationName === undefined || operationName === null) return
    throw badRequest('operationName has to be a string.')
  },
}

async function orBadRequest<Parsed>(parse: () => Parsed | Promise<Parsed>, message: string): Promise<Parsed> {
  try {
    return await parse()
  } catch (error) {
    // The limit of the body's size speaks in the middle of reading it.
    throw error instanceof GraphQLError ? error : badRequest(message)
  }
}

/**
 * Gives errors of requests that never came to be executed (unparsable, invalid, too large, or a failure of ours on the
 * way) their code and HTTP status, and those that came too often theirs; refuses what the caller cannot read.
 */
export function maskRequestErrors(platform: Platform): Plugin<object, { readonly facts: RequestFacts }> {
  return {
    onResultProcess({ request, result, setResult, resultProcessor, setResultProcessor, ...more }) {
      const { acceptableMediaTypes, serverContext } = more
      const isStream = wantsStream(request.headers.get('accept'))
      const mask = (error: GraphQLError) => {
        const masked = maskError(error, serverContext.facts, platform.log)
        masked.extensions.http = httpOf(error, masked, isStream)
        return masked
      }
      if (resultProcessor === undefined) {
        // Nobody else ends a subscription whose events cannot be sent.
        if (Symbol.asyncIterator in result) void result[Symbol.asyncIterator]().return?.()
        const accept = [...new Set(acceptableMediaTypes)].join(', ')
        const refusal = badRequest(`This operation answers as ${accept}.`)
        const error = maskError(refusal, serverContext.facts, platform.log)
        const headers = { 'content-type': 'application/json; charset=utf-8', accept }
        const body = JSON.stringify({ errors: [error] })
        return setResultProcessor((_, { Response }) => new Response(body, { status: 406, headers }), 'application/json')
      }
      if (Array.isArray(result) || Symbol.asyncIterator in result) return
      const { errors, data } = result as ExecutionResult
      if (errors !== undefined && data === undefined) setResult({ ...result, errors: errors.map(mask) })
      // Beside data too: those in between, and clients, back off by status and header alone.
      else errors?.filter(({ extensions }) => isToBackOff(extensions.code, data)).forEach(mask)
    },
  }
}

/** A busy service is a matter of the whole answer only where nothing else came of it. */
function isToBackOff(code: unknown, data: ExecutionResult['data']): boolean {
  if (code === 'SERVICE_UNAVAILABLE') return Object.values(data ?? {}).every((field) => field === null)
  return code === 'RATE_LIMITED'
}

function badRequest(message: string, http: GraphQLHTTPExtensions = { status: 400 }): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'BAD_REQUEST', http } })
}

const statuses: Readonly<Record<string, number>> = {
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  PAYLOAD_TOO_LARGE: 413,
  RATE_LIMITED: 429,
  INTERNAL_SERVER_ERROR: 500,
  SERVICE_UNAVAILABLE: 503,
}

/** After SERVICE_UNAVAILABLE, where it knows no better. */
const RETRY_AFTER_SECONDS = 1

/** Whether what is answered is a stream of events: only where the caller reads nothing else. */
function wantsStream(accept: string | null): boolean {
  return /text\/event-stream/i.test(accept ?? '') && !/json|\*\/\*|application\/\*/i.test(accept ?? '')
}

/** What the engine calls a well-formed request for something that cannot be executed. */
const UNEXECUTABLE = [
  'DOCUMENT_OVER_LIMIT',
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'OPERATION_RESOLUTION_FAILURE',
]

/**
 * The status of a response without data. With `spec`, Yoga answers 200 to those who accept only application/json:
 * GraphQL over HTTP wants that for every request that is well-formed, whatever became of it. A stream opens with 200
 * whenever the caller is to read what is in it.
 */
function httpOf(error: GraphQLError, masked: GraphQLError, isStream: boolean): GraphQLHTTPExtensions {
  const given = error.extensions.http as GraphQLHTTPExtensions | undefined
  const status = given?.status ?? statuses[String(masked.extensions.code)] ?? 400
  const wellFormed = given === undefined ? status < 429 : UNEXECUTABLE.includes(String(error.extensions.code))
  const retryAfter = masked.extensions.retryAfterSeconds ?? (status === 503 ? RETRY_AFTER_SECONDS : undefined)
  const retry = retryAfter === undefined ? {} : { headers: { ...given?.headers, 'retry-after': String(retryAfter) } }
  return { ...given, ...retry, status, spec: wellFormed || (status === 429 && isStream) }
}
