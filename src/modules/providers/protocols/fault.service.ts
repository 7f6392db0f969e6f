import { APICallError, InvalidResponseDataError, JSONParseError, TypeValidationError } from '@ai-sdk/provider'
import { retryAfterSeconds } from '../../../lib/retry-after.ts'
import { ModelFailed, type ModelFailureCode } from '../../../platform/models.ts'

/** Where in an answer something went wrong, and when. */
export interface FaultPlace {
  readonly providerId: string
  /** Whether any of the answer had come. */
  readonly hasBegun: boolean
  readonly now: Date
}

/** Failures after which the same question may go well a moment later. */
const PASSING: ReadonlySet<ModelFailureCode> = new Set([
  'MODEL_FAILED',
  'MODEL_TIMED_OUT',
  'MODEL_CUT',
  'MODEL_OVERLOADED',
  'MODEL_RATE_LIMITED',
  'MODEL_UNREACHABLE',
])

/** Whether the same is worth another attempt; what a provider refuses it refuses again. */
export function isPassing({ code }: ModelFailed): boolean {
  return PASSING.has(code)
}

/** Whether it says that the provider is away or broken, for its circuit; a limit that was reached says that it is there. */
export function isOutage(error: unknown): boolean {
  if (!(error instanceof ModelFailed)) return false
  return error.code === 'MODEL_SAID_NONSENSE' || (isPassing(error) && error.code !== 'MODEL_RATE_LIMITED')
}

/** Gives whatever an SDK throws its family. Of what the provider said nothing goes along: it may repeat the prompt. */
export function modelFailure(error: unknown, place: FaultPlace): ModelFailed {
  const own = ownFailure(error)
  if (own !== null) return own.code === 'MODEL_SAID_NONSENSE' && place.hasBegun ? withoutStatus(own, place) : own
  const status = statusOf(error)
  if (status === null) return withoutStatus(error, place)
  const headers = APICallError.isInstance(error) ? (error.responseHeaders ?? {}) : {}
  const retryAfter = retryAfterSeconds(headers, place.now)
  const code = isTooLong(error, status) ? 'PROMPT_TOO_LONG' : codeOf(status)
  return new ModelFailed(code, `${place.providerId} answered ${status}`, { retryAfterSeconds: retryAfter })
}

/** What our own code found on the way, whatever an SDK has put around it. */
function ownFailure(error: unknown): ModelFailed | null {
  return causes(error).find((cause) => cause instanceof ModelFailed) ?? null
}

function withoutStatus(error: unknown, { providerId, hasBegun }: FaultPlace): ModelFailed {
  const name = error instanceof Error ? error.name : typeof error
  const failed = (code: ModelFailureCode, what: string) => new ModelFailed(code, `${providerId} ${what} (${name})`)
  // The SDK did not even ask.
  if (/^AI_(?:Unsupported|InvalidPrompt|InvalidArgument|LoadAPIKey)/.test(name))
    return failed('MODEL_REFUSED_REQUEST', 'cannot be asked this')
  if (hasBegun) return failed('MODEL_CUT', 'was cut in the middle of the answer')
  if (isConnectionFault(error)) return failed('MODEL_UNREACHABLE', 'could not be reached')
  if (isCutShort(error)) return failed('MODEL_CUT', 'was cut before the answer')
  if (isNonsense(error)) return failed('MODEL_SAID_NONSENSE', 'said what is no answer')
  return failed('MODEL_FAILED', 'failed')
}

/** 400s are ours, but for those that pass; 500s theirs. 529 is Anthropic's own for being overloaded. */
function codeOf(status: number): ModelFailureCode {
  if (status === 401 || status === 402 || status === 403) return 'MODEL_KEY_REFUSED'
  if (status === 408 || status === 504) return 'MODEL_TIMED_OUT'
  if (status === 409 || status === 503 || status === 529) return 'MODEL_OVERLOADED'
  if (status === 413) return 'PROMPT_TOO_LONG'
  if (status === 429) return 'MODEL_RATE_LIMITED'
  if (status >= 500) return 'MODEL_FAILED'
  return status >= 400 ? 'MODEL_REFUSED_REQUEST' : 'MODEL_SAID_NONSENSE'
}

/** The status that an error stands for; inside of a stream that began well, by what it is called there. */
function statusOf(error: unknown): number | null {
  if (APICallError.isInstance(error))
    return error.statusCode === undefined || isGood(error.statusCode) ? null : error.statusCode
  if (typeof error === 'string') return statusOf({ code: error })
  if (typeof error !== 'object' || error === null || error instanceof Error) return null
  const { statusCode, status, code, type } = error as Readonly<Record<string, unknown>>
  const number = [statusCode, status, code].map(Number).find((candidate) => candidate >= 400 && candidate <= 599)
  if (number !== undefined) return number
  const words = [code, type, status]
    .filter((word) => typeof word === 'string')
    .join(' ')
    .toLowerCase()
  return streamErrors.find(([pattern]) => pattern.test(words))?.[1] ?? 500
}

/** What providers call their errors where there is no status, and the status that each stands for elsewhere. */
const streamErrors: readonly (readonly [RegExp, number])[] = [
  [/overload|unavailable|capacity/, 529],
  [/rate.?limit|quota|exhausted/, 429],
  [/authentication|api.?key/, 401],
  [/permission|billing/, 403],
  [/too.?large|context.?length/, 413],
  [/invalid|not.?found|bad.?request/, 400],
  [/timeout|deadline/, 504],
]

function isGood(status: number): boolean {
  return status >= 200 && status < 300
}

/** Providers say so in words of their own, most with status 400. */
const TOO_LONG =
  /prompt is too long|context.?length|context window|maximum context|too many (?:input )?tokens|exceeds? the (?:model's )?(?:maximum|limit).{0,40}token/i

function isTooLong(error: unknown, status: number): boolean {
  const message = typeof error === 'object' && error !== null && 'message' in error ? String(error.message) : ''
  return (status === 400 || status === 413 || status === 422) && TOO_LONG.test(message.slice(0, 2_000))
}

const CONNECTION_CODES =
  /^(?:E(?:CONN(?:REFUSED|RESET|ABORTED)|PIPE|TIMEDOUT|HOSTUNREACH|NETUNREACH|NOTFOUND|AI_AGAIN)|UND_ERR_(?:CONNECT_TIMEOUT|SOCKET|HEADERS_TIMEOUT)|CERT_.*|ERR_TLS_.*|DEPTH_ZERO_.*|SELF_SIGNED_.*)$/

function isConnectionFault(error: unknown): boolean {
  const isOwn = causes(error).some((cause) => 'code' in cause && CONNECTION_CODES.test(String(cause.code)))
  return isOwn && !(APICallError.isInstance(error) && error.statusCode !== undefined)
}

/** The connection ended after the head of the answer; all that undici says of it is `terminated`. */
function isCutShort(error: unknown): boolean {
  // What some SDKs say of a stream that just ends.
  if (InvalidResponseDataError.isInstance(error) && error.data === undefined) return true
  const isTerminated = (cause: Error) =>
    cause.message === 'terminated' || ('code' in cause && /^(?:UND_ERR_|ECONNRESET)/.test(String(cause.code)))
  return causes(error).some(isTerminated)
}

function isNonsense(error: unknown): boolean {
  if (APICallError.isInstance(error)) return true
  return (
    JSONParseError.isInstance(error) ||
    TypeValidationError.isInstance(error) ||
    InvalidResponseDataError.isInstance(error)
  )
}

function causes(error: unknown): Error[] {
  const found: Error[] = []
  for (let next = error; next instanceof Error && found.length < 8; next = next.cause) found.push(next)
  return found
}
