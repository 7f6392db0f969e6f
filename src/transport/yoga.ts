import type { IncomingMessage, ServerResponse } from 'node:http'
import { createYoga, type Plugin, type YogaServerInstance } from 'graphql-yoga'
import { executeOperation, subscribeOperation } from '../graphql/execution.ts'
import { type Context, createContext, type Platform, type RequestFacts } from '../platform/context.ts'
import { schema } from '../schema.ts'
import { cookieRefusal, cookieValues, openCookieJar } from './cookies.ts'
import { credentialsOf, viewerOf } from './credentials.ts'
import { limitDocuments, parserCache } from './document-limits.ts'
import { type OriginRule, requestHost } from './origins.ts'
import { maskRequestErrors, readOnlyJson } from './request-errors.ts'

/** What the HTTP server knows of a request before GraphQL does. */
export interface ServerContext {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  readonly facts: RequestFacts
}

/** What Yoga carries to the executor. */
interface YogaContext extends ServerContext {
  readonly ocean: Context
}

/** The GraphQL engine of the HTTP and SSE doors; the WebSocket door borrows its parser and validator with their caches. */
export type Yoga = YogaServerInstance<ServerContext, { ocean: Context }>

export const graphqlPath = '/graphql'
/** Bytes of a request body or a frame. */
export const MAX_MESSAGE_BYTES = 1024 * 1024

/** Makes the engine. */
export function createEngine(platform: Platform, options: { allowsOrigin: OriginRule }): Yoga {
  return createYoga<ServerContext, { ocean: Context }>({
    schema,
    graphqlEndpoint: graphqlPath,
    landingPage: false,
    graphiql: false,
    multipart: false,
    batching: false,
    maxRequestBodySize: MAX_MESSAGE_BYTES,
    // Masking needs the request's id, so it is done where that is known: in `execution.ts` and `request-errors.ts`.
    maskedErrors: false,
    logging: false,
    cors: (request) => {
      const origin = request.headers.get('origin')
      return origin !== null && options.allowsOrigin(origin, requestHost(request.headers.get('host')))
        ? { origin, credentials: true, maxAge: 600, exposedHeaders: ['x-request-id', 'retry-after'] }
        : false
    },
    parserAndValidationCache: parserCache(),
    plugins: [readOnlyJson, limitDocuments, ownExecution, maskRequestErrors(platform), forNoCache],
    // The signal is not the server's stopping: requests are finished first, and subscriptions say why they end.
    context: async ({ request: { signal }, ...server }) => ({
      ocean: await contextOf(platform, options.allowsOrigin, { ...server, signal }),
    }),
  })
}

async function contextOf(
  platform: Platform,
  allowsOrigin: OriginRule,
  { req: request, res: response, facts, signal }: ServerContext & { readonly signal: AbortSignal },
): Promise<Context> {
  const { cookies } = platform.settings
  const refusal = cookieRefusal(request, allowsOrigin)
  const credentials = credentialsOf({
    authorization: request.headers.authorization ?? null,
    apiKey: apiKeyOf(request),
    accessCookies: cookieValues(request, cookies, 'access'),
    cookieRefusal: refusal,
  })
  return createContext(platform, {
    viewer: await viewerOf(platform, credentials, facts),
    request: facts,
    cookies: openCookieJar({ request, response, refusal }, cookies),
    signal,
  })
}

/** Several are joined, so that they are none. */
function apiKeyOf({ headers }: IncomingMessage): string | null {
  const sent = headers['x-api-key']
  return Array.isArray(sent) ? sent.join() : (sent ?? null)
}

/** What is answered is for one caller, on a page of one origin; a stream has a rule of its own. */
const forNoCache: Plugin = {
  onResponse({ response }) {
    response.headers.append('vary', 'Origin')
    if (!response.headers.has('cache-control')) response.headers.set('cache-control', 'no-store')
  },
}

const ownExecution: Plugin<YogaContext> = {
  onExecute({ setExecuteFn }) {
    setExecuteFn((args) => executeOperation({ ...args, contextValue: args.contextValue.ocean }))
  },
  onSubscribe({ setSubscribeFn }) {
    setSubscribeFn((args) => subscribeOperation({ ...args, contextValue: args.contextValue.ocean }))
  },
}
