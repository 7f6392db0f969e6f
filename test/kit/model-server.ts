import { type Fixture, LLMock } from '@copilotkit/aimock'
import { type CompletedRequest, getLocal } from 'mockttp'
import { knownProviders } from '../../src/lib/known-providers.ts'
import { createRegistry, type Registry } from '../../src/modules/providers/models/registry.service.ts'
import { type Circuits, createCircuits } from '../../src/platform/circuit.ts'
import { systemClock } from '../../src/platform/clock.ts'
import type { Context } from '../../src/platform/context.ts'
import { createHttpClient } from '../../src/platform/http-client.ts'
import { createLog, type Log } from '../../src/platform/log.ts'
import {
  type Model,
  ModelFailed,
  type ModelPart,
  type ModelRequest,
  modelRequest,
  type StepEnd,
} from '../../src/platform/models.ts'
import type { ProviderConfig } from '../../src/platform/providers.ts'

/** A server on this machine that speaks as providers do, with a place in front of it where things go wrong. */
export interface ModelServer {
  readonly url: string
  /** The same without that place. */
  readonly upstream: string
  /** What it answers by: aimock's own, and what is answered before that. */
  readonly mock: LLMock
  readonly faults: ReturnType<typeof getLocal>
  /** Every request so far, those of faults as well. */
  readonly requests: readonly CompletedRequest[]
  /** Forgets fixtures, faults and requests. */
  reset(): Promise<void>
  close(): Promise<void>
}

/** Starts one on free ports. */
export async function startModelServer(
  correct?: (upstream: string) => Promise<{ readonly url: string; close(): Promise<void> }>,
): Promise<ModelServer> {
  const mock = new LLMock({ port: 0, host: '127.0.0.1', chunkSize: 8, strict: true })
  await mock.start()
  const corrected = await correct?.(mock.url)
  const upstream = corrected?.url ?? mock.url
  const faults = getLocal()
  const requests: CompletedRequest[] = []
  const open = async () => {
    await faults.on('request', (request) => void requests.push(request))
    await faults.forUnmatchedRequest().thenForwardTo(upstream)
  }
  await faults.start()
  await open()
  return {
    url: faults.url,
    upstream,
    mock,
    faults,
    requests,
    reset: async () => {
      requests.length = 0
      mock.clearFixtures()
      mock.clearRequests()
      mock.resetMatchCounts()
      faults.reset()
      await open()
    },
    close: async () => {
      await faults.stop()
      await corrected?.close()
      await mock.stop()
    },
  }
}

/** Adds an answer to whatever is asked. */
export function answerWith({ mock }: ModelServer, response: Fixture['response'], options: Partial<Fixture> = {}): void {
  mock.addFixture({ match: {}, response, ...options })
}

/** A known provider that stands at an address of this machine. */
export function providerAt(id: string, baseUrl: string, apiKey: string | null = 'a-key-of-a-test'): ProviderConfig {
  const known = knownProviders.find((provider) => provider.id === id)
  if (known === undefined) throw new Error(`There is no provider ${id}`)
  return { id, name: known.name, protocol: known.protocol, apiKey, baseUrl, isConfigured: true }
}

/** The figures of these tests: the product's, but that pauses are short; a busy machine may stand still for a while. */
export const quick = {
  retries: 3,
  baseMillis: 2,
  maxMillis: 8,
  maxRetryAfterSeconds: 1,
  firstPartMillis: 10_000,
  thoughtMillis: 10_000,
}

interface RegistryTestOptions extends Partial<typeof quick> {
  readonly fallbacks?: readonly (readonly string[])[]
  readonly circuits?: Circuits
  readonly log?: Log
}

/** A registry of these providers, and how to be rid of it. */
export function registryOf(
  providers: readonly ProviderConfig[],
  {
    fallbacks = [],
    log = createLog({ level: 'silent' }),
    circuits = createCircuits({ clock: systemClock, log }),
    ...figures
  }: RegistryTestOptions = {},
): Registry & { close(): Promise<void> } {
  const http = createHttpClient()
  const settings = { ...quick, ...figures }
  const registry = createRegistry({
    config: { providers, fallbacks, defaultId: null, prices: new Map() },
    fetch: http.fetch,
    circuits,
    figures: settings,
    patience: settings,
    clock: systemClock,
    log,
    random: () => 0.5,
    local: [],
  })
  return { ...registry, close: () => http.close() }
}

/** What became of a question. */
export interface Outcome {
  readonly parts: readonly ModelPart[]
  readonly text: string
  readonly reasoning: string
  readonly attempts: number
  readonly end: StepEnd | null
  readonly failure: ModelFailed | null
}

/** What is usual to ask. */
export const aQuestion = modelRequest({ messages: [{ role: 'user', content: 'How deep is the sea?' }] })

/** Asks a model to the end. Of the context a provider's model takes nothing. */
export async function askModel(
  model: Model,
  request: ModelRequest = aQuestion,
  signal: AbortSignal = new AbortController().signal,
): Promise<Outcome> {
  const parts: ModelPart[] = []
  let failure: ModelFailed | null = null
  try {
    for await (const part of model.stream({} as Context, request, signal)) parts.push(part)
  } catch (error) {
    if (!(error instanceof ModelFailed)) throw error
    failure = error
  }
  const textOf = (type: 'text' | 'reasoning') =>
    parts.flatMap((part) => (part.type === type && 'text' in part ? [part.text] : [])).join('')
  return {
    parts,
    text: textOf('text'),
    reasoning: textOf('reasoning'),
    attempts: parts.filter((part) => part.type === 'attempt').length,
    end: parts.find((part) => part.type === 'end') ?? null,
    failure,
  }
}
