import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Platform, RequestFacts } from '../platform/context.ts'
import { type Metrics, showsToken } from '../platform/metrics.ts'
import { isBrowser, sendGraphiql } from './graphiql.ts'
import { health, readiness } from './health.ts'
import { sendMailLinkPage } from './mail-link-pages.ts'
import { requestFacts, type TrustRule } from './request-facts.ts'
import { graphqlPath, type Yoga } from './yoga.ts'

const HEADERS_TIMEOUT_MILLIS = 10_000
const REQUEST_TIMEOUT_MILLIS = 30_000
const KEEP_ALIVE_MILLIS = 5_000

/** What the door works with. */
export interface HttpDoorOptions {
  readonly yoga: Yoga
  readonly stopping: AbortSignal
  readonly isTrusted: TrustRule
  /** Null: nobody is shown any. */
  readonly metrics: (Metrics & { readonly token: string }) | null
}

/** The HTTP door: GraphQL (and GraphiQL for browsers), health, readiness, metrics and the public keys. */
export function createHttpServer(platform: Platform, { yoga, stopping, isTrusted, metrics }: HttpDoorOptions): Server {
  const handle = async (request: IncomingMessage, response: ServerResponse, facts: RequestFacts): Promise<void> => {
    response.setHeader('x-request-id', facts.id)
    response.setHeader('x-content-type-options', 'nosniff')
    response.setHeader('referrer-policy', 'no-referrer')
    const path = request.url?.split('?', 1)[0]
    if (path === graphqlPath) {
      if (isBrowser(request)) return sendGraphiql(response)
      // RFC 9112, 3.2; the engine makes a URL of it, and would take its own failure for ours.
      if (!isHost(request.headers.host)) return sendJson(response, 400, { error: 'The Host header is not valid.' })
      await yoga(request, response, { req: request, res: response, facts })
    } else if (path === '/health') sendJson(response, 200, health())
    else if (path === '/ready') {
      const state = await readiness(platform, stopping)
      sendJson(response, state.ready ? 200 : 503, state)
    } else if (path === '/metrics' && metrics !== null) {
      if (!showsToken(request.headers.authorization, metrics.token)) {
        response.setHeader('www-authenticate', 'Bearer')
        return sendJson(response, 401, { error: 'This takes a token.' })
      }
      response.writeHead(200, { 'content-type': metrics.contentType, 'cache-control': 'no-store' })
      response.end(await metrics.text())
    } else if (path === '/.well-known/jwks.json') {
      response.setHeader('cache-control', 'public, max-age=300')
      sendJson(response, 200, await platform.signingKeys.jwks())
    } else if (request.method === 'GET' && path !== undefined && sendMailLinkPage(path, response)) return
    else sendJson(response, 404, { error: `Nothing here. The API is at ${graphqlPath}.` })
  }

  const server = createServer((request, response) => {
    const facts = requestFacts(request, platform.clock, isTrusted)
    handle(request, response, facts).catch((error: unknown) => {
      platform.log.error({ err: error, requestId: facts.id }, 'request failed')
      if (!response.headersSent) sendJson(response, 500, { error: 'Something went wrong on our side.' })
      else response.destroy()
    })
  })
  server.headersTimeout = HEADERS_TIMEOUT_MILLIS
  server.requestTimeout = REQUEST_TIMEOUT_MILLIS
  server.keepAliveTimeout = KEEP_ALIVE_MILLIS
  return server
}

/** Takes no more requests and waits for those under way; what is left after the time is cut off. */
export function closeHttpServer(server: Server, timeoutMillis: number): Promise<void> {
  return new Promise((resolve) => {
    if (!server.listening) return resolve()
    const deadline = setTimeout(() => server.closeAllConnections(), timeoutMillis)
    server.close(() => {
      clearTimeout(deadline)
      resolve()
    })
    server.closeIdleConnections()
  })
}

function isHost(header: string | undefined): boolean {
  return !header || URL.canParse(`http://${header}`)
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' })
  response.end(`${JSON.stringify(body)}\n`)
}
