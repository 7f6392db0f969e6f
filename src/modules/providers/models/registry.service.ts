import { type ModelName, modelNameOf } from '../../../lib/known-providers.ts'
import { type CatalogueEntry, catalogued, modelCatalogue } from '../../../lib/model-catalogue.ts'
import type { Circuit, Circuits } from '../../../platform/circuit.ts'
import type { Context } from '../../../platform/context.ts'
import { type Model, ModelFailed, type ModelPart, type ModelRequest } from '../../../platform/models.ts'
import type { ModelsConfig, Provider, ProviderConfig, Providers } from '../../../platform/providers.ts'
import { isOutage } from '../protocols/fault.service.ts'
import { openSdk, type ProviderSdk } from '../protocols/sdk.service.ts'
import { type AttemptTools, attempts } from './attempts.service.ts'
import { throughCircuit } from './circuits.service.ts'
import { answerOnce, type Patience } from './single-attempt.service.ts'
import { countRequestTokens } from './token-count.service.ts'

/** What the registry is made of. */
export interface RegistryOptions extends AttemptTools {
  readonly config: ModelsConfig
  readonly fetch: typeof globalThis.fetch
  readonly circuits: Circuits
  readonly patience: Patience
  /** Providers that run here, and are always there. */
  readonly local: readonly Pick<Provider, 'id' | 'name'>[]
}

/** A provider of which something can be asked. */
export interface OpenProvider {
  readonly config: ProviderConfig
  readonly sdk: ProviderSdk
  readonly circuit: Circuit
}

/** The providers of a server, and their models. */
export interface Registry extends Providers {
  /** The models of the catalogue whose providers are known here, in its order. */
  readonly models: readonly Model[]
  /** Any model of a known provider; of one that is not configured those of the catalogue alone. */
  findModel(id: string): Model | null
  /** Null for one that is not configured, or that nobody knows. */
  open(providerId: string): OpenProvider | null
}

/** Makes the registry. Nothing is connected to before something is asked. */
export function createRegistry(options: RegistryOptions): Registry {
  const { config, fetch, circuits } = options
  const known = new Map(config.providers.map((provider) => [provider.id, provider]))
  const circuitOf = (id: string) => circuits.of(`model/${id}`, 'model', { isFailure: isOutage })
  const opened = new Map<string, OpenProvider>()
  for (const provider of config.providers)
    if (provider.isConfigured) {
      const { id } = provider
      opened.set(id, { config: provider, sdk: openSdk(provider, fetch), circuit: circuitOf(id) })
    }

  const findModel = (id: string): Model | null => {
    const name = modelNameOf(id)
    const provider = name === null ? undefined : known.get(name.providerId)
    if (name === null || provider === undefined) return null
    const entry = catalogued(`${name.providerId}/${name.name}`)
    if (entry === null && !provider.isConfigured) return null
    const fallbackIds = fallbacksOf(id)
    const facts = { name, entry, provider: opened.get(provider.id) ?? null, fallbackIds }
    return modelOf(id, { ...facts, others: othersOf(fallbackIds) }, options)
  }
  /** What is tried behind a model; each alone, whatever groups it is in itself. */
  const othersOf = (ids: readonly string[]) => (ctx: Context) =>
    ids.flatMap((other) => alone(other) ?? ctx.platform.models.find(other) ?? [])
  const fallbacksOf = (id: string) => {
    const group = config.fallbacks.find((ids) => ids.includes(id)) ?? []
    return group.slice(group.indexOf(id) + 1)
  }
  const alone = (id: string): Model | null => {
    const name = modelNameOf(id)
    const provider = name === null ? undefined : opened.get(name.providerId)
    if (name === null || provider === undefined) return null
    const entry = catalogued(`${name.providerId}/${name.name}`)
    return modelOf(id, { name, entry, provider, fallbackIds: [], others: () => [] }, options)
  }
  const asSeen = ({ id, name, isConfigured }: ProviderConfig): Provider => {
    return { id, name, isConfigured, circuit: opened.get(id)?.circuit.state ?? 'CLOSED' }
  }
  const local = options.local.map((provider): Provider => ({ ...provider, isConfigured: true, circuit: 'CLOSED' }))
  return {
    models: modelCatalogue.flatMap(({ id }) => findModel(id) ?? []),
    findModel,
    open: (id) => opened.get(id) ?? null,
    list: () => [...local, ...config.providers.map(asSeen)],
    find: (id) => {
      const provider = known.get(id)
      return provider === undefined ? (local.find((one) => one.id === id) ?? null) : asSeen(provider)
    },
  }
}

interface Facts {
  readonly name: ModelName
  readonly entry: CatalogueEntry | null
  /** Null: it is not configured. */
  readonly provider: OpenProvider | null
  readonly fallbackIds: readonly string[]
  readonly others: (ctx: Context) => readonly Model[]
}

function modelOf(id: string, { name, entry, provider, fallbackIds, others }: Facts, options: RegistryOptions): Model {
  const model: Model = {
    id,
    name: entry?.name ?? name.name,
    providerId: name.providerId,
    contextWindow: entry?.contextWindow ?? null,
    // Of a model that nobody here knows most is expected; those of Ollama are often small, and refuse what they cannot do.
    capabilities: entry?.capabilities ?? (name.providerId === 'ollama' ? [] : ['TOOLS', 'REASONING']),
    maxOutputTokens: entry?.maxOutputTokens ?? null,
    // Of a model of theirs that nobody here knows the worst is expected.
    thinksOnTop: entry?.thinksOnTop ?? name.providerId === 'anthropic',
    fallbackIds,
    isConfigured: provider !== null,
    stream: (ctx, request, signal) => {
      // What models that nobody here knows make of it, when they are told not to think, nobody knows either.
      const thinksUnasked = entry?.capabilities.includes('REASONING') ?? false
      const asked = { model, name, request, thinksUnasked }
      const first = provider === null ? notConfigured(name) : ask({ ...asked, provider }, signal, options)
      const behind = async () =>
        (await fitting(others(ctx), request)).map((other) => other.stream(ctx, request, signal))
      return inTurn(first, behind, signal)
    },
  }
  return model
}

// biome-ignore lint/correctness/useYield: it has nothing to say
async function* notConfigured({ providerId }: ModelName): AsyncGenerator<ModelPart> {
  throw new ModelFailed('MODEL_NOT_CONFIGURED', `${providerId} has no key or no address`)
}

interface Asked {
  readonly model: Model
  readonly name: ModelName
  readonly provider: OpenProvider
  readonly request: ModelRequest
  readonly thinksUnasked: boolean
}

/** Those whose window, where it is known, takes the request; there is no answer from the others but a refusal. */
async function fitting(models: readonly Model[], request: ModelRequest): Promise<Model[]> {
  const fits = await Promise.all(
    models.map(
      async (model) => model.contextWindow === null || (await countRequestTokens(model, request)) < model.contextWindow,
    ),
  )
  return models.filter((_model, index) => fits[index])
}

/** Asks one model, a few times if need be. */
async function* ask(
  { model, name, provider: { sdk, circuit, config }, request: asked, thinksUnasked }: Asked,
  signal: AbortSignal,
  options: RegistryOptions,
): AsyncGenerator<ModelPart> {
  const { patience, clock } = options
  const { capabilities, contextWindow } = model
  const target = {
    ...{ providerId: config.id, modelId: model.id, capabilities },
    thinksUnasked: thinksUnasked && sdk.quietens,
  }
  const request = {
    ...asked,
    temperature: Math.min(asked.temperature, sdk.maxTemperature),
    // More than it can write would be refused, also of one that answers in another's place.
    maxOutputTokens: lesser(asked.maxOutputTokens, model.maxOutputTokens),
  }
  const reasoning = capabilities.includes('REASONING') ? request.reasoning : 'NONE'
  const room = { contextWindow, promptTokens: () => countRequestTokens(model, request) }
  const providerOptions = await sdk.options({ ...request, reasoning }, room)
  const question = { model: sdk.languageModel(name.name, name.isChat), target, request, providerOptions }
  yield* attempts(
    (begun) =>
      throughCircuit(circuit, signal, (isThere) => {
        const both = () => {
          isThere()
          begun()
        }
        return answerOnce(question, patience, { signal, clock, begun: both })
      }),
    { id: model.id, providerId: config.id, signal },
    options,
  )
}

function lesser(one: number | null, other: number | null): number | null {
  return one === null ? null : Math.min(one, other ?? one)
}

/** The first that begins. @throws the failure of the last when none does */
async function* inTurn(
  first: AsyncIterable<ModelPart>,
  others: () => Promise<readonly AsyncIterable<ModelPart>[]>,
  signal: AbortSignal,
): AsyncGenerator<ModelPart> {
  const queue = [first]
  let rest: typeof others | null = others
  for (;;) {
    const next = queue.shift()
    if (next === undefined) throw new Error('Nobody was asked')
    let hasBegun = false
    try {
      for await (const part of next) {
        hasBegun ||= part.type !== 'attempt'
        yield part
      }
      return
    } catch (error) {
      signal.throwIfAborted()
      if (!hasBegun) queue.push(...((await rest?.()) ?? []))
      rest = null
      if (hasBegun || queue.length === 0) throw error
    }
  }
}
