import { GraphQLError, Kind } from 'graphql'
import { CircuitOpen } from '../platform/circuit.ts'
import type { RequestFacts } from '../platform/context.ts'
import { EditConflict, Fault, InvalidInput, RateLimited, Unavailable, UserError } from '../platform/errors.ts'
import type { Log } from '../platform/log.ts'
import { isUnreachable } from '../platform/service-unreachable.ts'
import { builder } from './builder.ts'

/** The code families of the systems this API replaces, by code. */
const families: Readonly<Record<string, string>> = {
  BAD_REQUEST: 'API_400',
  GRAPHQL_PARSE_FAILED: 'API_400',
  GRAPHQL_VALIDATION_FAILED: 'API_400',
  UNAUTHENTICATED: 'API_401',
  FORBIDDEN: 'API_403',
  NOT_FOUND: 'API_404',
  PAYLOAD_TOO_LARGE: 'API_413',
  RATE_LIMITED: 'API_429',
  SERVICE_UNAVAILABLE: 'APP_003',
  INTERNAL_SERVER_ERROR: 'APP_001',
}

/** The families of services outside; those that an operator adds share the last. */
const outsideFamilies: Readonly<Record<string, string>> = {
  anthropic: 'EXT_001',
  openai: 'EXT_002',
  google: 'EXT_003',
  cohere: 'EXT_004',
  together: 'EXT_005',
  groq: 'EXT_006',
  mistral: 'EXT_007',
  ollama: 'EXT_008',
  'meta-llama': 'EXT_009',
  nouscoder: 'EXT_010',
  cody: 'EXT_011',
  codyq: 'EXT_012',
}
const FURTHER_SERVICE = 'EXT_099'

/** What the engine calls some of them. */
const engineCodes: Readonly<Record<string, string>> = {
  REQUEST_ENTITY_TOO_LARGE: 'PAYLOAD_TOO_LARGE',
  OPERATION_RESOLUTION_FAILURE: 'BAD_REQUEST',
  DOCUMENT_OVER_LIMIT: 'BAD_REQUEST',
}

const maskedErrors = new WeakSet<GraphQLError>()

/**
 * Turns whatever a resolver or the engine threw into what a caller may see: a code, its family, the request's id, when to
 * come back where that is known, and nothing else. What it made before passes unchanged, so that an unexpected error is logged once.
 */
export function maskError(error: unknown, request: Pick<RequestFacts, 'id'>, log: Log): GraphQLError {
  const outer = error instanceof GraphQLError ? error : undefined
  const cause = innermost(error)
  if (cause instanceof GraphQLError && maskedErrors.has(cause)) return cause
  const shown = (message: string, code: string) => {
    const { nodes, path, source, positions } = outer ?? {}
    const knowsWhen = cause instanceof RateLimited || cause instanceof CircuitOpen
    const retry = knowsWhen ? { retryAfterSeconds: cause.retryAfterSeconds } : {}
    const extensions = { code, family: familyOf(cause, code), requestId: request.id, ...retry }
    const masked = new GraphQLError(message, { nodes, path, source, positions, extensions })
    maskedErrors.add(masked)
    return masked
  }
  if (cause instanceof Fault) return shown(cause.message, cause.code)
  // A fact without a union to stand in: a query's arguments broke a rule.
  if (cause instanceof UserError) return shown(cause.message, 'BAD_REQUEST')
  const code = cause instanceof GraphQLError ? codeOf(cause, outer) : 'INTERNAL_SERVER_ERROR'
  if (cause instanceof GraphQLError && code !== 'INTERNAL_SERVER_ERROR') {
    // The outer one says where: which variable, which field of it.
    return shown(withoutValues((outer ?? cause).message), code)
  }
  log.error({ err: cause, requestId: request.id, path: outer?.path }, 'unexpected error in an operation')
  if (isUnreachable(cause)) return shown(new Unavailable().message, 'SERVICE_UNAVAILABLE')
  return shown('Something went wrong on our side.', 'INTERNAL_SERVER_ERROR')
}

function familyOf(cause: unknown, code: string): string {
  if (cause instanceof Fault && cause.service !== null) return outsideFamilies[cause.service] ?? FURTHER_SERVICE
  return families[code] ?? 'API_400'
}

/**
 * What the engine found without a code is the request's fault before a field was reached, or when it points at a value in
 * the document; when it points at a field, it tripped over our own answer.
 */
function codeOf({ extensions, message, nodes }: GraphQLError, outer: GraphQLError | undefined): string {
  const code = typeof extensions.code === 'string' ? (engineCodes[extensions.code] ?? extensions.code) : undefined
  if (code !== undefined && code in families) return code
  // The parser has no class of its own for its errors.
  if (outer?.path === undefined && message.startsWith('Syntax Error: ')) return 'GRAPHQL_PARSE_FAILED'
  const pointsAtValue = nodes?.[0] !== undefined && nodes[0].kind !== Kind.FIELD
  return outer?.path === undefined || pointsAtValue ? 'BAD_REQUEST' : 'INTERNAL_SERVER_ERROR'
}

function innermost(error: unknown): unknown {
  let cause = error
  while (cause instanceof GraphQLError && cause.originalError !== undefined) cause = cause.originalError
  return cause
}

/**
 * What a message of the engine says without the caller's values, which may be passwords, and without its suggestions,
 * which tell a stranger the names of what they cannot see. Values stand at the end; where they do not comes first.
 */
function withoutValues(message: string): string {
  if (message.startsWith('Syntax Error: ')) return withoutTokens(message)
  return message
    .replace(/Value ".*" does not exist in/s, 'This value does not exist in')
    .replace(/(?:, found|, but encountered error|\. Did you mean|( cannot represent [^:]*)).*$/s, '$1.')
}

/** The place of a syntax error is in its `locations`; what stands there may be the half of a password. */
function withoutTokens(message: string): string {
  return message
    .replace(/ (Name|Int|Float|String|BlockString|Comment) ".*"/s, ' $1')
    .replace(/ (escape sequence): ".*"/s, ' $1')
    .replace(/, did you mean .*$/s, '.')
}

/** The interface of every fact a person can act on. */
export const UserErrorInterface = builder.interfaceRef<UserError>('UserError').implement({
  description: 'Something the person who pressed the button can mend; part of the result, never an exception.',
  fields: (t) => ({
    code: t.exposeString('code', { description: 'Stable and for programs: `EMAIL_TAKEN`.' }),
    message: t.exposeString('message', { description: 'For people, in English.' }),
  }),
})

/** Gives an error class of which nothing but code and message is shown a GraphQL type of its own name. */
export function errorType(factClass: new (...parameters: never[]) => UserError, description: string): void {
  // Pothos only looks at the class: it never makes one.
  const named = factClass as new () => UserError
  builder.objectType(named, { name: factClass.name, description, interfaces: [UserErrorInterface] })
}

builder.objectType(EditConflict, {
  name: 'EditConflict',
  description: 'It is no longer the version that `expectedVersion` names; nothing was changed.',
  interfaces: [UserErrorInterface],
  fields: (t) => ({
    current: t.node({
      description: 'What it is now, to merge with and try again; null when you can no longer see it.',
      id: (error) => error.currentId,
    }),
  }),
})

/** Of mutations that only start something, and must not tell what came of it. */
export interface Acknowledgement {
  readonly isAccepted: true
}

/** Part of the results of mutations that answer the same to everyone. */
export const AcknowledgedRef = builder.objectRef<Acknowledgement>('Acknowledged').implement({
  description: 'It was understood, and is done if there is anything to do; which of the two is told to nobody.',
  fields: (t) => ({
    accepted: t.exposeBoolean('isAccepted', { description: 'Always true.' }),
  }),
})

const InvalidFieldRef = builder.objectRef<InvalidInput['fields'][number]>('InvalidField').implement({
  description: 'One rule that one field of an input broke.',
  fields: (t) => ({
    path: t.stringList({
      description: 'Where in the input: `["blocks", "3", "text"]`.',
      resolve: (field) => [...field.path],
    }),
    message: t.exposeString('message', { description: 'Which rule, for people.' }),
  }),
})

builder.objectType(InvalidInput, {
  name: 'InvalidInput',
  description: 'The input has the right shape but breaks a rule; nothing was changed.',
  interfaces: [UserErrorInterface],
  fields: (t) => ({
    fields: t.field({
      type: [InvalidFieldRef],
      description: 'Every rule broken, each with its place.',
      resolve: (error) => [...error.fields],
    }),
  }),
})
