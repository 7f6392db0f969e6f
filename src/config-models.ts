import { z } from 'zod'
import { isPlain, urlOf, wholeNumber } from './config-rules.ts'
import { type KnownProvider, knownProviders, modelNameOf } from './lib/known-providers.ts'
import { dimensionsOf } from './lib/model-catalogue.ts'
import { createPriceList, parsePrice } from './lib/price-list.ts'
import type { ModelsConfig, ProviderConfig } from './platform/providers.ts'

type Environment = Readonly<Record<string, unknown>>

const baseUrl = urlOf(/^https?:$/, 'http:// or https://').refine(isPlain, 'has credentials, a query or a hash')
/** As they go into a header: nothing else could be sent. */
const apiKey = z.string().regex(/^[\x21-\x7e]{1,512}$/, 'is not a key: it has spaces or signs that no header takes')

const variablesOf = ({ id, variables }: KnownProvider) => ({
  [`${variables}_API_KEY`]: apiKey.optional(),
  [`${variables}_BASE_URL`]: baseUrl.optional(),
  ...(id === 'ollama' ? { OLLAMA_URL: baseUrl.optional() } : {}),
})

/** The variables of models, their providers and their vectors. */
export const modelVariables = {
  ...(Object.assign({}, ...knownProviders.map(variablesOf)) as Record<string, z.ZodOptional<z.ZodString>>),
  OPENAI_COMPATIBLE: z.string().optional(),
  MODEL_FALLBACKS: z.string().optional(),
  DEFAULT_MODEL: z.string().optional(),
  MODEL_PRICES: z.string().optional(),
  MODEL_FIRST_PART_MILLIS: wholeNumber(1, 600_000),
  MODEL_THOUGHT_MILLIS: wholeNumber(1, 600_000),
  MODEL_BACK_OFF_MILLIS: wholeNumber(0, 60_000),
  EMBEDDINGS: z.string().default('embedded'),
}

/** What runs here needs no provider. */
const LOCAL = ['embedded', 'scenario']

/** What the environment says of models; only of one without faults. */
export function modelsConfigOf(environment: Environment): ModelsConfig {
  return {
    providers: [...knownProviders.map((known) => configured(known, environment)), ...furtherProviders(environment)],
    fallbacks: groupsOf(environment),
    defaultId: text(environment, 'DEFAULT_MODEL'),
    prices: new Map(
      priceEntries(environment)
        .map(parsePrice)
        .filter((entry) => entry !== null),
    ),
  }
}

/** Everything that is wrong with what the environment says of models beyond one variable alone. */
export function modelFaults(environment: Environment): string[] {
  const further = entriesOf(environment)
  const malformed = further.flatMap(([name, url]) => furtherFaults(name, url))
  const keys = further.flatMap(([name]) => {
    const variable = `${variableOf(name)}_API_KEY`
    const key = text(environment, variable)
    return key === null || apiKey.safeParse(key).success ? [] : [`${variable} is not a key`]
  })
  const { providers, fallbacks, defaultId, prices } = modelsConfigOf(environment)
  const named = [
    ...fallbacks.flat().map((id) => ['MODEL_FALLBACKS', id] as const),
    ...(defaultId === null ? [] : [['DEFAULT_MODEL', defaultId] as const]),
  ]
  const unknown = named.flatMap(([variable, id]) => modelFault(variable, id, providers))
  const short = fallbacks.some((group) => group.length < 2)
    ? ['MODEL_FALLBACKS has a group of less than two: write anthropic/one > openai/another, with commas between groups']
    : []
  return [
    ...new Set([
      ...malformed,
      ...repeated(further),
      ...keys,
      ...unknown,
      ...short,
      ...priceFaults(environment, { prices, named }),
      ...embeddingFaults(environment, providers),
    ]),
  ]
}

function configured(known: KnownProvider, environment: Environment): ProviderConfig {
  const { id, name, protocol, variables } = known
  const key = text(environment, `${variables}_API_KEY`)
  const own = text(environment, `${variables}_BASE_URL`)
  const address = id === 'ollama' ? (own ?? ollamaAddress(environment)) : own
  const baseUrl = address ?? known.baseUrl
  // Where a provider has a public address, one of its own without a key is somebody's proxy.
  const isConfigured = known.needsKey && own === null ? key !== null : baseUrl !== null
  return { id, name, protocol, apiKey: key, baseUrl: baseUrl?.replace(/\/+$/, '') ?? null, isConfigured }
}

/** OLLAMA_URL is that of the server, as Ollama itself prints it. */
function ollamaAddress(environment: Environment): string | null {
  const url = text(environment, 'OLLAMA_URL')?.replace(/\/+$/, '') ?? null
  return url === null || url.endsWith('/api') ? url : `${url}/api`
}

function furtherProviders(environment: Environment): ProviderConfig[] {
  return entriesOf(environment).map(([id, url]) => ({
    id,
    name: id,
    protocol: 'openai-compatible',
    apiKey: text(environment, `${variableOf(id)}_API_KEY`),
    baseUrl: url.replace(/\/+$/, ''),
    isConfigured: true,
  }))
}

/** `name=https://host/v1;other=https://…` */
function entriesOf(environment: Environment): [name: string, url: string][] {
  return parts(text(environment, 'OPENAI_COMPATIBLE'), ';').map((entry) => {
    const at = entry.indexOf('=')
    return at < 0 ? [entry, ''] : [entry.slice(0, at).trim(), entry.slice(at + 1).trim()]
  })
}

function variableOf(name: string): string {
  return name.toUpperCase().replaceAll('-', '_')
}

const takenNames = new Set([...LOCAL, 'openai-chat', ...knownProviders.map(({ id }) => id)])

function furtherFaults(name: string, url: string): string[] {
  const isName = /^[a-z][a-z0-9-]{0,31}$/.test(name)
  if (!isName || !baseUrl.safeParse(url).success)
    return ['OPENAI_COMPATIBLE is not name=https://host/path, with small letters, digits and - in a name and ; between']
  return takenNames.has(name) ? [`OPENAI_COMPATIBLE names ${name}, which is a provider already`] : []
}

function repeated(further: readonly (readonly [string, string])[]): string[] {
  const names = further.map(([name]) => name)
  return names
    .filter((name, index) => names.indexOf(name) !== index)
    .map((name) => `OPENAI_COMPATIBLE names ${name} twice`)
}

function groupsOf(environment: Environment): string[][] {
  return parts(text(environment, 'MODEL_FALLBACKS'), ',').map((group) => parts(group, '>'))
}

function modelFault(variable: string, id: string, providers: readonly ProviderConfig[]): string[] {
  const providerId = modelNameOf(id)?.providerId
  if (providerId === undefined)
    return [`${variable} has ${JSON.stringify(id.slice(0, 100))}, which is not provider/model`]
  if (LOCAL.includes(providerId)) return []
  const provider = providers.find((one) => one.id === providerId)
  if (provider === undefined) return [`${variable} has ${id}, but there is no provider ${providerId}`]
  return provider.isConfigured ? [] : [`${variable} has ${id}, but ${whatIsMissing(providerId)} is not set`]
}

function whatIsMissing(providerId: string): string {
  const known = knownProviders.find(({ id }) => id === providerId)
  if (known === undefined) return 'its address'
  if (known.id === 'ollama') return 'OLLAMA_URL'
  return known.needsKey ? `${known.variables}_API_KEY` : `${known.variables}_BASE_URL`
}

/** `anthropic/one=4/0.2/20;myhost/*=free` */
function priceEntries(environment: Environment): string[] {
  return parts(text(environment, 'MODEL_PRICES'), ';')
}

interface Priced {
  readonly prices: ModelsConfig['prices']
  readonly named: readonly (readonly [variable: string, id: string])[]
}

/** What is asked without anybody choosing it has to have a price, or could never be asked. */
function priceFaults(environment: Environment, { prices, named }: Priced): string[] {
  const malformed = priceEntries(environment)
    .filter((entry) => parsePrice(entry) === null)
    .map((entry) => `MODEL_PRICES has ${JSON.stringify(entry.slice(0, 100))}, which is not ${PRICE_FORM}`)
  const list = createPriceList(prices)
  const unpriced = named
    .filter(([, id]) => modelNameOf(id) !== null && list.find(id) === null)
    .map(([variable, id]) => `${variable} has ${id}, whose price is not known here: set it with MODEL_PRICES`)
  return [...malformed, ...unpriced]
}

const PRICE_FORM =
  'model=input/cached/output or model=input/cached/output/thinking in credits a million tokens, above 0, or model=free; provider/* and * stand for all others'

function embeddingFaults(environment: Environment, providers: readonly ProviderConfig[]): string[] {
  const id = text(environment, 'EMBEDDINGS')
  if (id === null || id === 'embedded' || id === 'off') return []
  const faults = modelFault('EMBEDDINGS', id, providers)
  if (faults.length > 0) return faults
  return dimensionsOf(id) === null ? [`EMBEDDINGS is ${id}, whose dimensions are not known here`] : []
}

function text(environment: Environment, name: string): string | null {
  const value = environment[name]
  return typeof value === 'string' ? value.trim() : null
}

function parts(list: string | null, separator: string): string[] {
  return (list ?? '')
    .split(separator)
    .map((part) => part.trim())
    .filter(Boolean)
}
